import assert from "node:assert/strict";
import { MediaError } from "../src/model/errors.ts";
import { DEFAULT_LIMITS } from "../src/model/limits.ts";
import { createBreaker } from "../src/pipeline/breaker.ts";

const limits = { ...DEFAULT_LIMITS, breakerFailures: 3, breakerWindow: 10_000, breakerOpen: 5_000 };
const outage = (retryAfterSeconds?: number) =>
  new MediaError("ECONNREFUSED", "down", {
    outage: true,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });

describe("the circuit breaker of an origin", () => {
  let time: number;
  let asked: number;
  const breaker = () => {
    time = 0;
    asked = 0;
    return createBreaker(limits, () => time);
  };
  const asking = (answer: () => unknown) => async () => {
    asked++;
    return answer();
  };
  const fail = (error: Error) => () => Promise.reject(error);

  it("skips an origin after some outages in a short time, and says the same error", async () => {
    const { run } = breaker();
    for (let i = 0; i < 5; i++) await assert.rejects(run(asking(fail(outage()))), { code: "ECONNREFUSED" });
    assert.equal(asked, 3);
  });

  it("forgets outages that lie back", async () => {
    const circuit = breaker();
    for (let i = 0; i < 6; i++) {
      await assert.rejects(circuit.run(asking(fail(outage()))));
      time += 6_000;
    }
    assert.equal(asked, 6);
    assert.equal(circuit.state, "closed");
  });

  it("lets one probe through after a while, which decides", async () => {
    const circuit = breaker();
    for (let i = 0; i < 3; i++) await assert.rejects(circuit.run(asking(fail(outage()))));
    assert.equal(circuit.state, "open");
    time += 5_001;
    assert.equal(circuit.state, "half-open");
    const { promise, resolve } = Promise.withResolvers<string>();
    const probe = circuit.run(() => promise);
    await assert.rejects(circuit.run(asking(() => "second")), { code: "ECONNREFUSED" });
    resolve("fine");
    assert.equal(await probe, "fine");
    assert.equal(circuit.state, "closed");
    assert.equal(await circuit.run(asking(() => "on")), "on");
  });

  it("stays open when the probe fails", async () => {
    const circuit = breaker();
    for (let i = 0; i < 3; i++) await assert.rejects(circuit.run(asking(fail(outage()))));
    time += 5_001;
    await assert.rejects(circuit.run(asking(fail(outage()))));
    assert.equal(circuit.state, "open");
    time += 5_001;
    assert.equal(circuit.state, "half-open");
  });

  it("takes a place back from a probe that nobody waited for", async () => {
    const circuit = breaker();
    for (let i = 0; i < 3; i++) await assert.rejects(circuit.run(asking(fail(outage()))));
    time += 5_001;
    await assert.rejects(circuit.run(asking(fail(new Error("aborted")))));
    assert.equal(await circuit.run(asking(() => "fine")), "fine");
  });

  it("opens at once, for as long as the origin asks", async () => {
    const circuit = breaker();
    await assert.rejects(circuit.run(asking(fail(outage(30)))));
    time += 29_000;
    assert.equal(circuit.state, "open");
    time += 1_001;
    assert.equal(circuit.state, "half-open");
  });

  it("says when it begins to skip, with the failure and the time, and when it ends", async () => {
    const changes: string[] = [];
    time = 0;
    const circuit = createBreaker(
      limits,
      () => time,
      (change) =>
        void changes.push(
          change.state === "open" ? `${change.error.code} for ${change.milliseconds}` : change.state,
        ),
    );
    for (let i = 0; i < 5; i++) await assert.rejects(circuit.run(asking(fail(outage()))));
    time += 5_001;
    await assert.rejects(circuit.run(asking(fail(outage()))));
    assert.deepEqual(changes, ["ECONNREFUSED for 5000"]);
    time += 5_001;
    await circuit.run(asking(() => "fine"));
    await circuit.run(asking(() => "fine"));
    assert.deepEqual(changes, ["ECONNREFUSED for 5000", "closed"]);
  });

  it("takes an answer for no sign of life whose body is still to be read", async () => {
    const circuit = breaker();
    const begun = () =>
      circuit.run(
        asking(() => "begun"),
        () => false,
      );
    for (let i = 0; i < 3; i++) {
      await begun();
      circuit.failed(outage());
    }
    assert.equal(circuit.state, "open");
    time += 5_001;
    await begun();
    assert.equal(circuit.state, "closed");
    for (let i = 0; i < 9; i++) {
      await begun();
      circuit.failed(outage());
      await begun();
      circuit.worked();
    }
    assert.equal(circuit.state, "closed");
  });

  it("does not come back by what was begun before it went", async () => {
    const circuit = breaker();
    for (let i = 0; i < 3; i++) await assert.rejects(circuit.run(asking(fail(outage()))));
    circuit.worked();
    assert.equal(circuit.state, "open");
  });

  it("takes missing and denied files for signs of life", async () => {
    const circuit = breaker();
    for (let i = 0; i < 9; i++) {
      await assert.rejects(circuit.run(asking(fail(new MediaError("EACCES", "denied")))));
      await circuit.run(asking(() => undefined));
    }
    assert.equal(circuit.state, "closed");
  });
});
