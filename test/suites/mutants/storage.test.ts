import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import {
  type FileMetadata,
  NOT_MODIFIED,
  nameTaken,
  type OpenOptions,
  type Storage,
} from "@mediatap/core/storage";
import { describeStorage } from "@mediatap/test";
import { failuresOf } from "../../helpers/failures.ts";
import { CAN, type Mutation, memoryPlace } from "../support/memory-place.ts";

type Open = Storage["open"];
type ListFolder = NonNullable<Storage["listFolder"]>;

/** A mutation of what `open` returns, or of what it is asked. */
const opening =
  (change: (open: Open, path: string, options: OpenOptions) => ReturnType<Open>): Mutation =>
  ({ open }) => ({ open: (path, options) => change(open, path, options) });
const metadata = (change: (entry: FileMetadata) => FileMetadata): Mutation =>
  opening(async (open, path, options) => {
    const entry = await open(path, options);
    return typeof entry === "object" ? { ...entry, ...change(entry) } : entry;
  });
const folders =
  (change: (listFolder: ListFolder, ...args: Parameters<ListFolder>) => ReturnType<ListFolder>): Mutation =>
  ({ listFolder }) => ({ listFolder: (folder, options) => change(listFolder, folder, options) });

const MUTANTS: Readonly<Record<string, Mutation>> = {
  "drops the private flag": metadata(() => ({ private: false })),
  "marks every file as private": metadata(() => ({ private: true })),
  "drops the private flag where the body is not asked for": opening(async (open, path, options) => {
    const entry = await open(path, options);
    return typeof entry === "object" && options.head ? { ...entry, private: false } : entry;
  }),
  "ignores for whom a known file was": opening((open, path, { held: _, ...options }) => open(path, options)),
  "asks again for whoever is known": opening((open, path, { held, ifNoneMatch, ...options }) =>
    open(path, held || ifNoneMatch === undefined ? options : { ...options, ifNoneMatch }),
  ),
  "ignores validators": opening((open, path, { ifNoneMatch: _, ...options }) => open(path, options)),
  "takes any validator for the right one": opening(async (open, path, options) => {
    const entry = await open(path, options);
    return entry && options.ifNoneMatch !== undefined ? NOT_MODIFIED : entry;
  }),
  "says not modified of a missing file": opening(async (open, path, options) =>
    options.ifNoneMatch !== undefined ? ((await open(path, options)) ?? NOT_MODIFIED) : open(path, options),
  ),
  "ignores ranges": opening((open, path, { range: _, ...options }) => open(path, options)),
  "gives a byte too few of a range": opening((open, path, { range, ...options }) =>
    open(path, range ? { ...options, range: { ...range, end: range.end - 1 } } : options),
  ),
  "says the size of the range": opening(async (open, path, options) => {
    const entry = await open(path, options);
    if (typeof entry !== "object" || !options.range) return entry;
    return { ...entry, size: options.range.end - options.range.start + 1 };
  }),
  "throws for a missing file": opening(async (open, path, options) => {
    const entry = await open(path, options);
    if (entry === undefined) throw new Error("missing");
    return entry;
  }),
  "decodes names": opening((open, path, options) => open(path.replaceAll("%41", "A"), options)),
  "folds case": opening((open, path, options) => open(path.toLowerCase(), options)),
  "composes accents": opening((open, path, options) => open(path.normalize("NFC"), options)),
  "trims names": opening((open, path, options) => open(path.trim(), options)),
  "begins although it is aborted": opening((open, path, options) =>
    open(path, options.signal.aborted ? { ...options, signal: new AbortController().signal } : options),
  ),
  "reads on when it is aborted": opening(async (open, path, options) => {
    options.signal.throwIfAborted();
    return await open(path, { ...options, signal: new AbortController().signal });
  }),
  "cannot be closed twice": opening(async (open, path, options) => {
    const entry = await open(path, options);
    if (typeof entry !== "object") return entry;
    let closed = false;
    const close = () => {
      if (closed) throw new Error("closed already");
      closed = true;
    };
    return { ...entry, close };
  }),
  "loses type and Cache-Control": metadata(
    () => ({ type: undefined, cacheControl: undefined }) as unknown as FileMetadata,
  ),
  "writes what broke off": ({ write }) => ({
    async write(path, body, more) {
      const chunks: Uint8Array[] = [];
      try {
        if (body instanceof Uint8Array) chunks.push(body);
        else for await (const chunk of body) chunks.push(chunk);
      } finally {
        await write(path, Buffer.concat(chunks), more);
      }
    },
  }),
  "empties a file before it writes it": ({ write }) => ({
    async write(path, body, more) {
      const bytes = body instanceof Uint8Array ? body : await buffer(body);
      await write(path, bytes.subarray(0, 1000), more);
      // Longer than a reader takes for a file, so that one reads it now.
      for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
      await write(path, bytes, more);
    },
  }),
  "keeps no metadata of what is written": ({ write }) => ({ write: (path, body) => write(path, body, {}) }),
  "ignores that a file should be new": ({ write }) => ({
    write: (path, body, { isNew: _, ...more }) => write(path, body, more),
  }),
  "only looks before it writes a new file": ({ write }, files) => ({
    async write(path, body, { isNew, ...more }) {
      if (isNew && files.has(path)) throw nameTaken();
      await write(path, body, more);
    },
  }),
  "keeps the validator of what is replaced": (_storage, files) => {
    const first = new Map<string, string>();
    return {
      async open(path, { ifNoneMatch, range }) {
        const file = files.get(path);
        if (!file) return undefined;
        const etag = first.get(path) ?? file.etag;
        first.set(path, etag);
        if (ifNoneMatch === etag) return NOT_MODIFIED;
        const { bytes, ...metadata } = file;
        return {
          ...metadata,
          etag,
          body: () => Readable.from([range ? bytes.subarray(range.start, range.end + 1) : bytes]),
        };
      },
    };
  },
  "complains about removing what is not there": ({ remove }, files) => ({
    async remove(path) {
      if (!files.has(path)) throw new Error("not there");
      await remove(path);
    },
  }),
  "removes nothing": () => ({ remove: async () => {} }),
  "removes all below a name": (_storage, files) => ({
    async remove(path) {
      for (const name of files.keys()) if (name.startsWith(path.replace(/\.txt$/, ""))) files.delete(name);
    },
  }),
  "lists folders only": ({ list }) => ({
    async *list(prefix) {
      if (prefix === "" || prefix.endsWith("/")) yield* list(prefix);
    },
  }),
  "lists everything": ({ list }) => ({ list: () => list("") }),
  "lists what begins like a folder's name": folders(async (listFolder, folder, options) => {
    const page = await listFolder(folder, options);
    const { entries } = await listFolder("folders", options);
    return folder === "folders/i" ? { entries } : page;
  }),
  "lists folders as files": folders(async (listFolder, folder, options) => {
    const { entries, ...more } = await listFolder(folder, options);
    return { entries: entries.map((entry) => ({ ...entry, kind: "file" })), ...more };
  }),
  "lists files only": folders(async (listFolder, folder, options) => {
    const { entries, ...more } = await listFolder(folder, options);
    return { entries: entries.filter(({ kind }) => kind === "file"), ...more };
  }),
  "lists the first page only": folders(async (listFolder, folder, options) => {
    const { entries } = await listFolder(folder, options);
    return { entries };
  }),
  "lists the first page again and again": folders((listFolder, folder, { cursor: _, ...options }) =>
    listFolder(folder, options),
  ),
  "ignores the length of a page": folders((listFolder, folder, options) =>
    listFolder(folder, { ...options, limit: 1000 }),
  ),
  "lists the last entry of a page again": folders((listFolder, folder, { cursor, ...options }) =>
    listFolder(folder, cursor === undefined ? options : { ...options, cursor: String(Number(cursor) - 1) }),
  ),
  "lists names in lower case": folders(async (listFolder, folder, options) => {
    const { entries, ...more } = await listFolder(folder, options);
    return { entries: entries.map((entry) => ({ ...entry, name: entry.name.toLowerCase() })), ...more };
  }),
  "throws for a folder that is not there": folders(async (listFolder, folder, options) => {
    const page = await listFolder(folder, options);
    if (page.entries.length === 0) throw new Error("missing");
    return page;
  }),
  "lists private files as public ones": folders(async (listFolder, folder, options) => {
    const { entries, ...more } = await listFolder(folder, options);
    return { entries: entries.map((entry) => ({ ...entry, private: false })), ...more };
  }),
  "lists wrong sizes": folders(async (listFolder, folder, options) => {
    const { entries, ...more } = await listFolder(folder, options);
    return { entries: entries.map((entry) => ({ ...entry, size: (entry.size ?? 0) + 1 })), ...more };
  }),
  "lists folders although it is aborted": folders((listFolder, folder, options) =>
    listFolder(folder, { ...options, signal: new AbortController().signal }),
  ),
};

describe("describeStorage", () => {
  it("passes a storage that keeps every promise", async () => {
    const failures = await failuresOf(() => describeStorage("right", CAN, async () => memoryPlace()));
    assert.deepEqual(failures, []);
  });

  for (const [what, mutate] of Object.entries(MUTANTS)) {
    it(`fails a storage that ${what}`, async () => {
      const failures = await failuresOf(() =>
        describeStorage("mutant", CAN, async () => memoryPlace(mutate)),
      );
      assert(failures.length > 0, "no test failed");
    });
  }
});
