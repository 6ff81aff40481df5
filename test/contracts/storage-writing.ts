import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { NOT_MODIFIED, type Storage, type WriteMetadata } from "@mediatap/core/storage";
import { describe, it } from "./runner.ts";
import {
  AWKWARD,
  type Entry,
  type Open,
  type Read,
  type StoragePromises,
  type StorageSetup,
} from "./storage-setup.ts";

/** What a storage promises that can be written to; all of it, or nothing. */
export function describeWriting(
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
