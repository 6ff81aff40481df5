import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { bodyOf, type Plugin, type RenditionRecord } from "@mediatap/core";
import {
  bytesOf,
  type CacheHost,
  type Finding,
  type HostOptions,
  hostCache,
  newKey,
  newRecord,
  sourcesOf,
} from "../helpers/cache-host.ts";
import { after, before, describe, it } from "./runner.ts";

/** A cache to be tried. */
export interface CacheSetup {
  /** The cache, with room for at least 20 MB. */
  readonly plugin: Plugin;
  /** The same kind of cache with room for about this many bytes of bodies. */
  readonly small?: (bytes: number) => Plugin;
  /** Origins and plugins that it works with. */
  readonly host?: HostOptions;
  /** Takes away what it wrote. */
  close?(): Promise<void>;
}

/** What a cache promises beyond that. */
export interface CacheAbilities {
  /** It keeps to a number of bytes: `small` is there. @default true */
  readonly budget?: boolean;
}

/** Not `assert.equal`: its message would show whole bodies. */
function assertNothing({ found, stale }: Finding): void {
  assert(!found, "nothing is returned");
  assert(!stale, "nothing is offered");
}

/** Milliseconds; a start or a write that takes long on a busy machine is no failure to this suite. */
const TIMEOUT_MS = 60_000;

/** A cache plugin whose starts and writes may take long. */
function patient(plugin: Plugin): Plugin {
  return {
    ...plugin,
    apply: (api) =>
      plugin.apply({
        ...api,
        cache: (registration) =>
          api.cache({ ...registration, startTimeout: TIMEOUT_MS, writeTimeout: TIMEOUT_MS }),
      }),
  };
}

/**
 * What every cache promises, as a suite for mocha or `node:test`:
 * `describeCache("my cache", () => ({ plugin: myCache() }))`. `setup` is called once, before the first test.
 */
