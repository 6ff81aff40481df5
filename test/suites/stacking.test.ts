import assert from "node:assert/strict";
import type { Delivered, Plugin, RenditionRecord } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import { startOrigin, startServer, type TestServer, until, type WebOrigin } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { photo } from "./support/photos.ts";
import { type Counter, counter } from "./support/plugins.ts";

/** A cache that shows what it holds. */
interface Shelf extends Plugin {
  readonly entries: Map<string, Delivered>;
  /** How often it was given something by the core. */
  readonly stored: () => number;
  change(change: (entry: Delivered) => Delivered): void;
  fails: boolean;
}

function shelf(name: string, stage: number): Shelf {
  const entries = new Map<string, Delivered>();
  let stored = 0;
  const plugin: Shelf = {
    name,
    version: "1",
    apiVersion: 1,
    entries,
    stored: () => stored,
    fails: false,
    change(change) {
      for (const [key, entry] of entries) entries.set(key, change(entry));
    },
    apply({ hooks }) {
      hooks.lookup.tap({ name, stage }, ({ key, needsBody, isFresh, offer, fill }) => {
        const entry = entries.get(key);
        if (entry && (entry.body || !needsBody)) {
          if (isFresh(entry.record)) return { ...entry, cache: name };
          offer(entry);
        }
        fill((found) => {
          if (plugin.fails) throw new Error("no room");
          entries.set(key, found);
        });
        return undefined;
      });
      hooks.store.tap(name, (record, body) => {
        stored++;
        entries.set(record.key, { record, ...(body && { body }) });
      });
    },
  };
  return plugin;
}

const bare = ({ record }: Delivered): Delivered => ({ record });
const expired = ({ record, ...rest }: Delivered): Delivered => {
  const late: RenditionRecord = { ...record, freshUntil: Date.now() - 1 };
  return { ...rest, record: late };
};

describe("caches behind one another", () => {
  const path = "/tr:w-50/photo.jpg";
  let origin: WebOrigin;
  let server: TestServer;
  let near: Shelf;
  let far: Shelf;
  let count: Counter;

  beforeEach(async () => {
    origin = await startOrigin({ "photo.jpg": await photo(120, 80), "small.css": Buffer.from("a{}") });
    [near, far, count] = [shelf("near", 0), shelf("far", 1), counter()];
    server = await startServer({
      plugins: [urlImagekit(), storageWeb({ retries: 0 }), imageSharp(), far, near, count],
      origins: { web: { type: "WEB_FOLDER", baseUrl: origin.url } },
      endpoints: { default: { origins: ["web"] } },
      staleWhileRevalidate: 0,
    });
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
  });

  const status = async (url = path, headers = {}) => {
    const answer = await server.ask(url, { headers });
    return [answer.status, answer.headers["cache-status"]?.replace(/; ttl=\d+/, "")];
  };

  it("are asked nearest first, and the nearer is filled with what the other has", async () => {
    const made = await server.ask(path);
    near.entries.clear();
    assert.deepEqual(await status(), [200, "mediatap; hit; detail=far"]);
    await until(() => near.entries.size === 1, "the nearer was filled");
    assert.deepEqual(await status(), [200, "mediatap; hit; detail=near"]);
    assert((await server.ask(path)).body.equals(made.body));
    assert.deepEqual([near.stored(), far.stored(), count.transforms()], [1, 1, 1]);
  });

  it("are asked on where the nearer has lost the body, except by those who hold it", async () => {
    const { headers } = await server.ask(path);
    near.change(bare);
    assert.deepEqual(await status(path, { "if-none-match": headers.etag }), [
      304,
      "mediatap; hit; detail=near",
    ]);
    assert.deepEqual(await status(), [200, "mediatap; hit; detail=far"]);
    await until(() => [...near.entries.values()].every(({ body }) => body), "the nearer was filled");
    assert.deepEqual(await status(), [200, "mediatap; hit; detail=near"]);
    assert.equal(count.transforms(), 1);
  });

  it("hold the bytes of a small original for one another, too", async () => {
    await server.ask("/small.css");
    near.change(bare);
    assert.deepEqual(await status("/small.css"), [200, "mediatap; hit; detail=far"]);
    assert.equal(origin.count("small.css"), 1);
  });

  it("make it again where none has the body", async () => {
    await server.ask(path);
    for (const cache of [near, far]) cache.change(bare);
    assert.equal((await status())[0], 200);
    assert.equal(count.transforms(), 2);
    assert(near.entries.values().next().value?.body && far.entries.values().next().value?.body);
  });

  it("have a rendition confirmed whose body only the further one has", async () => {
    const made = await server.ask(path);
    near.change((entry) => expired(bare(entry)));
    far.change(expired);
    const answer = await server.ask(path);
    assert(answer.body.equals(made.body));
    assert.match(answer.headers["cache-status"] ?? "", /fwd=stale.*detail=revalidated/);
    assert.equal(count.transforms(), 1);
  });

  it("tell one another what is missing", async () => {
    assert.equal((await status("/gone.jpg"))[0], 404);
    near.entries.clear();
    assert.equal((await status("/gone.jpg"))[0], 404);
    await until(() => near.entries.size === 1, "the nearer knows, too");
    assert.equal(origin.count("gone.jpg"), 1);
  });

  it("harm no answer where one cannot be filled", async () => {
    await server.ask(path);
    near.entries.clear();
    near.fails = true;
    for (let i = 0; i < 2; i++) assert.deepEqual(await status(), [200, "mediatap; hit; detail=far"]);
  });
});
