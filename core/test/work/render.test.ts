import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { isMediaError, MediaError } from "../../src/model/errors.ts";
import { bodyOf, type CompleteBody, type GrowingBody } from "../../src/model/rendition.ts";
import { HOUR, jobOf, KEY, newEndpoint, renderer } from "./support.ts";

const whole = (text: string): CompleteBody => bodyOf(Buffer.from(text));

describe("a render", () => {
  it("fetches, plans, runs and writes to the cache, in this order", async () => {
    const { make, calls, cached, opened, reports } = renderer({ files: {} });
    const rendered = await make();
    await rendered.written;
    assert.deepEqual(calls, ["fetch files", "transform", "run"]);
    assert.deepEqual(
      [rendered.stored, rendered.lane, cached(), opened.map(({ isClosed }) => isClosed)],
      [true, "light", "BYTES", [true]],
    );
    assert.deepEqual(
      rendered.spans.list.map(({ name }) => name),
      ["download", "plan", "queue", "transformation"],
    );
    assert.deepEqual(
      reports.map(({ key, plan, record, error }) => [key, plan?.engine, record, error]),
      [[KEY, "engine", rendered.record, undefined]],
    );
  });

  it("delivers the source's own bytes if no engine has a plan", async () => {
    const { make, setEngine } = renderer({ files: { path: "a.txt" } });
    setEngine(undefined);
    const { body, record, lane } = await make({
      job: { ...jobOf("a.txt"), transformation: { steps: [], output: { format: "original" } } },
    });
    assert.deepEqual([record.original, record.format, lane], [true, "original", undefined]);
    assert.equal(body?.complete && Buffer.from(body.bytes ?? "").toString(), "bytes");
  });

  it("takes the next origin that has the file if the first one breaks off", async () => {
    const { make, calls, cached, opened } = renderer({ first: { broken: true }, second: { bytes: "other" } });
    const rendered = await make();
    assert.deepEqual(
      rendered.record.sources.map(({ origin }) => origin),
      ["second"],
    );
    assert.equal(cached(), "OTHER");
    assert.deepEqual(calls, ["fetch first", "transform", "run", "fetch second", "transform", "run"]);
    assert.ok(opened.every(({ isClosed }) => isClosed));
  });

  it("fails as the first origin did if no other one has the file", async () => {
    const { make, opened } = renderer({ first: { broken: true } });
    await assert.rejects(make(), { code: "EINTERNAL", plugin: "engine" });
    assert.ok(opened.every(({ isClosed }) => isClosed));
  });

  it("fails with the engine's error, which knows what the time was spent on", async () => {
    const { make, setEngine, reports, cached } = renderer({ files: {} });
    setEngine({ run: () => Promise.reject(new MediaError("ELIMIT", "too much")) });
    const error = await make().catch((failure: unknown) => failure);
    assert.ok(isMediaError(error) && error.code === "ELIMIT");
    assert.deepEqual(
      error.spans?.list.map(({ name }) => name),
      ["download", "plan", "queue", "transformation"],
    );
    assert.ok(!Object.keys(error).includes("spans"));
    assert.deepEqual([reports[0]?.error, cached()], [error, ""]);
  });

  it("refuses a plan that takes more memory than there is, before it runs", async () => {
    const { make, setEngine, calls } = renderer({ files: {} });
    setEngine({ memory: Number.MAX_SAFE_INTEGER });
    await assert.rejects(make(), { code: "ELIMIT" });
    assert.deepEqual(calls, ["fetch files", "transform"]);
  });

  it("renders a private file for trusted requests only, and expires what was public", async () => {
    const files: Record<string, object> = { files: {} };
    const { make, store } = renderer(files);
    const stale = await make();
    files.files = { etag: '"2"', private: true };
    await assert.rejects(make({ stale }), { code: "ESIGNATURE" });
    assert.equal(store.entries.get(KEY)?.metadata.errorFor, 0);
    assert.equal((await make({ trusted: true })).record.private, true);
  });

  it("refreshes a stale rendition that its origin revalidates, without a plan", async () => {
    const { make, clock, calls } = renderer({ files: {} });
    const stale = await make();
    clock.pass(2 * HOUR);
    calls.length = 0;
    const refreshed = await make({ stale });
    assert.deepEqual(calls, ["fetch files"]);
    assert.deepEqual([refreshed.revalidated, refreshed.stored, refreshed.lane], [true, true, undefined]);
    assert.deepEqual([refreshed.record.etag, refreshed.body], [stale.record.etag, stale.body]);
    assert.deepEqual(
      [refreshed.record.stored, refreshed.record.sources[0]?.fetched],
      [clock.now(), clock.now()],
    );
    assert.ok(refreshed.record.freshUntil > clock.now());
  });

  it("renders a stale rendition again if its source has changed", async () => {
    const files: Record<string, object> = { files: {} };
    const { make, cached } = renderer(files);
    const stale = await make();
    files.files = { etag: '"2"', bytes: "changed" };
    const rendered = await make({ stale });
    assert.deepEqual([rendered.revalidated, cached()], [undefined, "CHANGED"]);
  });

  it("stores a streaming body once it is complete, with validators then", async () => {
    const { make, setEngine, cached, reports, store } = renderer({ files: {} });
    const { promise, resolve } = Promise.withResolvers<CompleteBody>();
    const body: GrowingBody = { complete: false, stream: async () => new PassThrough(), completed: promise };
    setEngine({ run: async () => ({ body, type: "video/mp4", format: "mp4" }) });
    const rendered = await make();
    assert.deepEqual(
      [rendered.stored, rendered.record.etag, rendered.record.length],
      [false, undefined, undefined],
    );
    assert.deepEqual([store.entries.size, reports.length], [0, 0]);
    resolve(whole("video"));
    const completion = await rendered.completion;
    await completion?.written;
    await setImmediate();
    assert.deepEqual(
      [completion?.record.length, typeof completion?.record.etag, cached()],
      [5, "string", "video"],
    );
    assert.equal(reports[0]?.record, completion?.record);
  });

  it("reports the failure of a streaming body, and stores nothing of it", async () => {
    const { make, setEngine, reports, store } = renderer({ files: {} });
    const { promise, reject } = Promise.withResolvers<CompleteBody>();
    const body: GrowingBody = { complete: false, stream: async () => new PassThrough(), completed: promise };
    setEngine({ run: async () => ({ body, type: "video/mp4", format: "mp4" }) });
    const rendered = await make();
    reject(new Error("broke off"));
    await assert.rejects(rendered.completion as Promise<unknown>, /broke off/);
    await setImmediate();
    assert.deepEqual([reports[0]?.error?.plugin, store.entries.size], ["engine", 0]);
  });

  it("does not store a degraded rendition", async () => {
    const { make, setEngine, store } = renderer({ files: {} });
    setEngine({
      run: async () => ({ body: whole("less"), type: "image/webp", format: "webp", degraded: true }),
    });
    const { degraded, stored } = await make();
    assert.deepEqual([degraded, stored, store.entries.size], [true, false, 0]);
  });

  it("does not store what its origin forbids, nor what was purged while it was rendered", async () => {
    const forbidden = renderer({ files: { cacheControl: "no-store" } });
    assert.equal((await forbidden.make()).stored, false);
    const purged = renderer({ files: {} }, newEndpoint({ tags: ["shop"] }));
    purged.setEngine({
      async run() {
        purged.purgeRules.add({ id: "1", kind: "tag", value: "shop" });
        return { body: whole("old"), type: "image/webp", format: "webp" };
      },
    });
    assert.equal((await purged.make()).stored, false);
    assert.deepEqual([forbidden.store.entries.size, purged.store.entries.size], [0, 0]);
  });
});
