import assert from "node:assert/strict";
import { memoizeInspector } from "../../src/decode/memoize.ts";
import type { RenderContext } from "../../src/model/render-context.ts";
import type { Source, SourceMetadata } from "../../src/model/source.ts";

interface Result {
  readonly value: number;
}

const sourceOf = (metadata: Partial<SourceMetadata>) =>
  ({ metadata: { origin: "files", path: "a.jpg", fetched: 0, ...metadata } }) as Source;
const contextOf = (signal = new AbortController().signal) => ({ signal }) as RenderContext;
const tagged = sourceOf({ etag: '"1"' });

describe("a memoized inspector", () => {
  it("runs once as long as the validators are the same", async () => {
    let times = 0;
    const read = memoizeInspector<Result>(async () => ({ value: ++times }));
    assert.deepEqual(await read(tagged, contextOf()), { value: 1 });
    assert.deepEqual(await read(sourceOf({ etag: '"1"' }), contextOf()), { value: 1 });
    assert.deepEqual(await read(sourceOf({ etag: '"2"' }), contextOf()), { value: 2 });
    assert.deepEqual(await read(sourceOf({ etag: '"1"', path: "b.jpg" }), contextOf()), { value: 3 });
  });

  it("runs again if the origin gives no validator", async () => {
    let times = 0;
    const read = memoizeInspector<Result>(async () => ({ value: ++times }));
    await read(sourceOf({}), contextOf());
    assert.deepEqual(await read(sourceOf({}), contextOf()), { value: 2 });
  });

  it("runs once for concurrent calls, failures included", async () => {
    let times = 0;
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const read = memoizeInspector<Result>(() => {
      times++;
      return promise;
    });
    const asked = Array.from({ length: 5 }, () => read(tagged, contextOf()));
    resolve({ value: 7 });
    assert.deepEqual(new Set((await Promise.all(asked)).map((result) => result?.value)), new Set([7]));
    assert.equal(times, 1);
    reject();

    const broken = memoizeInspector<Result>(async () => {
      times++;
      throw new Error("broken");
    });
    const failures = await Promise.allSettled([broken(tagged, contextOf()), broken(tagged, contextOf())]);
    assert.deepEqual(new Set(failures.map(({ status }) => status)), new Set(["rejected"]));
    assert.equal(times, 2);
  });

  it("is run by the next caller if the one that started it has left", async () => {
    const first = new AbortController();
    let times = 0;
    const read = memoizeInspector<Result>((_source, { signal }) => {
      times++;
      if (times > 1) return Promise.resolve({ value: times });
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    });
    const left = read(tagged, contextOf(first.signal));
    const waiting = [read(tagged, contextOf()), read(tagged, contextOf())];
    first.abort(new Error("gone"));
    await assert.rejects(left, /gone/);
    assert.deepEqual(await Promise.all(waiting), [{ value: 2 }, { value: 2 }]);
    assert.equal(times, 2);
  });
});
