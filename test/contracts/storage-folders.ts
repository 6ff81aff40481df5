import assert from "node:assert/strict";
import type { FileMetadata, FolderEntry, ListFolderOptions } from "@mediatap/core/storage";
import { before, describe, it } from "./runner.ts";
import { AWKWARD, type Entry, type StoragePromises, type StorageSetup } from "./storage-setup.ts";

/** Most pages of a listing of a few files that a test follows. */
const MAX_PAGES = 100;

/** What a storage promises whose folders can be listed. */
export function describeFolders(can: StoragePromises, place: () => StorageSetup, entryOf: Entry): void {
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
