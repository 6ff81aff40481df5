import assert from "node:assert/strict";
import type { Plugin } from "@mediatap/core";
import {
  type Answer,
  startOrigin,
  startServer,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { photo, seen } from "../support/photos.ts";
import { type Gate, gate, webConfig } from "../support/plugins.ts";

const KEY = "private_test_key";
const PATH = "/-/api/v1/files/purge";
const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` });

/** Asks for a purge, and waits until it is done. */
async function purge(server: TestServer, target: object, key = KEY): Promise<Answer> {
  const answer = await server.ask(PATH, {
    method: "POST",
    headers: basic(key),
    body: JSON.stringify(target),
  });
  if (answer.status !== 201) return answer;
  const { requestId } = JSON.parse(answer.text);
  for (;;) {
    const { text } = await server.ask(`${PATH}/${requestId}`, { headers: basic(key) });
    if (JSON.parse(text).status === "Completed") return answer;
  }
}

const status = async (server: TestServer, path: string, accept = "*/*") =>
  (await server.ask(path, { headers: { accept } })).headers["cache-status"] ?? "";

describe("purges over HTTP", () => {
  let origin: WebOrigin;
  let server: TestServer;
  let work: Gate;
  beforeEach(async () => {
    origin = await startOrigin({
      "photo.jpg": await photo(120, 80),
      "a/b/one.jpg": await photo(40, 40),
      "a/b/two.jpg": await photo(50, 40),
      "a/c.jpg": await photo(60, 40),
      "gate/slow.txt": Buffer.from("slow"),
    });
    work = gate();
    server = await startServer({
      ...webConfig([origin.url], work),
      privateKey: KEY,
      tags: ["shop"],
      autoAvif: true,
    });
  });
  afterEach(async () => {
    work.open();
    await server.close();
    await origin.close();
  });

  it("forget a URL in every form that negotiation gave it, however it is written, and nothing else", async () => {
    const accepts = ["image/avif,image/webp", "image/webp", "image/jpeg"];
    for (const accept of accepts) await status(server, "/tr:w-50/photo.jpg", accept);
    await status(server, "/tr:w-51/photo.jpg");
    await status(server, "/tr:w-50/photo.jpg?v=2");
    const answer = await purge(server, { url: `${server.url}/photo.jpg?tr=w-50` });
    assert.equal(answer.status, 201);
    assert.match(JSON.parse(answer.text).requestId, /^[0-9a-f]{32}$/);
    for (const accept of accepts) assert.match(await status(server, "/tr:w-50/photo.jpg", accept), /miss/);
    assert.match(await status(server, "/tr:w-51/photo.jpg"), /; hit/);
    assert.match(await status(server, "/tr:w-50/photo.jpg?v=2"), /; hit/);
  });

  it("forget a URL whose size clients chose by hints, and the default image under one", async () => {
    const hinted = { headers: { "sec-ch-width": "40", width: "40" } };
    const hits = async (path: string, options: object) =>
      / hit/.test((await server.ask(path, options)).headers["cache-status"] ?? "");
    await server.ask("/tr:w-auto/photo.jpg", hinted);
    assert(await hits("/tr:w-auto/photo.jpg", hinted));
    await purge(server, { url: "/tr:w-auto/photo.jpg" });
    assert(!(await hits("/tr:w-auto/photo.jpg", hinted)));
    const path = "/tr:w-30,di-photo.jpg/gone.jpg";
    await server.ask(path);
    origin.files.set("photo.jpg", { bytes: await photo(20, 20) });
    await purge(server, { url: path });
    const answer = await server.ask(path);
    assert.equal(answer.headers["x-mediatap-provenance"], "fallback");
    assert.equal((await seen(answer.body)).height, 30);
  });

  it("forget all that was made of an original", async () => {
    for (const path of ["/tr:w-50/photo.jpg", "/tr:w-51/photo.jpg", "/tr:w-20/a/c.jpg"])
      await status(server, path);
    await purge(server, { source: "photo.jpg" });
    assert.match(await status(server, "/tr:w-50/photo.jpg"), /miss/);
    assert.match(await status(server, "/tr:w-51/photo.jpg"), /miss/);
    assert.match(await status(server, "/tr:w-20/a/c.jpg"), /; hit/);
  });

  it("forget what was made with an original as a layer", async () => {
    const path = "/tr:w-100,l-image,i-a@@c.jpg,w-20,l-end/photo.jpg";
    await status(server, path);
    assert.match(await status(server, path), /; hit/);
    await purge(server, { source: "a/c.jpg" });
    assert.match(await status(server, path), /miss/);
  });

  it("forget a folder, by a prefix and by a URL that ends in a star", async () => {
    const inside = ["/tr:w-20/a/b/one.jpg", "/tr:w-20/a/b/two.jpg"];
    for (const target of [
      { prefix: "a/b/" },
      { prefix: "/a/b" },
      { url: "/a/b/*" },
      { url: `${server.url}/a/b/*` },
    ]) {
      for (const path of [...inside, "/tr:w-20/a/c.jpg"]) await status(server, path);
      assert.equal((await purge(server, target)).status, 201, JSON.stringify(target));
      for (const path of inside) assert.match(await status(server, path), /miss/, JSON.stringify(target));
      assert.match(await status(server, "/tr:w-20/a/c.jpg"), /; hit/);
    }
  });

  it("forget by the tags of an endpoint and of an origin", async () => {
    origin.files.set("tagged.jpg", {
      bytes: await photo(30, 30),
      headers: { "cache-tag": "red, blue", "surrogate-key": "green" },
    });
    for (const tag of ["blue", "green", "shop"]) {
      for (const path of ["/tr:w-20/tagged.jpg", "/tr:w-20/a/c.jpg"]) await status(server, path);
      await purge(server, { tag });
      assert.match(await status(server, "/tr:w-20/tagged.jpg"), /miss/, tag);
      assert.match(await status(server, "/tr:w-20/a/c.jpg"), tag === "shop" ? /miss/ : /; hit/, tag);
    }
  });

  it("forget everything, remembered failures included", async () => {
    const paths = ["/tr:w-20/a/c.jpg", "/photo.jpg"];
    for (const path of paths) await status(server, path);
    assert.equal((await server.ask("/later.jpg")).status, 404);
    origin.files.set("later.jpg", { bytes: await photo(30, 30) });
    assert.equal((await server.ask("/later.jpg")).status, 404);
    await purge(server, { all: true });
    for (const path of paths) assert.match(await status(server, path), /miss/);
    assert.equal((await server.ask("/later.jpg")).status, 200);
  });

  it("forget that a file was missing, by its URL, its path and its folder", async () => {
    for (const [at, target] of [{ url: "/new0.jpg" }, { source: "new1.jpg" }, { prefix: "new" }].entries()) {
      const path = `new${at}.jpg`;
      assert.equal((await server.ask(`/${path}`)).status, 404);
      origin.files.set(path, { bytes: await photo(30, 30) });
      await purge(server, target);
      assert.equal((await server.ask(`/${path}`)).status, 200, path);
    }
  });

  it("beat what is under way: it is neither joined nor kept", async () => {
    const first = server.ask("/gate/slow.txt");
    await work.begun(1);
    await purge(server, { source: "gate/slow.txt" });
    const second = server.ask("/gate/slow.txt");
    await work.begun(2);
    work.open();
    assert.equal((await first).status, 200);
    const after = await second;
    assert.doesNotMatch(after.headers["cache-status"] ?? "", /collapsed/);
    assert.match(after.headers["cache-status"] ?? "", /stored/);
    const before = await first;
    assert.doesNotMatch(before.headers["cache-status"] ?? "", /stored/);
    assert.equal(before.headers["cache-control"], "public, max-age=0, must-revalidate");
    assert.match(after.headers["cache-control"] ?? "", /max-age=15552000/);
  });

  it("keep nothing of work that ends only after them", async () => {
    const first = server.ask("/gate/slow.txt");
    await work.begun(1);
    for (const target of [{ url: "/gate/slow.txt" }, { all: true }]) await purge(server, target);
    work.open();
    assert.equal((await first).status, 200);
    assert.match(await status(server, "/gate/slow.txt"), /fwd=miss/);
  });

  it("leave work alone that they do not speak of", async () => {
    const first = server.ask("/gate/slow.txt");
    await work.begun(1);
    await purge(server, { source: "photo.jpg" });
    const second = server.ask("/gate/slow.txt");
    await server.ask("/-/live");
    work.open();
    assert.match((await second).headers["cache-status"] ?? "", /collapsed/);
    await first;
    assert.match(await status(server, "/gate/slow.txt"), /; hit/);
  });

  it("do not share a download that began before them", async () => {
    const [old, fresh] = [await photo(100, 40), await photo(100, 80)];
    const release = Promise.withResolvers<void>();
    origin.files.set("photo.jpg", {
      answer: async (_, response) => {
        response.writeHead(200, { "content-length": old.length });
        response.write(old.subarray(0, 100));
        await release.promise;
        response.end(old.subarray(100));
      },
    });
    const asked = origin.asked("photo.jpg");
    const before = server.ask("/tr:w-50,f-png/photo.jpg");
    await asked;
    origin.files.set("photo.jpg", { bytes: fresh });
    await purge(server, { source: "photo.jpg" });
    const after = await server.ask("/tr:w-50,f-png/photo.jpg");
    assert.equal((await seen(after.body)).height, 40);
    release.resolve();
    assert.equal((await seen((await before).body)).height, 20);
    const kept = await server.ask("/tr:w-50,f-png/photo.jpg");
    assert.equal((await seen(kept.body)).height, 40);
    assert.match(kept.headers["cache-status"] ?? "", /; hit/);
  });

  it("are refused without the key, and slowly after many tries", async () => {
    const body = JSON.stringify({ all: true });
    for (const headers of [{}, basic("wrong"), { authorization: "Bearer x" }, basic("")]) {
      const answer = await server.ask(PATH, { method: "POST", headers, body });
      assert.equal(answer.status, 401);
      assert.match(answer.headers["www-authenticate"] ?? "", /^Basic/);
      assert.equal(typeof JSON.parse(answer.text).message, "string");
    }
    const many = Array.from({ length: 10 }, () =>
      server.ask(PATH, { method: "POST", headers: basic("no"), body }),
    );
    await Promise.all(many);
    assert.equal((await server.ask(PATH, { method: "POST", headers: basic(KEY), body })).status, 429);
  });

  it("are refused for what is no URL of this server, with the service's words", async () => {
    for (const url of [
      "",
      "photo.jpg",
      "ftp://x/photo.jpg",
      "//x/photo.jpg",
      "/a*b",
      "/a/*",
      "/..%2fx",
      "/a b",
    ]) {
      const answer = await purge(server, { url });
      assert.equal(answer.status, 400, url);
      if (url) assert.equal(JSON.parse(answer.text).message, "The URL is not valid for cache purging.");
    }
    for (const body of [
      "",
      "{",
      "[]",
      "{}",
      '{"url":"/a.jpg","all":true}',
      '{"all":false}',
      "x".repeat(100_000),
    ]) {
      const answer = await server.ask(PATH, { method: "POST", headers: basic(KEY), body });
      assert.equal(answer.status, 400, body.slice(0, 20));
    }
    const unknown = await server.ask(`${PATH}/abc`, { headers: basic(KEY) });
    assert.equal(unknown.status, 400);
    assert.equal(JSON.parse(unknown.text).message, "No request found for this requestId.");
    // The service's path is a media path here, unless it was asked for.
    assert.equal((await server.ask("/v1/files/purge", { method: "POST", headers: basic(KEY) })).status, 405);
  });
});

describe("purges", () => {
  it("are also taken by a call of the core's own, in whatever language URLs are", async () => {
    const origin = await startOrigin({ "a.jpg": await photo(40, 40) });
    const config = webConfig([origin.url]);
    const plugins = config.plugins?.filter((plugin) => (plugin as Plugin).name !== "manage-imagekit") ?? [];
    const server = await startServer({ ...config, plugins, privateKey: KEY });
    try {
      const call = async (path: string, body?: string) => {
        const init = { method: body === undefined ? "GET" : "POST", headers: basic(KEY) };
        const { status, text } = await server.ask(`/-/api${path}`, { ...init, ...(body && { body }) });
        return { status, body: JSON.parse(text || "{}") };
      };
      assert.match(await status(server, "/a.jpg"), /miss/);
      assert.match(await status(server, "/a.jpg"), /; hit/);
      const { status: begun, body } = await call("/v1/purges", '{"url":"/a.jpg"}');
      assert.equal(begun, 201);
      await until(async () => (await call(`/v1/purges/${body.id}`)).body.state === "completed", "it is done");
      assert.match(await status(server, "/a.jpg"), /miss/);
      for (const wrong of ["{", "{}", '{"all":false}']) {
        assert.equal((await call("/v1/purges", wrong)).status, 400, wrong);
      }
      const unknown = await call("/v1/purges/abc");
      assert.deepEqual([unknown.status, unknown.body.message], [404, "There is no purge with this id"]);
      const { status: missing } = await server.ask(PATH, { method: "POST", headers: basic(KEY), body: "{}" });
      assert.equal(missing, 404);
    } finally {
      await server.close();
      await origin.close();
    }
  });

  let origin: WebOrigin;
  const servers: TestServer[] = [];
  const start = async (more: object) => {
    const server = await startServer({ ...webConfig([origin.url]), ...more });
    servers.push(server);
    return server;
  };
  beforeEach(async () => {
    origin = await startOrigin({ "photo.jpg": await photo(120, 80) });
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    await origin.close();
  });

  it("are not there without a key, and not where they are switched off", async () => {
    for (const more of [{}, { privateKey: KEY, management: false }]) {
      const server = await start(more);
      const answer = await server.ask(PATH, { method: "POST", headers: basic(KEY), body: '{"all":true}' });
      assert.equal(answer.status, 404);
    }
  });

  it("are taken at another path, and at the service's own", async () => {
    const server = await start({
      privateKey: KEY,
      management: { path: "/-/manage", compatible: true, purgesPerMinute: 2 },
    });
    const ask = (path: string) =>
      server.ask(path, { method: "POST", headers: basic(KEY), body: JSON.stringify({ url: "/photo.jpg" }) });
    assert.equal((await ask("/-/manage/v1/files/purge")).status, 201);
    const answer = await ask("/v1/files/purge");
    assert.equal(answer.status, 201);
    assert.equal(answer.headers["x-ratelimit-limit"], "2");
    const { requestId } = JSON.parse(answer.text);
    const state = await server.ask(`/v1/files/purge/${requestId}`, { headers: basic(KEY) });
    assert.match(JSON.parse(state.text).status, /^(Pending|Completed)$/);
    assert.equal((await ask("/-/api/v1/files/purge")).status, 404);
    const over = await ask("/v1/files/purge");
    assert.equal(over.status, 429);
    assert(Number(over.headers["x-ratelimit-reset"]) <= 60_000);
  });

  it("stay in their account", async () => {
    const account = (privateKey: string) => ({
      privateKey,
      origins: { web: { type: "WEB_FOLDER", baseUrl: origin.url } },
      endpoints: {
        default: { origins: ["web"] },
        shop: { origins: ["web"], privateKey: `${privateKey}_shop` },
      },
    });
    const server = await start({
      privateKey: KEY,
      tenants: { acme: account("acme"), other: account("other") },
    });
    const paths = ["/tr:w-50/photo.jpg", "/acme/tr:w-50/photo.jpg", "/other/tr:w-50/photo.jpg"];
    for (const target of [{ source: "photo.jpg" }, { prefix: "p" }, { all: true }]) {
      for (const path of paths) await status(server, path);
      // The key of one account does not do for the endpoint with a key of its own, so not for the whole account.
      assert.equal((await purge(server, target, "acme")).status, 403);
      assert.equal((await purge(server, target)).status, 201);
      assert.match(await status(server, paths[0] as string), /miss/);
      for (const path of paths.slice(1)) assert.match(await status(server, path), /; hit/, path);
    }
    assert.equal((await purge(server, { url: "/other/tr:w-50/photo.jpg" }, "acme")).status, 403);
    assert.equal((await purge(server, { url: "/acme/shop/photo.jpg" }, "acme")).status, 403);
    assert.equal((await purge(server, { url: "/acme/shop/photo.jpg" }, "acme_shop")).status, 201);
    assert.equal((await purge(server, { url: "/acme/tr:w-50/photo.jpg" }, "acme")).status, 201);
    assert.match(await status(server, paths[1] as string), /miss/);
    assert.match(await status(server, paths[2] as string), /; hit/);
  });

  it("reach the other processes over a bus, those that were missed included", async () => {
    // Two processes, as far as they know, and the line between them.
    const ends: { receive(text: string): void; recovered(): void }[] = [];
    let isCut = false;
    const line = (at: number) => ({
      name: `line-${at}`,
      version: "1",
      apiVersion: 1,
      apply({ cluster: { bus } }: { cluster: { bus: { connect(line: object): (typeof ends)[number] } } }) {
        ends[at] = bus.connect({
          name: "line",
          send: (text: string) => (isCut ? undefined : ends[1 - at]?.receive(text)),
        });
      },
    });
    const make = (at: number) => start({ ...webConfig([origin.url], line(at) as never), privateKey: KEY });
    const [one, two] = [await make(0), await make(1)];
    const isGone = () =>
      until(async () => /miss/.test(await status(two, "/tr:w-50/photo.jpg")), "it was purged");
    await status(two, "/tr:w-50/photo.jpg");
    await purge(one, { url: "/tr:w-50/photo.jpg" });
    await isGone();
    isCut = true;
    await purge(one, { source: "photo.jpg" });
    assert.match(await status(two, "/tr:w-50/photo.jpg"), /; hit/);
    isCut = false;
    ends[1]?.recovered();
    await isGone();
  });
});
