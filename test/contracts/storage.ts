import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { type FileMetadata, NOT_MODIFIED, type OpenOptions, type StorageEntry } from "@mediatap/core/storage";
import { after, before, describe, it } from "./runner.ts";
import { describeFolders } from "./storage-folders.ts";
import { AWKWARD, type StoragePromises, type StorageSetup } from "./storage-setup.ts";
import { describeWriting } from "./storage-writing.ts";

/**
 * What every storage promises, as a suite for mocha or `node:test`:
 * `describeStorage("a bucket", { size: true }, async () => ({ storage, put, close }))`. What `can` does not promise is not
 * tried. `setup` is called once, before the first test.
 */
export function describeStorage(
  name: string,
  can: StoragePromises,
  setup: () => Promise<StorageSetup>,
): void {
  describe(`${name} as a storage`, () => {
    let place: StorageSetup;
    before(async () => {
      place = await setup();
    });
    after(() => place?.close());

    const open = (path: string, options: Partial<OpenOptions> = {}) =>
      place.storage.open(path, { signal: new AbortController().signal, ...options });

    async function entryOf(path: string, options: Partial<OpenOptions> = {}): Promise<StorageEntry> {
      const entry = await open(path, options);
      assert(entry !== undefined && entry !== NOT_MODIFIED, `${path} is found`);
      return entry;
    }

    async function read(path: string, options: Partial<OpenOptions> = {}): Promise<Buffer> {
      const entry = await entryOf(path, options);
      const bytes = await buffer(await entry.body());
      await entry.close?.();
      return bytes;
    }

    it("gives the bytes of a file, and their number", async () => {
      const bytes = randomBytes(100_000);
      await place.put("plain.bin", bytes);
      assert(bytes.equals(await read("plain.bin")));
      const entry = await entryOf("plain.bin");
      await entry.close?.();
      if (can.size) assert.equal(entry.size, bytes.length);
    });

    it("gives an empty file as an empty file", async () => {
      await place.put("empty.txt", new Uint8Array());
      assert.equal((await read("empty.txt")).length, 0);
    });

    for (const [what, path] of [
      ["a file", "missing.txt"],
      ["a folder on the way", "no/such/folder.txt"],
      ["what would lie below a file", "plain.txt/below.txt"],
      ["a folder's name", "folder"],
      ["a name of 5000 letters", "x".repeat(5000)],
      ["a path of 500 segments", `${"x/".repeat(500)}x`],
    ] as const) {
      it(`passes on ${what} that is not there`, async () => {
        await place.put("plain.txt", Buffer.from("plain"));
        await place.put("folder/inside.txt", Buffer.from("inside"));
        assert.equal(await open(path), undefined);
        assert.equal(await open(path, { head: true }), undefined);
      });
    }

    it("takes every name literally", async () => {
      for (const path of AWKWARD) await place.put(path, Buffer.from(`bytes of ${path}`));
      for (const path of AWKWARD) {
        assert.equal((await read(path)).toString(), `bytes of ${path}`);
      }
    });

    it("gives exactly the range asked for", async () => {
      const bytes = randomBytes(5000);
      await place.put("range.bin", bytes);
      for (const [start, end] of [
        [0, 0],
        [0, 99],
        [1, 4998],
        [4096, 4999],
        [4999, 4999],
        [0, 4999],
      ] as const) {
        const part = await read("range.bin", { range: { start, end } });
        assert(bytes.subarray(start, end + 1).equals(part), `${start}-${end}`);
      }
    });

    it("cuts a range off at the end of the file", async () => {
      await place.put("short.txt", Buffer.from("0123456789"));
      assert.equal((await read("short.txt", { range: { start: 7, end: 1000 } })).toString(), "789");
    });

    it("says the size of the file, not of the range", async () => {
      await place.put("sized.txt", Buffer.from("0123456789"));
      const entry = await entryOf("sized.txt", { range: { start: 2, end: 3 } });
      assert.equal((await buffer(await entry.body())).toString(), "23");
      await entry.close?.();
      if (can.size) assert.equal(entry.size, 10);
    });

    it("gives a large file piece by piece", async () => {
      const bytes = randomBytes(5 * 1024 * 1024 + 1);
      await place.put("large.bin", bytes);
      const length = 1024 * 1024;
      const parts: Buffer[] = [];
      for (let start = 0; start < bytes.length; start += length) {
        parts.push(await read("large.bin", { range: { start, end: start + length - 1 } }));
      }
      assert(bytes.equals(Buffer.concat(parts)));
    });

    it("gives the metadata of a file without its body", async () => {
      await place.put("head.txt", Buffer.from("0123456789"));
      const entry = await entryOf("head.txt", { head: true });
      await entry.close?.();
      if (can.size) assert.equal(entry.size, 10);
    });

    if (can.metadata) {
      it("keeps what the place says of a file", async () => {
        await place.put("metadata.txt", Buffer.from("metadata"), {
          type: "text/plain",
          cacheControl: "max-age=60",
        });
        for (const head of [false, true]) {
          const entry = await entryOf("metadata.txt", { head });
          await entry.close?.();
          assert.equal(entry.type, "text/plain");
          assert.equal(entry.cacheControl, "max-age=60");
        }
      });
    }

    if (can.conditional) {
      it("knows a file that did not change by each validator it named", async () => {
        await place.put("same.txt", Buffer.from("same"));
        const entry = await entryOf("same.txt");
        await entry.close?.();
        const { etag, lastModified } = entry;
        assert(etag !== undefined || lastModified !== undefined, "it names a validator");
        if (etag !== undefined) assert.equal(await open("same.txt", { ifNoneMatch: etag }), NOT_MODIFIED);
        if (lastModified !== undefined) {
          assert.equal(await open("same.txt", { ifModifiedSince: lastModified }), NOT_MODIFIED);
        }
      });
    }

    if (can.private) {
      it("marks private files, and no others", async () => {
        await place.put("public.txt", Buffer.from("public"));
        await place.put("private.txt", Buffer.from("private"), { private: true });
        for (const options of [{}, { head: true }, { range: { start: 0, end: 2 } }]) {
          for (const [path, isPrivate] of [
            ["public.txt", false],
            ["private.txt", true],
          ] as const) {
            const entry = await entryOf(path, options);
            await entry.close?.();
            assert.equal(entry.private === true, isPrivate, `${path} ${JSON.stringify(options)}`);
          }
        }
      });
    }

    /** The same bytes, first for everybody, then with this metadata: validators may stay, the audience does not. */
    async function becomesRestricted(path: string, metadata: FileMetadata): Promise<void> {
      await place.put(path, Buffer.from("for some"));
      const { etag, lastModified, close } = await entryOf(path, { head: true });
      await close?.();
      await place.put(path, Buffer.from("for some"), metadata);
      const validators = {
        ...(etag !== undefined && { ifNoneMatch: etag }),
        ...(lastModified !== undefined && { ifModifiedSince: lastModified }),
      };
      const held = { private: metadata.private === true, cacheControl: metadata.cacheControl ?? "" };
      for (const head of [false, true]) {
        const now = await open(path, { ...validators, head, held: {} });
        assert(now !== undefined && now !== NOT_MODIFIED, `${path} is for fewer now`);
        await now.close?.();
        for (const [name, value] of Object.entries(metadata))
          assert.equal(now[name as keyof FileMetadata], value);
        if (now.etag === undefined) continue;
        assert.equal(await open(path, { ifNoneMatch: now.etag, head, held }), NOT_MODIFIED);
      }
    }

    if (can.private && can.conditional) {
      it("opens a file that has become private, although its validators hold", () =>
        becomesRestricted("becomes-private.txt", { private: true }));
    }

    if (can.metadata && can.conditional) {
      it("opens a file whose Cache-Control has become stricter, although its validators hold", () =>
        becomesRestricted("becomes-no-store.txt", { cacheControl: "private, no-store" }));
    }

    if (can.conditional) {
      it("gives a file that changed, whatever was sent with the question", async () => {
        await place.put("changes.txt", Buffer.from("before"));
        const entry = await entryOf("changes.txt");
        await entry.close?.();
        const { etag } = entry;
        await place.put("changes.txt", Buffer.from("afterwards"));
        if (etag !== undefined) {
          assert.equal((await read("changes.txt", { ifNoneMatch: etag })).toString(), "afterwards");
        }
        assert.equal((await read("changes.txt", { ifNoneMatch: '"another"' })).toString(), "afterwards");
      });
    }

    it("passes on a file that is missing, validators or not", async () => {
      assert.equal(await open("missing.txt", { ifNoneMatch: '"x"', ifModifiedSince: Date.now() }), undefined);
    });

    it("does not begin when it is already aborted", async () => {
      await place.put("aborted.txt", Buffer.from("aborted"));
      const reason = new Error("nobody waits");
      await assert.rejects(open("aborted.txt", { signal: AbortSignal.abort(reason) }));
    });

    it("stops reading when it is aborted", async () => {
      await place.put("endless.bin", randomBytes(5 * 1024 * 1024));
      const controller = new AbortController();
      const entry = await entryOf("endless.bin", { signal: controller.signal });
      const body = await entry.body();
      let length = 0;
      await assert.rejects(async () => {
        for await (const chunk of body) {
          length += chunk.length;
          controller.abort(new Error("nobody waits"));
        }
      });
      assert(length < 5 * 1024 * 1024);
      assert(body.destroyed);
      await entry.close?.();
    });

    it("closes twice, before and after a read, with no harm", async () => {
      await place.put("closing.txt", Buffer.from("closing"));
      const unread = await entryOf("closing.txt");
      await unread.close?.();
      await unread.close?.();
      const entry = await entryOf("closing.txt");
      assert.equal((await buffer(await entry.body())).toString(), "closing");
      await entry.close?.();
      await entry.close?.();
      assert.equal((await read("closing.txt")).toString(), "closing");
    });

    if (can.write) describeWriting(can, () => place, read, entryOf, open);
    if (can.listFolder) describeFolders(can, () => place, entryOf);

    it("answers many at once, each with its own file", async () => {
      const paths = Array.from({ length: 40 }, (_, i) => `many/${i}.txt`);
      for (const path of paths) await place.put(path, Buffer.from(path));
      const texts = await Promise.all(paths.map(async (path) => (await read(path)).toString()));
      assert.deepEqual(texts, paths);
    });
  });
}
