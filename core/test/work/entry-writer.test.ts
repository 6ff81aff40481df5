import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { bodyOf, type GrowingBody } from "../../src/model/rendition.ts";
import type { SourceMetadata } from "../../src/model/source.ts";
import { createEntryWriter } from "../../src/work/entry-writer.ts";
import { HOUR, jobOf, KEY, newEndpoint, newParts } from "./support.ts";

const body = bodyOf(Buffer.from("bytes"));
const streaming: GrowingBody = { complete: false, stream: async () => Readable.from([]) };

const source = (more: Partial<SourceMetadata> = {}): SourceMetadata => ({
  origin: "files",
  path: "a.jpg",
  fetched: 1_000,
  etag: '"1"',
  lastModified: 2_000,
  ...more,
});

function writer(endpoint = newEndpoint()) {
  const parts = newParts(endpoint);
  const written = createEntryWriter(parts);
  const entryOf = (sources: readonly SourceMetadata[] = [source()], isOriginal = false) =>
    written.entryOf({
      ...{ job: jobOf(), key: KEY, sources, isOriginal },
      rendition: { body, type: "image/webp", format: "webp", width: 4, height: 3 },
    });
  return { ...parts, ...written, newEntry: entryOf };
}

describe("the metadata of a cache entry", () => {
  it("has what a 304, a revalidation, a purge and explain need", () => {
    const { newEntry, clock } = writer(newEndpoint({ tags: ["shop"] }));
    const { freshUntil, etag, ...metadata } = newEntry([source({ tags: ["red"] })]).metadata(body);
    assert.ok(freshUntil > clock.now() + 0.9 * HOUR - 1 && freshUntil <= clock.now() + HOUR);
    assert.match(etag ?? "", /^"[\w-]{16}\.[\w-]{16}"$/);
    assert.deepEqual(metadata, {
      key: KEY,
      asset: jobOf().asset,
      engines: "engine@1",
      type: "image/webp",
      format: "webp",
      width: 4,
      height: 3,
      length: 5,
      lastModified: 2_000,
      sources: [source({ tags: ["red"] })],
      tags: ["shop", "red"],
      stored: clock.now(),
      staleFor: HOUR,
      errorFor: HOUR,
      private: false,
      original: false,
    });
  });

  it("has no length and no validators while the body is streaming", () => {
    const entry = writer().newEntry();
    const before = entry.metadata(streaming);
    const { length, etag, lastModified, ...others } = entry.metadata(body);
    assert.deepEqual([length, typeof etag, lastModified], [5, "string", 2_000]);
    assert.deepEqual(before, others);
  });

  it("is private as soon as one source is, and has the youngest source's date if all have one", () => {
    const { newEntry } = writer();
    const dates = fc.array(fc.record({ date: fc.option(fc.nat()), isPrivate: fc.boolean() }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(dates, (all) => {
        const sources = all.map(({ date, isPrivate }, at): SourceMetadata => {
          const { lastModified: _, ...metadata } = source({ path: `${at}.jpg`, private: isPrivate });
          return date === null ? metadata : { ...metadata, lastModified: date };
        });
        const metadata = newEntry(sources).metadata(body);
        const times = all.map(({ date }) => date);
        assert.equal(
          metadata.private,
          all.some(({ isPrivate }) => isPrivate),
        );
        assert.equal(
          metadata.lastModified,
          times.includes(null) ? undefined : Math.max(...(times as number[])),
        );
      }),
    );
  });

  it("is not stored if an origin forbids it", () => {
    const { newEntry } = writer();
    assert.equal(newEntry([source()]).isStorable, true);
    assert.equal(newEntry([source(), source({ cacheControl: "private" })]).isStorable, false);
  });

  it("is renewed by what origins report now; the body and its tag stay", () => {
    const { newEntry, refreshed, clock } = writer(newEndpoint({ originCacheControl: "follow" }));
    const stale = {
      record: newEntry([source({ copy: { by: "copies", stale: true } })]).metadata(body),
      body,
    };
    clock.pass(2 * HOUR);
    const [metadata] = stale.record.sources as [SourceMetadata];
    const { entry, isStorable } = refreshed(
      stale,
      new Map([[metadata, { cacheControl: "max-age=60" }]]),
      jobOf(),
    );
    assert.deepEqual([isStorable, entry.body, entry.record.etag], [true, body, stale.record.etag]);
    assert.equal(entry.record.stored, clock.now());
    assert.match(entry.record.control ?? "", /max-age=60/);
    // A stale copy that was confirmed is none any more.
    assert.deepEqual(
      entry.record.sources.map(({ fetched, copy }) => [fetched, copy]),
      [[clock.now(), undefined]],
    );
  });
});

describe("the write of a cache entry", () => {
  it("puts metadata and body into the cache", async () => {
    const { newEntry, write, store } = writer();
    await write({ record: newEntry().metadata(body), body }, 0);
    assert.equal(Buffer.from(store.entries.get(KEY)?.body?.bytes ?? "").toString(), "bytes");
  });

  it("does not happen for what was purged after the work on it began", () => {
    const { newEntry, write, purgeRules, store } = writer();
    const since = purgeRules.now();
    purgeRules.done(purgeRules.add({ id: "1", kind: "key", value: KEY }));
    const entry = { record: newEntry().metadata(body), body };
    assert.equal(write(entry, since), undefined);
    assert.equal(store.entries.size, 0);
    assert.ok(write(entry, purgeRules.now()));
  });

  it("expires an entry: it is served no more while stale, neither at once nor after an error", async () => {
    const { newEntry, write, expire, store } = writer();
    const stale = { record: newEntry().metadata(body), body };
    await write(stale, 0);
    expire(stale, 0);
    await setImmediate();
    const { staleFor, errorFor } = store.entries.get(KEY)?.metadata ?? {};
    assert.deepEqual([staleFor, errorFor], [0, 0]);
  });
});
