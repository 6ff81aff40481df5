import assert from "node:assert/strict";
import { until } from "@mediatap/test";
import { createLeases, type Holder } from "../../src/server/workers/locks.ts";
import type { Outcome, ToWorker } from "../../src/server/workers/messages.ts";
import { monotonicNow } from "../../src/util/monotonic.ts";

const OUTCOME: Outcome = { code: "ENOENT", message: "none", status: 404, outage: false };

/** A worker that notes what it is told, in short. */
function worker() {
  const told: string[] = [];
  const holder: Holder = {
    send(message: ToWorker) {
      if (message.mediatap === "answer") told.push(`${message.id} ${message.outcome ? "outcome" : "go"}`);
      else told.push(message.mediatap);
    },
  };
  return { holder, told };
}

describe("leases of workers", () => {
  it("go to the first, whose outcome the others are handed", () => {
    const leases = createLeases();
    const [a, b, c] = [worker(), worker(), worker()];
    leases.ask(a.holder, 1, "x", 0);
    leases.ask(b.holder, 2, "x", 0);
    leases.ask(c.holder, 3, "x", 0);
    leases.ask(b.holder, 4, "y", 0);
    leases.done(a.holder, { id: 1, name: "x", kept: false, outcome: OUTCOME });
    assert.deepEqual(a.told, ["1 go", "wanted"]);
    assert.deepEqual(b.told, ["4 go", "2 outcome"]);
    assert.deepEqual(c.told, ["3 outcome"]);
    leases.ask(c.holder, 5, "x", 0);
    assert.deepEqual(c.told, ["3 outcome", "5 go"]);
  });

  it("go to the next where there is no outcome, or the worker is gone", () => {
    const leases = createLeases();
    const [a, b, c] = [worker(), worker(), worker()];
    leases.ask(a.holder, 1, "x", 0);
    leases.ask(b.holder, 2, "x", 0);
    leases.ask(c.holder, 3, "x", 0);
    leases.done(a.holder, { id: 1, name: "x", kept: false });
    assert.deepEqual(b.told, ["2 go", "wanted"]);
    leases.gone(b.holder);
    assert.deepEqual(c.told, ["3 go"]);
    leases.done(b.holder, { id: 2, name: "x", kept: false, outcome: OUTCOME });
    leases.ask(a.holder, 4, "x", 0);
    assert.deepEqual(c.told, ["3 go", "wanted"]);
    leases.done(c.holder, { id: 3, name: "x", kept: false, outcome: OUTCOME });
    assert.deepEqual(a.told, ["1 go", "wanted", "4 outcome"]);
  });

  it("pass over who has left", () => {
    const leases = createLeases();
    const [a, b, c] = [worker(), worker(), worker()];
    leases.ask(a.holder, 1, "x", 0);
    leases.ask(b.holder, 2, "x", 0);
    leases.ask(c.holder, 3, "x", 0);
    leases.leave(b.holder, 2, "x");
    leases.leave(a.holder, 1, "x");
    assert.deepEqual(b.told, []);
    assert.deepEqual(c.told, ["3 go"]);
  });

  it("are remembered for a while, so that late ones ask who has it", () => {
    const leases = createLeases();
    const [a, b] = [worker(), worker()];
    leases.ask(a.holder, 1, "x", 0);
    leases.done(a.holder, { id: 1, name: "x", kept: true });
    leases.ask(b.holder, 2, "x", 0);
    assert.deepEqual(a.told, ["1 go", "wanted"]);
    leases.done(a.holder, { id: 1, name: "x", kept: true, outcome: OUTCOME });
    assert.deepEqual(b.told, ["2 outcome"]);
    // It has lost it itself.
    leases.ask(a.holder, 3, "x", 0);
    assert.deepEqual(a.told, ["1 go", "wanted", "3 go"]);
  });

  it("on what a purge has made out of date are given again", () => {
    const leases = createLeases();
    const [a, b] = [worker(), worker()];
    leases.ask(a.holder, 1, "x", 0);
    leases.ask(b.holder, 2, "x", monotonicNow());
    assert.deepEqual(b.told, ["2 go"]);
    leases.ask(a.holder, 3, "x", 0);
    assert.deepEqual(b.told, ["2 go", "wanted"]);
    // The end of the work that is out of date.
    leases.done(a.holder, { id: 1, name: "x", kept: false, outcome: OUTCOME });
    assert.deepEqual(a.told, ["1 go"]);
  });

  it("bind nobody for ever", async () => {
    const leases = createLeases(10);
    const [a, b] = [worker(), worker()];
    leases.ask(a.holder, 1, "x", 0);
    leases.ask(b.holder, 2, "x", 0);
    await until(() => b.told.length > 0, "the lease has ended");
    assert.deepEqual(b.told, ["2 go"]);
  });
});
