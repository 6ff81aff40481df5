import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import {
  type FileMetadata,
  type FolderEntry,
  type ListFolderOptions,
  NOT_MODIFIED,
  type OpenOptions,
  type Storage,
  type StorageEntry,
  type WriteMetadata,
} from "@mediatap/core/storage";
import { after, before, describe, it } from "./runner.ts";

/** What a storage offers beyond the bytes. */
export interface StoragePromises {
  /** It names a validator (`etag` or `lastModified`) and answers `NOT_MODIFIED`. */
  readonly conditional?: boolean;
  /** It says the size of every file. */
  readonly size?: boolean;
  /** `put` keeps `type` and `cacheControl`. */
  readonly metadata?: boolean;
  /** `put` keeps `private`: the storage marks private files, and a client that has one as public asks again. */
  readonly private?: boolean;
  /** It writes, removes and lists. */
  readonly write?: boolean;
  /** It lists folders page by page: `listFolder`. */
  readonly listFolder?: boolean;
  /** It makes and removes folders: `createFolder` and `removeFolder`. */
  readonly folders?: boolean;
  /** `write` with `isNew` refuses a name that is taken. */
  readonly newNames?: boolean;
  /** It gives a name to one of several writers at one time, too. */
  readonly exclusiveNames?: boolean;
  /** `write` keeps `type` and `cacheControl`. */
  readonly writeMetadata?: boolean;
}

/** A storage to be tried, and a way to put files into the place that it reads. */
export interface StorageSetup {
  readonly storage: Storage;
  /** Puts a file where the storage finds it, not through the storage. Metadata that the place cannot keep is ignored. */
  put(path: string, bytes: Uint8Array, metadata?: FileMetadata): Promise<void>;
  /** Takes the place away. */
  close(): Promise<void>;
}

/** Names that are files like any other: nothing in them is decoded, folded or repaired. */
const AWKWARD = [
  "with space.txt",
  " around .txt",
  "a+b.txt",
  "100%.txt",
  "%2e%2e%2fsecret.txt",
  "%41.txt",
  "what?.txt",
  "hash#tag.txt",
  "a&b=c.txt",
  "semi;colon,comma.txt",
  "quote'\"`.txt",
  "[brackets]{braces}(parens).txt",
  "a:b@c$d!e*f|g^h~.txt",
  "tr:w-100.txt",
  "\u00e9 composed.txt",
  "e\u0301 decomposed.txt",
  "e\u0301 composed.txt",
  "\u{1f5bc} picture.txt",
  "UPPER.txt",
  "upper.txt",
  "deep/er/than/that.txt",
  `${"long".repeat(50)}.txt`,
];

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

type Open = (path: string, options?: Partial<OpenOptions>) => ReturnType<Storage["open"]>;
type Read = (path: string, options?: Partial<OpenOptions>) => Promise<Buffer>;
type Entry = (path: string, options?: Partial<OpenOptions>) => Promise<StorageEntry>;

