import assert from "node:assert/strict";
import { AsyncSeriesBailHook, AsyncSeriesHook } from "tapable";
import { after, callHook, recover } from "../../src/util/maybe.ts";

const failure = new Error("failed");
const fail = () => {
  throw failure;
};

describe("values that are there already, or promised", () => {
  it("are passed on in the same moment, or when they come", async () => {
    assert.equal(
      after(1, (value) => value + 1),
      2,
    );
    const promised = after(Promise.resolve(1), (value) => value + 1);
    assert.ok(promised instanceof Promise);
    assert.equal(await promised, 2);
    assert.throws(() => after(1, fail), failure);
    await assert.rejects(async () => await after(Promise.resolve(1), fail), failure);
  });

  it("are replaced if the work fails, in the same moment or later", async () => {
    assert.equal(
      recover(fail, (error) => error),
      failure,
    );
    assert.equal(
      recover<unknown>(
        () => 1,
        () => 2,
      ),
      1,
    );
    const promised = recover<unknown>(
      () => Promise.reject(failure),
      (error) => error,
    );
    assert.ok(promised instanceof Promise);
    assert.equal(await promised, failure);
    assert.throws(() => recover(fail, fail), failure);
  });
});

describe("a call of a hook", () => {
  const newHook = () => new AsyncSeriesBailHook<[a: number, b: number], number | undefined>(["a", "b"]);

  it("returns at once if no tap waits, else a promise", async () => {
    const hook = newHook();
    assert.equal(callHook(hook, 1, 2), undefined);
    hook.tap("none", () => undefined);
    hook.tap("sum", (a, b) => a + b);
    assert.equal(callHook(hook, 1, 2), 3);
    const waiting = newHook();
    waiting.tapPromise("sum", async (a, b) => a + b);
    const promised = callHook(waiting, 1, 2);
    assert.ok(promised instanceof Promise);
    assert.equal(await promised, 3);
  });

  it("throws what a tap throws, and rejects with what one that waits throws", async () => {
    const hook = newHook();
    hook.tap("fails", fail);
    assert.throws(() => callHook(hook, 1, 2), failure);
    const waiting = newHook();
    waiting.tapPromise("fails", async () => fail());
    await assert.rejects(Promise.resolve(callHook(waiting, 1, 2)), failure);
  });

  it("calls the taps in their order, also if some wait", async () => {
    const hook = new AsyncSeriesHook<[calls: string[], none: undefined]>(["calls", "none"]);
    hook.tapPromise("first", async (calls) => {
      await Promise.resolve();
      calls.push("first");
    });
    hook.tap("second", (calls) => void calls.push("second"));
    const calls: string[] = [];
    await callHook(hook, calls, undefined);
    assert.deepEqual(calls, ["first", "second"]);
  });
});
