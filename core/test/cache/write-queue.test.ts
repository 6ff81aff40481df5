import assert from "node:assert/strict";
import { setImmediate as settle } from "node:timers/promises";
import { createWriteQueue } from "../../src/cache/write-queue.ts";

describe("the turns of a cache's work", () => {
  /** Work that ends when it is told to. */
  function piece(name: string, begun: string[]) {
    const end = Promise.withResolvers<string>();
    const work = () => {
      begun.push(name);
      return end.promise;
    };
    return { work, done: () => end.resolve(name), failed: () => end.reject(new Error(name)) };
  }

  it("lets so much work run at one time, and the rest in the order it came", async () => {
    const inTurn = createWriteQueue({ writers: 2, maxBytes: 100 });
    const begun: string[] = [];
    const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => piece(name, begun));
    assert(a && b && c && d);
    const all = [a, b, c, d].map(({ work }) => inTurn(1, work));
    assert.deepEqual(begun, ["a", "b"]);
    b.done();
    await settle();
    assert.deepEqual(begun, ["a", "b", "c"]);
    for (const { done } of [a, c, d]) done();
    assert.deepEqual(await Promise.all(all), ["a", "b", "c", "d"]);
  });

  it("skips writes that exceed the budget of bytes, until others have ended", async () => {
    const inTurn = createWriteQueue({ writers: 1, maxBytes: 100 });
    const begun: string[] = [];
    const [large, small] = [piece("large", begun), piece("small", begun)];
    const first = inTurn(60, large.work);
    const second = inTurn(40, small.work);
    assert.equal(await inTurn(1, async () => "more"), undefined);
    large.done();
    assert.equal(await first, "large");
    const third = inTurn(60, async () => "more");
    small.done();
    assert.deepEqual([await second, await third], ["small", "more"]);
    assert.equal(await inTurn(101, async () => "too large"), undefined);
  });

  it("gives the place of work that fails to the next", async () => {
    const inTurn = createWriteQueue({ writers: 1, maxBytes: 100 });
    const broken = piece("broken", []);
    const first = inTurn(100, broken.work);
    broken.failed();
    await assert.rejects(first, /broken/);
    assert.equal(await inTurn(100, async () => "next"), "next");
  });
});