export function describeCache(
  name: string,
  setup: () => CacheSetup | Promise<CacheSetup>,
  { budget = true }: CacheAbilities = {},
): void {
  describe(`${name} as a cache`, () => {
    let place: CacheSetup;
    let host: CacheHost;
    before(async () => {
      place = await setup();
      host = await hostCache(patient(place.plugin), place.host);
    });
    after(async () => {
      await host?.close();
      await place?.close?.();
    });

    it("has nothing to say of a key that it does not have", async () => {
      assertNothing(await host.find(newKey()));
      assertNothing(await host.find(newKey(), false));
    });

    it("gives back what it was given, record and bytes", async () => {
      const bytes = randomBytes(100_000);
      const record = newRecord(newKey(), { length: bytes.length });
      await host.store(record, bytes);
      const { found, stale } = await host.find(record.key);
      assert(found);
      assert.deepEqual(found.record, record);
      assert.equal(found.cache, place.plugin.name);
      assert(!stale, "what is fresh is not offered");
      assert(found.body?.complete);
      assert.equal(found.body.length, bytes.length);
      assert(bytes.equals(await bytesOf(found)));
    });

    it("keeps every field of a record, whatever it holds", async () => {
      const records = [
        newRecord(newKey(), { private: true, original: true, sources: [] }),
        newRecord(newKey(), { type: 'text/html; charset="utf-8"', etag: '"\u00fc\\"' }),
        newRecord(newKey(), {
          sources: [
            ...sourcesOf("\u{1f5bc}/\u00e9.jpg"),
            ...sourcesOf("font.ttf"),
            ...sourcesOf("__proto__"),
          ],
        }),
        newRecord(newKey(), {
          error: { code: "ENOENT", status: 404, message: "No file was found" },
          format: "error",
        }),
      ];
      for (const record of records) await host.store(record, Buffer.from("x"));
      for (const record of records) assert.deepEqual((await host.find(record.key)).found?.record, record);
    });

    it("loses the entry of a file that has gone", async () => {
      const record = newRecord();
      await host.store(record, Buffer.from("x"));
      assert((await host.find(record.key)).found);
      const error = { code: "ENOENT", status: 404, message: "No file was found" } as const;
      await host.store({ ...record, error, stored: record.stored + 1 });
      assertNothing(await host.find(record.key, false));
    });

    it("keeps an empty body as a body", async () => {
      const record = newRecord(newKey(), { length: 0 });
      await host.store(record, new Uint8Array());
      const { found } = await host.find(record.key);
      assert(found);
      assert.equal((await bytesOf(found)).length, 0);
    });

    it("gives exactly the range asked for, to many readers at once", async () => {
      const bytes = randomBytes(5000);
      const record = newRecord(newKey(), { length: bytes.length });
      await host.store(record, bytes);
      const { found } = await host.find(record.key);
      const body = found?.body;
      assert(body?.complete);
      const ranges = [
        [0, 0],
        [0, 4999],
        [4999, 4999],
        [17, 2300],
      ] as const;
      await Promise.all(
        [...ranges, ...ranges].map(async ([start, end]) => {
          const part = await buffer(await body.stream({ start, end }));
          assert(bytes.subarray(start, end + 1).equals(part), `${start}-${end}`);
        }),
      );
      assert(bytes.equals(await buffer(await body.stream())));
    });

    it("takes keys literally", async () => {
      const keys = [
        "a",
        "A",
        "a/b",
        "../a",
        "a\\b",
        "a:b",
        "__proto__",
        "constructor",
        "\u00e9",
        "e\u0301",
        "k".repeat(300),
      ];
      const end = newKey();
      const records = keys.map((key) => newRecord(`${key} ${end}`));
      for (const record of records) await host.store(record, Buffer.from(record.key));
      for (const record of records) {
        const { found } = await host.find(record.key);
        assert(found, record.key);
        assert.equal((await bytesOf(found)).toString(), record.key);
      }
    });

    it("offers what is past its freshness, and does not return it", async () => {
      const record = newRecord(newKey());
      await host.store(record, Buffer.from("stale"));
      const { found, stale } = await host.find(record.key, false);
      assert(!found, "what is stale is not returned");
      assert(stale);
      assert.deepEqual(stale.record, record);
      assert.equal((await bytesOf(stale)).toString(), "stale");
    });

    it("asks whether a record is fresh, and about no other", async () => {
      const record = newRecord(newKey());
      await host.store(record, Buffer.from("x"));
      await host.store(newRecord(newKey()), Buffer.from("y"));
      assert.equal((await host.find(record.key, true)).found?.record.etag, record.etag);
      assert.equal((await host.find(record.key, false)).stale?.record.etag, record.etag);
    });

    it("keeps a record without a body", async () => {
      const record = newRecord(newKey());
      await host.store(record);
      const { found } = await host.find(record.key);
      assert.deepEqual(found?.record, record);
      assert(!found?.body, "there is no body");
    });

    it("passes with a record alone where the body is wanted", async () => {
      const [bare, whole] = [newRecord(newKey()), newRecord(newKey())];
      await host.store(bare);
      await host.store(whole, Buffer.from("whole"));
      assertNothing(await host.findWhole(bare.key));
      assert.equal((await bytesOf((await host.findWhole(whole.key)).found)).toString(), "whole");
    });

    it("takes what a cache further down has", async () => {
      for (const bare of [false, true]) {
        const record = newRecord(newKey());
        if (bare) await host.store(record);
        const body = bodyOf(Buffer.from("below"));
        await host.findWhole(record.key, { record, body });
        const { found } = await host.findWhole(record.key);
        assert.deepEqual(found?.record, record);
        assert.equal((await bytesOf(found)).toString(), "below");
      }
    });

    it("puts what is stored last in the place of what was there", async () => {
      const key = newKey();
      await host.store(newRecord(key), Buffer.from("before"));
      const record = newRecord(key);
      await host.store(record, Buffer.from("afterwards"));
      const { found } = await host.find(key);
      assert.deepEqual(found?.record, record);
      assert.equal((await bytesOf(found)).toString(), "afterwards");
    });

    it("never shows an old body under a new record", async () => {
      const key = newKey();
      await host.store(newRecord(key), Buffer.from("old"));
      const record = newRecord(key);
      await host.store(record);
      const { found } = await host.find(key);
      assert.deepEqual(found?.record, record);
      assert(!found?.body, "there is no body");
    });

    it("keeps a body whose record is confirmed", async () => {
      const record = newRecord(newKey(), { freshUntil: Date.now() - 1 });
      await host.store(record, Buffer.from("confirmed"));
      const { stale } = await host.find(record.key, false);
      assert(stale?.body);
      const renewed = { ...record, freshUntil: Date.now() + 60_000 };
      await host.store(renewed, await bytesOf(stale));
      const { found } = await host.find(record.key);
      assert.deepEqual(found?.record, renewed);
      assert.equal((await bytesOf(found)).toString(), "confirmed");
    });

    describe("purge", () => {
      const stored = async (path: string, more: Partial<RenditionRecord> = {}) => {
        const record = newRecord(newKey(), { sources: sourcesOf(path), ...more });
        await host.store(record, Buffer.from(path));
        return record.key;
      };
      const isThere = async (key: string) => {
        const fresh = await host.find(key);
        const late = await host.find(key, false);
        assert.equal(
          fresh.found === undefined,
          late.stale === undefined,
          "gone for lookups and offers alike",
        );
        return fresh.found !== undefined;
      };

      it("forgets one key", async () => {
        const [gone, stays] = [await stored("a.jpg"), await stored("a.jpg")];
        await host.purge("key", gone);
        assert.deepEqual([await isThere(gone), await isThere(stays)], [false, true]);
      });

      it("forgets all that was made of a source, also where it is one of several", async () => {
        const folder = newKey();
        const gone = await stored(`${folder}/a.jpg`);
        const layered = await stored(`${folder}/b.jpg`, {
          sources: [...sourcesOf("x.jpg"), ...sourcesOf(`${folder}/a.jpg`)],
        });
        const stays = await stored(`${folder}/a.jpg.webp`);
        await host.purge("source", `${folder}/a.jpg`);
        assert.deepEqual(
          [await isThere(gone), await isThere(layered), await isThere(stays)],
          [false, false, true],
        );
      });

      it("forgets all below a prefix", async () => {
        const folder = newKey();
        const [inside, deeper] = [await stored(`${folder}/a.jpg`), await stored(`${folder}/b/c.jpg`)];
        const stays = await stored(`${folder}-other/a.jpg`);
        await host.purge("prefix", `${folder}/`);
        assert.deepEqual(
          [await isThere(inside), await isThere(deeper), await isThere(stays)],
          [false, false, true],
        );
        // A prefix need not end with a folder.
        await host.purge("prefix", `${folder}-oth`);
        assert.equal(await isThere(stays), false);
      });

      it("forgets all under a tag", async () => {
        const tag = newKey();
        const gone = await stored("a.jpg", { tags: ["other", tag] });
        const stays = await stored("a.jpg", { tags: ["other", `${tag}.`] });
        await host.purge("tag", tag);
        assert.deepEqual([await isThere(gone), await isThere(stays)], [false, true]);
      });

      it("forgets what was made of the file that was asked for, whatever became of it", async () => {
        const path = `${newKey()}/a.jpg`;
        const asset = { tenant: "", endpoint: "default", kind: "path", path } as const;
        const error = { code: "ENOENT", status: 404, message: "No file" } as const;
        const keys = [
          await stored("other.jpg", { asset }),
          await stored("", { asset, error, sources: [] }),
          await stored("other.jpg", { asset: { ...asset, path: "a.jpg" } }),
        ];
        await host.purge("source", path);
        assert.deepEqual(await Promise.all(keys.map(isThere)), [false, false, true]);
      });

      it("forgets what belongs to an account, where one is named", async () => {
        const path = `${newKey()}/a.jpg`;
        const of = (tenant: string, tags: string[] = []) =>
          stored(path, { asset: { tenant, endpoint: "default", kind: "path", path }, tags });
        for (const [kind, value] of [
          ["source", path],
          ["prefix", path.slice(0, 10)],
          ["prefix", ""],
          ["tag", "spring"],
          ["all", ""],
        ] as const) {
          const keys = [await of("one", ["spring"]), await of("two", ["spring"]), await of("", ["spring"])];
          await host.purge(kind, value, "one");
          assert.deepEqual(await Promise.all(keys.map(isThere)), [false, true, true], kind);
          await host.purge(kind, value, "");
          assert.deepEqual(await Promise.all(keys.map(isThere)), [false, true, false], kind);
          await host.purge(kind, value);
          assert.deepEqual(await Promise.all(keys.map(isThere)), [false, false, false], kind);
        }
      });

      it("leaves to others what speaks of originals and of URLs", async () => {
        const path = `${newKey()}.jpg`;
        const key = await stored(path);
        for (const kind of ["original", "url"] as const) await host.purge(kind, path);
        assert(await isThere(key));
      });

      it("forgets records without bodies and remembered failures, too", async () => {
        const folder = newKey();
        const bare = newRecord(newKey(), { sources: sourcesOf(`${folder}/a.jpg`) });
        const failed = newRecord(newKey(), { error: { code: "ENOENT", status: 404, message: "No file" } });
        await host.store(bare);
        await host.store(failed);
        await host.purge("prefix", folder);
        await host.purge("key", failed.key);
        assert.deepEqual([await isThere(bare.key), await isThere(failed.key)], [false, false]);
      });

      it("keeps what is stored after it", async () => {
        const path = `${newKey()}.jpg`;
        await stored(path);
        await host.purge("source", path);
        assert(await isThere(await stored(path)));
      });

      it("forgets everything", async () => {
        const keys = [await stored("a.jpg"), await stored("b.jpg")];
        await host.purge("all", "");
        assert.deepEqual(await Promise.all(keys.map(isThere)), [false, false]);
      });

      it("takes no harm from a value that nothing has", async () => {
        const key = await stored("a.jpg");
        for (const kind of ["key", "source", "prefix", "tag"] as const) await host.purge(kind, newKey());
        assert(await isThere(key));
      });
    });

    it("keeps record and body together, however many use it at once", async () => {
      const keys = Array.from({ length: 8 }, newKey);
      const etags = new Map<string, Buffer>();
      await Promise.all(
        Array.from({ length: 200 }, async (_, at) => {
          const key = keys[at % keys.length] as string;
          if (at % 3 === 0) {
            const bytes = randomBytes(2000 + at);
            const record = newRecord(key, { length: bytes.length });
            etags.set(record.etag as string, bytes);
            await host.store(record, bytes);
          } else if (at % 31 === 0) {
            await host.purge("key", key);
          } else {
            const { found } = await host.find(key);
            if (found?.body) assert(etags.get(found.record.etag as string)?.equals(await bytesOf(found)));
          }
        }),
      );
    });

    if (!budget) return;

    it("stays within its budget, and keeps what is new", async () => {
      assert(place.small);
      const room = 200_000;
      await using small = await hostCache(place.small(room), place.host);
      const records = Array.from({ length: 60 }, (_, at) =>
        newRecord(newKey(), { sources: sourcesOf(`${at}.jpg`) }),
      );
      for (const record of records) await small.store(record, randomBytes(10_000));
      const found = await Promise.all(records.map(({ key }) => small.find(key)));
      const kept = found.filter((entry) => entry.found?.body).length;
      assert(kept > 0 && kept * 10_000 <= room, `${kept} of ${records.length} bodies are kept`);
      assert(found.at(-1)?.found?.body, "the last one is there");
    });

    it("takes no harm from a body that is larger than its budget", async () => {
      assert(place.small);
      await using small = await hostCache(place.small(100_000), place.host);
      const [large, other] = [newRecord(newKey()), newRecord(newKey())];
      await small.store(other, Buffer.from("other"));
      await small.store(large, randomBytes(1_000_000));
      assert(!(await small.find(large.key)).found?.body, "it is not kept");
      assert.equal((await bytesOf((await small.find(other.key)).found)).toString(), "other");
    });
  });
}