/** What a storage promises that can be written to; all of it, or nothing. */
function describeWriting(
  can: StoragePromises,
  place: () => StorageSetup,
  read: Read,
  entryOf: Entry,
  open: Open,
): void {
  describe("that writes", () => {
    const writing = () => {
      const { write, remove, list } = place().storage;
      assert(write && remove && list, "it writes, removes and lists");
      return place().storage as Required<Storage>;
    };
    const write = (path: string, body: Readable | Uint8Array, metadata: WriteMetadata = {}) =>
      writing().write(path, body, metadata);
    async function listed(prefix: string): Promise<string[]> {
      const paths: string[] = [];
      for await (const path of writing().list(prefix)) paths.push(path);
      return paths.sort();
    }
    /** Some bytes, then a failure. */
    const broken = (bytes: Uint8Array) =>
      Readable.from(
        (async function* () {
          yield bytes;
          throw new Error("broke off");
        })(),
      );

    it("gives what was written, from bytes and from a stream", async () => {
      const bytes = randomBytes(300_000);
      await write("written/bytes.bin", bytes);
      assert(bytes.equals(await read("written/bytes.bin")));
      const pieces = [bytes.subarray(0, 1), bytes.subarray(1, 70_000), bytes.subarray(70_000)];
      await write("written/stream.bin", Readable.from(pieces), { size: bytes.length });
      assert(bytes.equals(await read("written/stream.bin")));
      await write("written/unknown.bin", Readable.from(pieces));
      assert(bytes.equals(await read("written/unknown.bin")));
      const part = await read("written/stream.bin", { range: { start: 100, end: 199 } });
      assert(bytes.subarray(100, 200).equals(part));
      const entry = await entryOf("written/stream.bin", { head: true });
      await entry.close?.();
      if (can.size) assert.equal(entry.size, bytes.length);
    });

    it("gives an empty file that was written", async () => {
      await write("written/empty.txt", new Uint8Array());
      assert.equal((await read("written/empty.txt")).length, 0);
      await write("written/empty-stream.txt", Readable.from([]));
      assert.equal((await read("written/empty-stream.txt")).length, 0);
    });

    it("writes a large stream", async () => {
      const bytes = randomBytes(13 * 1024 * 1024 + 7);
      const pieces = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, at) =>
        bytes.subarray(at * 65_536, (at + 1) * 65_536),
      );
      await write("written/large.bin", Readable.from(pieces), { size: bytes.length });
      assert(bytes.equals(await read("written/large.bin")));
    });

    if (can.writeMetadata && can.private) {
      it("marks what is written as private", async () => {
        assert.equal(writing().keepsPrivate, true);
        await write("written/private.txt", Buffer.from("private"), { private: true });
        await write("written/public.txt", Buffer.from("public"));
        const [hidden, open] = [await entryOf("written/private.txt"), await entryOf("written/public.txt")];
        await hidden.close?.();
        await open.close?.();
        assert.equal(hidden.private, true);
        assert(!open.private);
      });
    }

    if (can.writeMetadata) {
      it("keeps what is said of a file that is written", async () => {
        const metadata = { type: "text/plain", cacheControl: "max-age=60" };
        for (const body of [Buffer.from("bytes"), Readable.from([Buffer.from("stream")])]) {
          await write("written/metadata.txt", body, metadata);
          const entry = await entryOf("written/metadata.txt");
          await entry.close?.();
          assert.equal(entry.type, "text/plain");
          assert.equal(entry.cacheControl, "max-age=60");
        }
      });
    }

    it("writes under every name literally", async () => {
      for (const path of AWKWARD) await write(`names/${path}`, Buffer.from(`bytes of ${path}`));
      for (const path of AWKWARD) assert.equal((await read(`names/${path}`)).toString(), `bytes of ${path}`);
      assert.deepEqual(await listed("names/"), AWKWARD.map((path) => `names/${path}`).sort());
    });

    it("puts a file in the place of another, and gives it another validator", async () => {
      await write("written/again.txt", Buffer.from("before"));
      const before = await entryOf("written/again.txt");
      await before.close?.();
      await write("written/again.txt", Buffer.from("afterwards"));
      assert.equal((await read("written/again.txt")).toString(), "afterwards");
      if (before.etag === undefined) return;
      assert.notEqual(await open("written/again.txt", { ifNoneMatch: before.etag }), NOT_MODIFIED);
    });

    if (can.exclusiveNames) {
      it("gives a new name to one of several writers", async () => {
        const texts = Array.from({ length: 6 }, (_, at) => `written by ${at}`);
        const results = await Promise.allSettled(
          texts.map((text) => write("new/one.txt", Readable.from([Buffer.from(text)]), { isNew: true })),
        );
        const winners = texts.filter((_, at) => results[at]?.status === "fulfilled");
        assert.deepEqual([(await read("new/one.txt")).toString()], winners);
        for (const result of results) {
          if (result.status === "fulfilled") continue;
          const { code, status } = result.reason as { readonly code?: string; readonly status?: number };
          assert.deepEqual([code, status], ["EINVAL", 409]);
        }
      });
    }

    if (can.newNames) {
      it("refuses a new file with a name that is taken, and leaves the other one", async () => {
        await write("new/taken.txt", Buffer.from("first"), { isNew: true });
        for (const body of [Buffer.from("second"), Readable.from([Buffer.from("third")])])
          await assert.rejects(write("new/taken.txt", body, { isNew: true }), {
            code: "EINVAL",
            status: 409,
          });
        assert.equal((await read("new/taken.txt")).toString(), "first");
        await writing().remove("new/taken.txt");
        await write("new/taken.txt", Buffer.from("fourth"), { isNew: true });
        assert.equal((await read("new/taken.txt")).toString(), "fourth");
      });
    }

    it("leaves the file as it was when a stream breaks off", async () => {
      await write("broken/old.txt", Buffer.from("old"));
      await assert.rejects(write("broken/old.txt", broken(randomBytes(100_000)), { size: 200_000 }));
      await assert.rejects(write("broken/old.txt", broken(randomBytes(100_000))));
      assert.equal((await read("broken/old.txt")).toString(), "old");
      await assert.rejects(write("broken/new.txt", broken(randomBytes(100_000))));
      assert.equal(await open("broken/new.txt"), undefined);
      assert.deepEqual(await listed("broken/"), ["broken/old.txt"]);
    });

    it("shows the old file or the new one, never a mixture, while it is written", async () => {
      const [ones, twos] = [Buffer.alloc(400_000, "1"), Buffer.alloc(500_000, "2")];
      await write("mixed.txt", ones);
      const writes = async () => {
        for (let i = 0; i < 6; i++) await write("mixed.txt", i % 2 === 0 ? twos : ones);
      };
      let going = true;
      const change = writes().finally(() => {
        going = false;
      });
      while (going) {
        const bytes = await read("mixed.txt").catch(() => undefined);
        // A read may fail under a change, but what it gives is one of the two.
        if (bytes) assert(bytes.equals(ones) || bytes.equals(twos), `${bytes.length} bytes`);
      }
      await change;
    });

    it("removes a file, and one that is not there without complaint", async () => {
      await write("removed/a.txt", Buffer.from("a"));
      await write("removed/ab.txt", Buffer.from("ab"));
      await writing().remove("removed/a.txt");
      await writing().remove("removed/a.txt");
      await writing().remove("no/such/folder.txt");
      assert.equal(await open("removed/a.txt"), undefined);
      assert.equal((await read("removed/ab.txt")).toString(), "ab");
    });

    if (can.folders && can.listFolder) {
      const entriesOf = async (folder: string) => {
        const { entries } = await writing().listFolder(folder, { signal: new AbortController().signal });
        return entries.map(({ name, kind }) => (kind === "folder" ? `${name}/` : name)).sort();
      };

      it("makes a folder without files, with those that it lies in", async () => {
        for (const path of ["made/empty", "made/deep/er", "made/empty"]) await writing().createFolder(path);
        assert.deepEqual(await entriesOf("made"), ["deep/", "empty/"]);
        assert.deepEqual(await entriesOf("made/deep"), ["er/"]);
        assert.deepEqual(await entriesOf("made/empty"), []);
        assert.deepEqual(await listed("made/"), []);
        await write("made/empty/a.txt", Buffer.from("a"));
        await writing().createFolder("made/empty");
        assert.deepEqual(await entriesOf("made/empty"), ["a.txt"]);
      });

      it("removes a folder with everything in it, and nothing else", async () => {
        const paths = ["gone/a/b.txt", "gone/a/c/d.txt", "gone/ab.txt", "gone/a.txt"];
        for (const path of paths) await write(path, Buffer.from(path));
        await writing().createFolder("gone/a/empty");
        await writing().removeFolder("gone/a");
        await writing().removeFolder("gone/a");
        await writing().removeFolder("no/such/folder");
        assert.deepEqual(await entriesOf("gone"), ["a.txt", "ab.txt"]);
        assert.deepEqual(await listed("gone/"), ["gone/a.txt", "gone/ab.txt"]);
        assert.deepEqual(await entriesOf("gone/a"), []);
      });
    }

    it("lists what begins with a prefix", async () => {
      const paths = ["list/a.txt", "list/ab/c.txt", "list/ab/d/e.txt", "list/b.txt"];
      for (const path of paths) await write(path, Buffer.from(path));
      assert.deepEqual(await listed("list/"), paths);
      assert.deepEqual(await listed("list/a"), paths.slice(0, 3));
      assert.deepEqual(await listed("list/ab/"), paths.slice(1, 3));
      assert.deepEqual(await listed("list/b.txt"), ["list/b.txt"]);
      assert.deepEqual(await listed("list/nothing/"), []);
      assert((await listed("")).includes("list/ab/d/e.txt"));
    });
  });
}

