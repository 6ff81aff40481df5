import assert from "node:assert/strict";
import type { Holder } from "../../src/server/workers/locks.ts";
import type { ToWorker } from "../../src/server/workers/messages.ts";
import { createRelay } from "../../src/server/workers/relay.ts";

/** A worker that notes what it gets. */
function worker() {
  const got: ToWorker[] = [];
  const holder: Holder = { send: (message) => got.push(message) };
  return { holder, got };
}

describe("announcements among workers", () => {
  const warnings: unknown[] = [];
  const log = { warn: (...args: unknown[]) => warnings.push(args) } as never;
  const delivered = (replies: string[] = []) => ({ mediatap: "delivered", id: 7, replies }) as const;

  it("are delivered when all others that serve have received them", () => {
    const relay = createRelay(log);
    const [a, b, c, starting] = [worker(), worker(), worker(), worker()];
    relay.announce(a.holder, 7, "text", [
      [a.holder, true],
      [b.holder, true],
      [c.holder, true],
      [starting.holder, false],
    ]);
    const [message] = b.got as [ToWorker & { mediatap: "announcement" }];
    assert.deepEqual(message, { mediatap: "announcement", id: message.id, text: "text" });
    assert.deepEqual(starting.got, [message]);
    relay.received(b.holder, message.id, "b's");
    relay.received(b.holder, message.id, "again");
    relay.received(a.holder, message.id, "not asked");
    assert.deepEqual(a.got, []);
    relay.received(c.holder, message.id);
    relay.received(starting.holder, message.id, "late");
    assert.deepEqual(a.got, [delivered(["b's"])]);
  });

  it("are delivered immediately if no other worker serves, and when the last one has ended", () => {
    const relay = createRelay(log);
    const [a, b] = [worker(), worker()];
    relay.announce(a.holder, 7, "text", [[a.holder, true]]);
    assert.deepEqual(a.got, [delivered()]);
    relay.announce(a.holder, 7, "text", [[b.holder, true]]);
    assert.equal(a.got.length, 1);
    relay.gone(b.holder);
    assert.deepEqual(a.got, [delivered(), delivered()]);
  });

  it("are not waited for without an end", async () => {
    const relay = createRelay(log, 1);
    const b = worker();
    // The timer alone keeps no process alive.
    const alive = setInterval(() => {}, 1_000);
    await new Promise<void>((resolve) => {
      relay.announce({ send: () => resolve() }, 7, "text", [[b.holder, true]]);
    });
    clearInterval(alive);
    assert.equal(warnings.length, 1);
  });
});
