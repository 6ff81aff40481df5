import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pino } from "pino";
import { originalKey } from "../../src/cache/original-key.ts";
import { createOriginalsBackend } from "../../src/cache/originals-backend.ts";
import type { WritableStorage } from "../../src/cache/storage-files.ts";
import type { PurgeRule } from "../../src/model/purge-rule.ts";
import type { CacheEntry, StoredMetadata } from "../../src/plugin/cache-backend.ts";

const log = pino({ level: "silent" });
const signal = new AbortController().signal;

/** A storage in memory; the entity tag of a file is a hash of its bytes. */
function memoryStorage() {
  const files = new Map<string, Buffer>();
  const storage: WritableStorage = {
    async open(path) {
      const bytes = files.get(path);
      return bytes && { size: bytes.length, etag: hash("sha1", bytes), body: () => Readable.from([bytes]) };
    },
    async write(path, body) {
      files.set(path, body instanceof Uint8Array ? Buffer.from(body) : await buffer(body));
    },
    async remove(path) {
      files.delete(path);
    },
    async *list(prefix) {
      for (const path of files.keys()) if (path.startsWith(prefix)) yield path;
    },
  };
  const bodies = () => [...files.keys()].filter((path) => !path.endsWith(".json"));
  return { storage, files, bodies };
}

const keyOf = (path: string, origin = "site") => originalKey({ origin, path }, "place");

function metadataOf(path: string, origin = "site", more: Partial<StoredMetadata> = {}): StoredMetadata {
  return {
    key: keyOf(path, origin),
    engines: "",
    type: "image/png",
    format: "original",
    etag: "first",
    sources: [{ origin, path, fetched: 1 }],
    stored: 1,
    freshUntil: 1,
    private: false,
    original: true,
    ...more,
  };
}

describe("a backend of originals", () => {
  let memory: ReturnType<typeof memoryStorage>;
  let backend: ReturnType<typeof createOriginalsBackend>;
  beforeEach(() => {
    memory = memoryStorage();
    backend = createOriginalsBackend(memory.storage, { grace: 0, log });
  });
  afterEach(() => backend.close?.());

  const get = async (path: string, origin?: string) =>
    (await backend.get(keyOf(path, origin), { signal, body: true })) as CacheEntry | undefined;
  const textOf = async (path: string, origin?: string) => {
    const entry = await get(path, origin);
    return entry?.body && (await buffer(await entry.body.stream())).toString();
  };
  const put = (path: string, text: string, origin?: string) =>
    backend.put(keyOf(path, origin), metadataOf(path, origin), Readable.from([Buffer.from(text)]));

  it("stores a stream whose length is not known, and adds its length", async () => {
    await put("a.png", "bytes");
    assert.equal(await textOf("a.png"), "bytes");
    assert.equal((await get("a.png"))?.metadata.length, 5);
    const part = await (await get("a.png"))?.body?.stream({ start: 0, end: 4 });
    assert.equal(part && (await buffer(part)).toString(), "bytes");
  });

  it("stores nothing of a stream that fails, or is shorter than announced", async () => {
    const broken = new PassThrough();
    broken.on("error", () => {}).write("byt");
    const putting = backend.put(keyOf("a.png"), metadataOf("a.png"), broken);
    broken.destroy(new Error("broke off"));
    await assert.rejects(async () => putting, /broke off/);
    const short = Readable.from([Buffer.from("byt")]);
    await assert.rejects(
      async () => backend.put(keyOf("a.png"), metadataOf("a.png", "site", { length: 5 }), short),
      /shorter/,
    );
    assert.equal(memory.files.size, 0);
  });

  it("replaces metadata, keeps its body, and does not bring back what is gone", async () => {
    await put("a.png", "bytes");
    await backend.put(keyOf("a.png"), metadataOf("a.png", "site", { stored: 2 }), undefined);
    assert.equal((await get("a.png"))?.metadata.stored, 2);
    assert.equal(await textOf("a.png"), "bytes");
    await backend.put(keyOf("a.png"), metadataOf("a.png", "site", { etag: "other", stored: 3 }), undefined);
    assert.equal((await get("a.png"))?.metadata.stored, 2);
    await backend.delete(keyOf("a.png"));
    await backend.put(keyOf("a.png"), metadataOf("a.png"), undefined);
    assert.equal(memory.files.size, 0);
  });

  it("deletes a body that was changed, unless the bytes are the same", async () => {
    await put("a.png", "bytes");
    const [body = ""] = memory.bodies();
    const [record = ""] = [...memory.files.keys()].filter((path) => path.endsWith(".json"));
    const text = String(memory.files.get(record));
    memory.files.set(record, Buffer.from(text.replace(/"seal":"\w+"/, '"seal":"moved"')));
    assert.equal(await textOf("a.png"), "bytes");
    memory.files.set(body, Buffer.from("spoil"));
    assert.equal(await get("a.png"), undefined);
    assert.equal(memory.files.size, 0);
  });

  it("leaves no body of a copy that was replaced", async () => {
    await put("a.png", "first");
    await put("a.png", "second");
    await backend.close?.();
    assert.equal(memory.bodies().length, 1);
    assert.equal(await textOf("a.png"), "second");
  });

  for (const [rule, left] of [
    [{ kind: "source", value: "a.png" }, ["folder/b.png"]],
    [{ kind: "original", value: "a.png", tenant: "one" }, ["a.png", "folder/b.png"]],
    [{ kind: "prefix", value: "folder/" }, ["a.png", "one/a.png"]],
    [{ kind: "all", value: "", tenant: "" }, ["one/a.png"]],
    [{ kind: "all", value: "" }, []],
  ] as [PurgeRule, string[]][]) {
    it(`deletes what a rule matches: ${JSON.stringify(rule)}`, async () => {
      await put("a.png", "1");
      await put("folder/b.png", "2");
      await put("a.png", "3", "one/site");
      await backend.deleteMatching?.(rule);
      const found = await Promise.all([
        get("a.png").then((entry) => entry && "a.png"),
        get("folder/b.png").then((entry) => entry && "folder/b.png"),
        get("a.png", "one/site").then((entry) => entry && "one/a.png"),
      ]);
      assert.deepEqual(found.filter(Boolean).sort(), left);
      assert.equal(memory.bodies().length, left.length);
    });
  }
});
