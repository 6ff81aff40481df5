import assert from "node:assert/strict";
import type { StorageEntry } from "../../src/model/source.ts";
import { hedged } from "../../src/origin/hedge.ts";

const entry = (etag: string, close?: () => void): StorageEntry => ({
  etag,
  body: () => Promise.reject(new Error("unread")),
  ...(close ? { close } : {}),
});
const never = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

describe("hedged requests", () => {
  const { signal } = new AbortController();

  it("take the second response if the first attempt hangs, and abort that", async () => {
    const signals: AbortSignal[] = [];
    const answer = await hedged(5, signal, (own) => {
      signals.push(own);
      return signals.length === 1 ? never(own) : Promise.resolve(entry("second"));
    });
    assert.equal((answer as StorageEntry).etag, "second");
    assert.deepEqual(
      signals.map((own) => own.aborted),
      [true, false],
    );
  });

  it("send one request if the response comes soon", async () => {
    let asked = 0;
    const open = async () => entry(String(++asked));
    await hedged(1000, signal, open);
    assert.equal(asked, 1);
  });

  it("fail with the attempt that fails last", async () => {
    const second = Promise.withResolvers<void>();
    let asked = 0;
    const open = async () => {
      const which = ++asked;
      if (which === 1) await second.promise.then(() => new Promise(setImmediate));
      second.resolve();
      throw new Error(`attempt ${which}`);
    };
    await assert.rejects(hedged(5, signal, open), /attempt 1/);
    assert.equal(asked, 2);
  });

  it("close the file of an attempt that is not needed any more", async () => {
    const late = Promise.withResolvers<StorageEntry>();
    const closed = Promise.withResolvers<void>();
    let asked = 0;
    await hedged(5, signal, () => (++asked === 1 ? late.promise : Promise.resolve(entry("fast"))));
    late.resolve(entry("late", () => closed.resolve()));
    await closed.promise;
  });

  it("end when the caller's signal aborts", async () => {
    const gone = new AbortController();
    const answer = hedged(5, gone.signal, never);
    gone.abort(new Error("gone"));
    await assert.rejects(answer, /gone/);
  });
});
