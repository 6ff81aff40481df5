import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { createCoalescer } from "../../src/util/coalescer.ts";

const stay = () => new AbortController().signal;

describe("coalescing in a process", () => {
  /** Work that the test ends, and the signals that it got. */
  function work() {
    const signals: AbortSignal[] = [];
    const end = Promise.withResolvers<string>();
    const run = (signal: AbortSignal) => {
      signals.push(signal);
      return end.promise;
    };
    return { signals, run, end };
  }

  it("runs equal work once, and other work beside it", async () => {
    const { run } = createCoalescer<string>();
    const [one, other] = [work(), work()];
    const all = ["a", "a", "b"].map((key) => run(key, { signal: stay() }, (key === "a" ? one : other).run));
    one.end.resolve("one");
    other.end.resolve("other");
    assert.deepEqual(await Promise.all(all), ["one", "one", "other"]);
    assert.deepEqual([one.signals.length, other.signals.length], [1, 1]);
  });

  it("joins nothing that began before the moment since which it must be", async () => {
    const coalescer = createCoalescer<string>();
    const [before, after] = [work(), work()];
    const first = coalescer.run("a", { signal: stay() }, before.run);
    const second = coalescer.run("a", { signal: stay(), since: 5 }, after.run);
    assert.deepEqual([coalescer.has("a"), coalescer.has("a", 5), coalescer.has("a", 6)], [true, true, false]);
    after.end.resolve("after");
    before.end.resolve("before");
    assert.deepEqual([await first, await second], ["before", "after"]);
    await coalescer.idle();
    assert.equal(coalescer.size, 0);
  });

  it("ends work that no caller waits for any longer, and begins again for the next", async () => {
    const { run } = createCoalescer<string>();
    const [left, again] = [work(), work()];
    const [one, two] = [new AbortController(), new AbortController()];
    const waits = [one, two].map(({ signal }) => run("a", { signal }, left.run));
    const ends = waits.map((wait, at) => assert.rejects(wait, (reason) => reason === `left ${at}`));
    one.abort("left 0");
    assert.equal(left.signals[0]?.aborted, false);
    two.abort("left 1");
    assert.equal(left.signals[0]?.reason, "left 1");
    await Promise.all(ends);
    const next = run("a", { signal: stay() }, again.run);
    again.end.resolve("again");
    assert.equal(await next, "again");
    await assert.rejects(
      run("a", { signal: AbortSignal.abort("early") }, again.run),
      (reason) => reason === "early",
    );
  });

  it("lets a result be joined as long as it is joinable", async () => {
    const joinable = Promise.withResolvers<void>();
    const coalescer = createCoalescer<string>(() => joinable.promise);
    const one = work();
    one.end.resolve("one");
    for (let i = 0; i < 2; i++) assert.equal(await coalescer.run("a", { signal: stay() }, one.run), "one");
    assert.equal(one.signals.length, 1);
    let isIdle = false;
    const idle = coalescer.idle().then(() => {
      isIdle = true;
    });
    // The process does other things meanwhile.
    await setImmediate();
    assert.equal(isIdle, false);
    joinable.resolve();
    await idle;
    assert.equal(coalescer.has("a"), false);
  });
});
