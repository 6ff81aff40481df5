import assert from "node:assert/strict";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import { startOrigin, startServer, type TestServer, until, type WebOrigin } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { photo } from "../support/photos.ts";
import { type Counter, counter, type TestCache, testCache } from "../support/plugins.ts";

describe("caches in several tiers", () => {
  const path = "/tr:w-50/photo.jpg";
  let origin: WebOrigin;
  let server: TestServer;
  let near: TestCache;
  let far: TestCache;
  let count: Counter;

  beforeEach(async () => {
    origin = await startOrigin({ "photo.jpg": await photo(120, 80), "small.css": Buffer.from("a{}") });
    [near, far, count] = [
      testCache({ name: "near" }),
      testCache({ name: "far", tier: "network" }),
      counter(),
    ];
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
    assert.deepEqual([near.puts(), far.puts(), count.transforms()], [2, 1, 1]);
  });

  it("are asked on where the nearer has lost the body, except by those who hold it", async () => {
    const { headers } = await server.ask(path);
    near.evictBodies();
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
    near.evictBodies();
    assert.deepEqual(await status("/small.css"), [200, "mediatap; hit; detail=far"]);
    assert.equal(origin.count("small.css"), 1);
  });

  it("make it again where none has the body", async () => {
    await server.ask(path);
    for (const cache of [near, far]) cache.evictBodies();
    assert.equal((await status())[0], 200);
    assert.equal(count.transforms(), 2);
    assert(near.entries.values().next().value?.body && far.entries.values().next().value?.body);
  });

  it("have a rendition confirmed whose body only the further one has", async () => {
    const made = await server.ask(path);
    near.evictBodies();
    for (const cache of [near, far]) cache.expire();
    const answer = await server.ask(path);
    assert(answer.body.equals(made.body));
    assert.match(answer.headers["cache-status"] ?? "", /fwd=stale.*detail=revalidated/);
    assert.equal(count.transforms(), 1);
  });

  it("have nothing of a file that is missing: the process remembers that itself", async () => {
    for (let time = 0; time < 2; time++) assert.equal((await status("/gone.jpg"))[0], 404);
    assert.deepEqual([near.size(), far.size(), origin.count("gone.jpg")], [0, 0, 1]);
  });

  it("harm no answer where one cannot be filled", async () => {
    await server.ask(path);
    near.entries.clear();
    near.fails = true;
    for (let i = 0; i < 2; i++) assert.deepEqual(await status(), [200, "mediatap; hit; detail=far"]);
  });
});