/** Most pages of a listing of a few files that a test follows. */
const MAX_PAGES = 100;

/** What a storage promises whose folders can be listed. */
function describeFolders(can: StoragePromises, place: () => StorageSetup, entryOf: Entry): void {
  describe("that lists folders", () => {
    const put = (path: string, metadata?: FileMetadata) =>
      place().put(path, Buffer.from(`bytes of ${path}`), metadata);

    function pageOf(folder: string, options: Partial<ListFolderOptions> = {}) {
      const { listFolder } = place().storage;
      assert(listFolder, "it has listFolder");
      return listFolder(folder, { signal: new AbortController().signal, ...options });
    }

    /** All pages, none of which is too long. */
    async function pagesOf(folder: string, limit?: number): Promise<readonly FolderEntry[][]> {
      const pages: FolderEntry[][] = [];
      let cursor: string | undefined;
      do {
        const page = await pageOf(folder, {
          ...(limit !== undefined && { limit }),
          ...(cursor !== undefined && { cursor }),
        });
        assert(page.entries.length <= (limit ?? 100), `${page.entries.length} entries on a page of ${limit}`);
        pages.push([...page.entries]);
        cursor = page.next;
      } while (cursor !== undefined && pages.length < MAX_PAGES);
      assert.equal(cursor, undefined, "the listing ends");
      return pages;
    }

    /** `folder/` and `file` for each entry, sorted. */
    const named = (entries: readonly FolderEntry[]) =>
      entries.map(({ name, kind }) => (kind === "folder" ? `${name}/` : name)).sort();
    const all = async (folder: string, limit = 1000) => named((await pagesOf(folder, limit)).flat());

    before(async () => {
      for (const path of ["a.txt", "ab/c.txt", "ab/d/e.txt", "ab/d/f/g.txt", "abc.txt", "b/x.txt"])
        await put(`folders/in/${path}`);
      await put("folders/in-between.txt");
    });

    it("lists one level of a folder: files and folders, each once", async () => {
      assert.deepEqual(await all("folders/in"), ["a.txt", "ab/", "abc.txt", "b/"]);
      assert.deepEqual(await all("folders/in/ab"), ["c.txt", "d/"]);
      assert.deepEqual(await all("folders/in/ab/d"), ["e.txt", "f/"]);
      assert.deepEqual(await all("folders"), ["in-between.txt", "in/"]);
    });

    it("lists the whole place as a folder without a name", async () => {
      const names = await all("");
      assert.equal(names.filter((name) => name === "folders/").length, 1);
      assert(names.every((name) => name !== "" && !name.startsWith("folders/in")));
    });

    it("lists nothing for a folder that is not there, or is a file", async () => {
      for (const folder of [
        "folders/none",
        "folders/i",
        "folders/in/a.txt",
        "folders/in/a.txt/below",
        "x".repeat(5000),
      ])
        assert.deepEqual(await pageOf(folder), { entries: [] }, folder.slice(0, 40));
    });

    for (const limit of [1, 2, 3]) {
      it(`lists a folder in pages of ${limit}`, async () => {
        const pages = await pagesOf("folders/in", limit);
        assert.deepEqual(named(pages.flat()), ["a.txt", "ab/", "abc.txt", "b/"]);
        assert(pages.length >= 4 / limit);
      });
    }

    it("lists at most a hundred entries on a page by default", async () => {
      const names = Array.from({ length: 130 }, (_, at) => `${at}.txt`);
      for (const name of names) await put(`crowd/${name}`);
      const pages = await pagesOf("crowd");
      assert(pages.length >= 2);
      assert.deepEqual(named(pages.flat()), names.sort());
    });

    it("lists every name literally, as a file that is found", async () => {
      const names = AWKWARD.filter((name) => !name.includes("/"));
      for (const name of names) await put(`awkward names/${name}`);
      assert.deepEqual(await all("awkward names"), [...names].sort());
      for (const name of await all("awkward names", 4))
        await (await entryOf(`awkward names/${name}`)).close?.();
    });

    it("knows the size and time of a file as it finds them", async () => {
      const { entries } = await pageOf("folders/in");
      const entry = entries.find(({ name }) => name === "a.txt");
      const found = await entryOf("folders/in/a.txt", { head: true });
      await found.close?.();
      if (entry?.size !== undefined) assert.equal(entry.size, "bytes of folders/in/a.txt".length);
      if (entry?.lastModified !== undefined && found.lastModified !== undefined)
        assert(Math.abs(entry.lastModified - found.lastModified) < 1000, `${entry.lastModified}`);
    });

    it("calls no private file public", async () => {
      await put("some/private.txt", { private: true });
      await put("some/public.txt");
      const { entries } = await pageOf("some");
      const marks = Object.fromEntries(entries.map((entry) => [entry.name, entry.private]));
      if (can.private) assert.notEqual(marks["private.txt"], false);
      assert.notEqual(marks["public.txt"], true);
    });

    it("rejects a listing that was aborted before", async () => {
      const reason = new Error("nobody waits");
      await assert.rejects(pageOf("folders/in", { signal: AbortSignal.abort(reason) }), reason);
    });
  });
}
