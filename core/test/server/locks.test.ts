import assert from "node:assert/strict";
import { until } from "@mediatap/test";
import { createWorkerLocks, type Holder } from "../../src/server/workers/locks.ts";
import type { ToWorker } from "../../src/server/workers/messages.ts";
import { monotonicNow } from "../../src/util/monotonic.ts";
import type { WorkerOutcome } from "../../src/work/coalesce/workers.ts";

const OUTCOME: WorkerOutcome = { code: "ENOENT", message: "none", status: 404, outage: false };

/** A worker that notes what it receives, in short. */
function worker() {
  const received: string[] = [];
  const holder: Holder = {
    send(message: ToWorker) {
      if (message.mediatap === "acquired")
        received.push(`${message.id} ${message.outcome ? "outcome" : "go"}`);
      else received.push(message.mediatap);
    },
  };
  return { holder, received };
}

describe("locks of workers", () => {
  it("go to the first, whose outcome the others receive", () => {
    const locks = createWorkerLocks();
    const [a, b, c] = [worker(), worker(), worker()];
    locks.acquire(a.holder, { id: 1, key: "x", since: 0 });
    locks.acquire(b.holder, { id: 2, key: "x", since: 0 });
    locks.acquire(c.holder, { id: 3, key: "x", since: 0 });
    locks.acquire(b.holder, { id: 4, key: "y", since: 0 });
    locks.release(a.holder, { id: 1, key: "x", hasOutcome: false, outcome: OUTCOME });
    assert.deepEqual(a.received, ["1 go"]);
    assert.deepEqual(b.received, ["4 go", "2 outcome"]);
    assert.deepEqual(c.received, ["3 outcome"]);
    locks.acquire(c.holder, { id: 5, key: "x", since: 0 });
    assert.deepEqual(c.received, ["3 outcome", "5 go"]);
  });

  it("go to the next where there is no outcome, or the worker is gone", () => {
    const locks = createWorkerLocks();
    const [a, b, c] = [worker(), worker(), worker()];
    locks.acquire(a.holder, { id: 1, key: "x", since: 0 });
    locks.acquire(b.holder, { id: 2, key: "x", since: 0 });
    locks.acquire(c.holder, { id: 3, key: "x", since: 0 });
    locks.release(a.holder, { id: 1, key: "x", hasOutcome: false });
    assert.deepEqual(b.received, ["2 go"]);
    locks.gone(b.holder);
    assert.deepEqual(c.received, ["3 go"]);
    locks.release(b.holder, { id: 2, key: "x", hasOutcome: false, outcome: OUTCOME });
    locks.acquire(a.holder, { id: 4, key: "x", since: 0 });
    assert.deepEqual(c.received, ["3 go"]);
    locks.release(c.holder, { id: 3, key: "x", hasOutcome: false, outcome: OUTCOME });
    assert.deepEqual(a.received, ["1 go", "4 outcome"]);
  });

  it("have an outcome that is requested from its holder once, if others wait for it", () => {
    const locks = createWorkerLocks();
    const [a, b, c] = [worker(), worker(), worker()];
    locks.acquire(a.holder, { id: 1, key: "x", since: 0 });
    locks.acquire(b.holder, { id: 2, key: "x", since: 0 });
    locks.release(a.holder, { id: 1, key: "x", hasOutcome: true });
    locks.acquire(c.holder, { id: 3, key: "x", since: 0 });
    assert.deepEqual(a.received, ["1 go", "wanted"]);
    locks.release(a.holder, { id: 1, key: "x", hasOutcome: true, outcome: OUTCOME });
    assert.deepEqual([b.received, c.received], [["2 outcome"], ["3 outcome"]]);
    // Its holder had to make room.
    locks.acquire(b.holder, { id: 4, key: "x", since: 0 });
    locks.release(a.holder, { id: 1, key: "x", hasOutcome: false });
    assert.deepEqual(b.received, ["2 outcome", "4 go"]);
  });

  it("pass over who has left", () => {
    const locks = createWorkerLocks();
    const [a, b, c] = [worker(), worker(), worker()];
    locks.acquire(a.holder, { id: 1, key: "x", since: 0 });
    locks.acquire(b.holder, { id: 2, key: "x", since: 0 });
    locks.acquire(c.holder, { id: 3, key: "x", since: 0 });
    locks.leave(b.holder, { id: 2, key: "x" });
    locks.leave(a.holder, { id: 1, key: "x" });
    assert.deepEqual(b.received, []);
    assert.deepEqual(c.received, ["3 go"]);
  });

  it("are stored for a while, so that late ones ask their holder", () => {
    const locks = createWorkerLocks();
    const [a, b] = [worker(), worker()];
    locks.acquire(a.holder, { id: 1, key: "x", since: 0 });
    locks.release(a.holder, { id: 1, key: "x", hasOutcome: true });
    locks.acquire(b.holder, { id: 2, key: "x", since: 0 });
    assert.deepEqual(a.received, ["1 go", "wanted"]);
    locks.release(a.holder, { id: 1, key: "x", hasOutcome: true, outcome: OUTCOME });
    assert.deepEqual(b.received, ["2 outcome"]);
    // It has lost it itself.
    locks.acquire(a.holder, { id: 3, key: "x", since: 0 });
    assert.deepEqual(a.received, ["1 go", "wanted", "3 go"]);
  });

  it("on what a purge has made out of date are granted again", () => {
    const locks = createWorkerLocks();
    const [a, b] = [worker(), worker()];
    locks.acquire(a.holder, { id: 1, key: "x", since: 0 });
    locks.acquire(b.holder, { id: 2, key: "x", since: monotonicNow() });
    assert.deepEqual(b.received, ["2 go"]);
    locks.acquire(a.holder, { id: 3, key: "x", since: 0 });
    assert.deepEqual(b.received, ["2 go"]);
    // The end of the work that is out of date.
    locks.release(a.holder, { id: 1, key: "x", hasOutcome: false, outcome: OUTCOME });
    assert.deepEqual(a.received, ["1 go"]);
  });

  it("block no worker for ever", async () => {
    const locks = createWorkerLocks(10);
    const [a, b] = [worker(), worker()];
    locks.acquire(a.holder, { id: 1, key: "x", since: 0 });
    locks.acquire(b.holder, { id: 2, key: "x", since: 0 });
    await until(() => b.received.length > 0, "the lock has expired");
    assert.deepEqual(b.received, ["2 go"]);
  });
});
