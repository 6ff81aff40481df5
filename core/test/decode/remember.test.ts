import assert from "node:assert/strict";
import { remembering } from "../../src/decode/remember.ts";
import type { RenderContext } from "../../src/model/render-context.ts";
import type { Source, SourceFacts } from "../../src/model/source.ts";

interface Fact {
  readonly value: number;
}

const sourceOf = (facts: Partial<SourceFacts>) =>
  ({ facts: { origin: "files", path: "a.jpg", fetched: 0, ...facts } }) as Source;
const contextOf = (signal = new AbortController().signal) => ({ signal }) as RenderContext;
const tagged = sourceOf({ etag: '"1"' });

describe("facts that are remembered", () => {
  it("are learnt once as long as the validators are the same", async () => {
    let times = 0;
    const read = remembering<Fact>(async () => ({ value: ++times }));
    assert.deepEqual(await read(tagged, contextOf()), { value: 1 });
    assert.deepEqual(await read(sourceOf({ etag: '"1"' }), contextOf()), { value: 1 });
    assert.deepEqual(await read(sourceOf({ etag: '"2"' }), contextOf()), { value: 2 });
    assert.deepEqual(await read(sourceOf({ etag: '"1"', path: "b.jpg" }), contextOf()), { value: 3 });
  });

  it("are learnt again where the origin gives no validator", async () => {
    let times = 0;
    const read = remembering<Fact>(async () => ({ value: ++times }));
    await read(sourceOf({}), contextOf());
    assert.deepEqual(await read(sourceOf({}), contextOf()), { value: 2 });
  });

  it("are learnt once for all who ask meanwhile, a failure included", async () => {
    let times = 0;
    const { promise, resolve, reject } = Promise.withResolvers<Fact>();
    const read = remembering<Fact>(() => {
      times++;
      return promise;
    });
    const asked = Array.from({ length: 5 }, () => read(tagged, contextOf()));
    resolve({ value: 7 });
    assert.deepEqual(new Set((await Promise.all(asked)).map((fact) => fact?.value)), new Set([7]));
    assert.equal(times, 1);
    reject();

    const broken = remembering<Fact>(async () => {
      times++;
      throw new Error("broken");
    });
    const failures = await Promise.allSettled([broken(tagged, contextOf()), broken(tagged, contextOf())]);
    assert.deepEqual(new Set(failures.map(({ status }) => status)), new Set(["rejected"]));
    assert.equal(times, 2);
  });

  it("are learnt by the next one where the one who learnt has left", async () => {
    const first = new AbortController();
    let times = 0;
    const read = remembering<Fact>((_source, { signal }) => {
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
