import assert from "node:assert/strict";
import { setImmediate as settle } from "node:timers/promises";
import { createSemaphore, type SemaphoreOptions } from "../../src/util/semaphore.ts";

describe("slots for work", () => {
  /** Two slots, and pieces of work that the test ends. */
  function two() {
    const semaphore = createSemaphore(2);
    const begun: string[] = [];
    const ends = new Map<string, PromiseWithResolvers<string>>();
    const run = (name: string, options?: SemaphoreOptions) =>
      semaphore.run(() => {
        begun.push(name);
        const end = Promise.withResolvers<string>();
        ends.set(name, end);
        return end.promise;
      }, options);
    return {
      begun,
      run,
      async done(name: string) {
        ends.get(name)?.resolve(name);
        await settle();
      },
      async failed(name: string) {
        ends.get(name)?.reject(new Error(name));
        await settle();
      },
    };
  }

  it("are given at once while there are some, then in the order of the calls", async () => {
    const { begun, run, done } = two();
    const all = ["a", "b", "c", "d"].map((name) => run(name));
    assert.deepEqual(begun, ["a", "b"]);
    await done("b");
    assert.deepEqual(begun, ["a", "b", "c"]);
    for (const name of ["a", "c", "d"]) await done(name);
    assert.deepEqual(await Promise.all(all), ["a", "b", "c", "d"]);
  });

  it("are given on where the work fails", async () => {
    const { begun, run, done, failed } = two();
    const [a, b, c] = [run("a"), run("b"), run("c")];
    const refused = assert.rejects(a, /a/);
    await failed("a");
    await refused;
    assert.deepEqual(begun, ["a", "b", "c"]);
    await done("b");
    await done("c");
    assert.deepEqual(await Promise.all([b, c]), ["b", "c"]);
  });

  it("are not waited for by whoever has left", async () => {
    const { begun, run, done } = two();
    const gone = new AbortController();
    const [a, b] = [run("a"), run("b")];
    const [c, d] = [run("c", { signal: gone.signal }), run("d", { signal: AbortSignal.abort("early") })];
    const last = run("last");
    await assert.rejects(d, (reason) => reason === "early");
    const left = assert.rejects(c, (reason) => reason === "left");
    gone.abort("left");
    await left;
    for (const name of ["a", "b", "last"]) await done(name);
    assert.deepEqual(await Promise.all([a, b, last]), ["a", "b", "last"]);
    assert.deepEqual(begun, ["a", "b", "last"]);
  });

  it("are not waited for after the timeout", async () => {
    const { begun, run, done } = two();
    const [a, b] = [run("a", { timeout: 1 }), run("b", { timeout: 1 })];
    await assert.rejects(run("c", { timeout: 1 }), { code: "EBUSY", retryAfterSeconds: 1 });
    for (const name of ["a", "b"]) await done(name);
    assert.deepEqual(await Promise.all([a, b]), ["a", "b"]);
    assert.deepEqual(begun, ["a", "b"]);
  });
});
