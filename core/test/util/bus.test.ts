import assert from "node:assert/strict";
import { pino } from "pino";
import { createBus, type LineEnd } from "../../src/util/bus.ts";

const log = pino({ level: "silent" });

describe("the bus", () => {
  it("is received by others, and not by its sender", async () => {
    const [one, two] = [createBus(log), createBus(log)];
    const heard: unknown[] = [];
    for (const [name, bus] of Object.entries({ one, two }))
      bus.subscribe("topic", (message) => heard.push([name, message]));
    let ends: LineEnd[] = [];
    // As Redis does: everybody gets everything, the speaker included.
    const send = (text: string) => {
      for (const end of ends) end.receive(text);
    };
    ends = [one.connect({ name: "a", send }), two.connect({ name: "a", send })];
    one.publish("topic", { a: 1 });
    one.publish("other", "nobody listens");
    await new Promise(setImmediate);
    assert.deepEqual(heard, [["two", { a: 1 }]]);
  });

  it("delivers nothing twice with two transports, and ignores garbage and transports that fail", async () => {
    const [one, two] = [createBus(log), createBus(log)];
    const heard: unknown[] = [];
    two.subscribe("topic", (message) => heard.push(message));
    const [a, b] = [two.connect({ name: "a", send: () => {} }), two.connect({ name: "b", send: () => {} })];
    one.connect({ name: "a", send: (text) => a.receive(text) });
    one.connect({ name: "b", send: async (text) => b.receive(text) });
    one.connect({
      name: "broken",
      send: () => {
        throw new Error("broken");
      },
    });
    for (const text of ["", "{", "[]", "null", "5", '{"id":1}', '{"id":"x","topic":5}']) a.receive(text);
    one.publish("topic", "once");
    await new Promise(setImmediate);
    assert.deepEqual(heard, ["once"]);
  });

  it("is silent without a line, and after it was left", async () => {
    const bus = createBus(log);
    const heard: unknown[] = [];
    const leave = bus.subscribe("topic", (message) => heard.push(message));
    const end = bus.connect({ name: "a", send: () => {} });
    leave();
    end.receive(JSON.stringify({ id: "1", topic: "topic", message: 1 }));
    end.close();
    bus.publish("topic", 1);
    assert.deepEqual(heard, []);
  });
});
