import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { NOT_MODIFIED, type OpenOptions, type Storage } from "@mediatap/core/storage";
import fc from "fast-check";
import { type Said, store } from "./objects.ts";
import { openPlace, type Place } from "./places.ts";

describe("the objects of a bucket", () => {
  let place: Place;
  beforeEach(async () => {
    place = await openPlace();
  });
  afterEach(() => place[Symbol.asyncDispose]());

  const put = (name: string, text: string | Uint8Array, said: Said = {}) =>
    store(place.bucket, name, Buffer.from(text), said);
  async function find(path: string, options: Partial<OpenOptions> = {}, storage: Storage = place.storage()) {
    const entry = await storage.open(path, { signal: new AbortController().signal, ...options });
    assert(entry && entry !== NOT_MODIFIED, `${path} is found`);
    return entry;
  }
  const read = async (path: string, options: Partial<OpenOptions> = {}) =>
    buffer(await (await find(path, options)).body());
  /** Answers what is not a login in another way. */
  function misbehave(fault: (request: IncomingMessage, response: ServerResponse) => boolean): void {
    place.google.fault = (request, response) => request.url !== "/token" && fault(request, response);
  }

  it("are private by their metadata, for GET and HEAD", async () => {
    put("a.txt", "a", { metadata: { isprivatefile: "true" } });
    put("b.txt", "b", { metadata: { other: "true" } });
    for (const head of [false, true]) {
      const [a, b] = [await find("a.txt", { head }), await find("b.txt", { head })];
      assert.equal(a.private, true);
      assert.equal(b.private, undefined);
      await a.close?.();
      await b.close?.();
    }
  });

  it("say the same to GET and HEAD", async () => {
    put("a.txt", "0123456789", { contentType: "text/plain", cacheControl: "max-age=60" });
    const get = await find("a.txt");
    await get.close?.();
    const head = await find("a.txt", { head: true });
    for (const fact of ["size", "type", "etag", "lastModified", "cacheControl"] as const) {
      assert.notEqual(get[fact], undefined, fact);
      assert.equal(get[fact], head[fact], fact);
    }
  });

  it("without a Cache-Control have none, whatever the service says by itself", async () => {
    put("a.txt", "a");
    const entry = await find("a.txt");
    await entry.close?.();
    assert.equal(entry.cacheControl, undefined);
  });

  it("that are stored compressed are read decoded, their length unknown", async () => {
    put("a.svg", gzipSync("<svg/>"), { contentEncoding: "gzip", contentType: "image/svg+xml" });
    assert.equal((await read("a.svg")).toString(), "<svg/>");
    assert.equal((await read("a.svg", { range: { start: 1, end: 3 } })).toString(), "svg");
    assert.equal((await find("a.svg", { head: true })).size, undefined);
  });

  it("are not the ones outside the prefix", async () => {
    put("secret.txt", "secret");
    put("photos/../secret.txt", "secret");
    put("photos/%2e%2e/secret.txt", "literal");
    const storage = place.storage({ prefix: "photos" });
    const signal = new AbortController().signal;
    for (const path of ["../secret.txt", "x/../../secret.txt", "/secret.txt", "", ".", "..", "a//b"]) {
      assert.equal(await storage.open(path, { signal }), undefined, path);
    }
    const entry = await find("%2e%2e/secret.txt", {}, storage);
    assert.equal((await buffer(await entry.body())).toString(), "literal");
    await assert.rejects(storage.write?.("../secret.txt", Buffer.from("mine"), {}) as Promise<void>, {
      code: "EINVAL",
    });
    await storage.remove?.("../secret.txt");
    assert(place.bucket.objects.has("secret.txt"));
  });

  it("are asked for by exactly their name, whatever the path", async () => {
    const storage = place.storage({ prefix: "photos" });
    const signal = new AbortController().signal;
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 40 }), async (path) => {
        place.bucket.objects.clear();
        const before = place.google.requests.length;
        await storage.open(path, { signal, head: true });
        for (const { url = "" } of place.google.requests.slice(before)) {
          if (url === "/token") continue;
          const name = /^\/storage\/v1\/b\/shop\/o\/([^/?#]+)\?fields=/.exec(url)?.[1];
          assert.equal(decodeURIComponent(name ?? ""), `photos/${path}`);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("of a bucket that is missing are no miss", async () => {
    const storage = place.storage({ bucket: "nothing-here" });
    const signal = new AbortController().signal;
    for (const head of [false, true]) {
      await assert.rejects(storage.open("a.txt", { signal, head }), { code: "EACCES", outage: false });
    }
    await assert.rejects(async () => storage.write?.("a.txt", Buffer.from("a"), {}), { code: "EACCES" });
    await assert.rejects(async () => storage.remove?.("a.txt"), { code: "EACCES" });
    await assert.rejects(async () => namesOf(storage, ""), { code: "EACCES" });
    await assert.rejects(async () => storage.check?.(signal), {
      code: "EACCES",
      message: /bucket nothing-here .*Storage Object Viewer/,
    });
  });

  it("can be used, as a check finds", async () => {
    await place.storage().check?.(new AbortController().signal);
    misbehave(() => true);
    const check = async () => place.storage({}, {}, true).check?.(new AbortController().signal);
    await assert.rejects(check, { code: "ECONNREFUSED" });
  });

  for (const [what, status, code, outage] of [
    ["forbidden", 403, "EACCES", false],
    ["a bad request", 400, "UNIDENTIFIED", false],
    ["too many requests", 429, "UNIDENTIFIED", true],
    ["a failure", 500, "UNIDENTIFIED", true],
    ["an overload", 503, "UNIDENTIFIED", true],
  ] as const) {
    it(`answered with ${status}, ${what}, fail as ${code}${outage ? ", an outage" : ""}`, async () => {
      put("a.txt", "a");
      misbehave((_, response) => {
        response.writeHead(status).end("{}");
        return true;
      });
      await assert.rejects(find("a.txt"), { code, outage });
      await assert.rejects(find("a.txt", { head: true }), { code, outage });
      const storage = place.storage({}, { retries: 0 });
      await assert.rejects(async () => storage.write?.("b.txt", Buffer.from("b"), {}), { code, outage });
      await assert.rejects(async () => storage.remove?.("a.txt"), { code, outage });
      await assert.rejects(async () => namesOf(storage, ""), { code, outage });
    });
  }

  it("that nobody answers for in time fail as an outage", async () => {
    misbehave(() => true);
    const found = find("a.txt", {}, place.storage({}, {}, true));
    await assert.rejects(found, { code: "ECONNREFUSED", outage: true });
  });

  it("whose resource is none fail", async () => {
    for (const body of ["<html>", "{", '{"size":5}', "[]"]) {
      misbehave((_, response) => {
        response.writeHead(200, { "content-type": "application/json" }).end(body);
        return true;
      });
      await assert.rejects(find("a.txt", { head: true }), { code: "UNIDENTIFIED" }, body);
    }
  });

  it("that break off are read on from there, if they are still the same", async () => {
    const bytes = randomBytes(500_000);
    for (const isSame of [true, false]) {
      put("a.bin", bytes);
      let broke = false;
      misbehave((request, response) => {
        if (broke || !request.url?.includes("alt=media")) return false;
        broke = true;
        const tag = Buffer.from(`${place.bucket.objects.get("a.bin")?.generation}/1`).toString("base64");
        response.writeHead(200, { "content-length": bytes.length, etag: tag });
        response.write(bytes.subarray(0, 200_000), () => {
          if (!isSame) put("a.bin", randomBytes(500_000));
          response.destroy();
        });
        return true;
      });
      if (isSame) assert(bytes.equals(await read("a.bin")));
      else await assert.rejects(read("a.bin"), { code: "UNIDENTIFIED", outage: true });
    }
  });

  it("are written on from what the service kept of a chunk", async () => {
    place.google.uploads.keeps = 256 * 1024;
    const bytes = randomBytes(5 * 1024 * 1024 + 3);
    await place.storage().write?.("a.bin", bytes, {});
    assert(bytes.equals(place.bucket.objects.get("a.bin")?.bytes ?? Buffer.alloc(0)));
  });

  it("are written although single requests fail", async () => {
    const seen = new Set<string>();
    misbehave((request, response) => {
      const what = `${request.method} ${request.headers["content-range"]}`;
      if (seen.has(what)) return false;
      seen.add(what);
      response.writeHead(502).end();
      return true;
    });
    const bytes = randomBytes(6 * 1024 * 1024);
    await place.storage().write?.("a.bin", Readable.from([bytes]), {});
    assert(bytes.equals(place.bucket.objects.get("a.bin")?.bytes ?? Buffer.alloc(0)));
    assert(seen.size >= 3);
  });

  it("leave no upload open when they break off", async () => {
    const body = Readable.from(
      (async function* () {
        yield randomBytes(5 * 1024 * 1024);
        throw new Error("broke off");
      })(),
    );
    await assert.rejects(async () => place.storage().write?.("a.bin", body, {}), /broke off/);
    assert.equal(place.google.uploads.open(), 0);
    assert.equal(place.bucket.objects.size, 0);
  });

  it("are not written to a service that keeps nothing", async () => {
    place.google.uploads.keeps = 0;
    await assert.rejects(async () => place.storage().write?.("a.bin", Buffer.from("a"), {}), {
      code: "UNIDENTIFIED",
    });
    assert.equal(place.google.uploads.open(), 0);
  });

  it("keep that they are private when they are written", async () => {
    await place.storage().write?.("a.txt", Buffer.from("a"), { private: true });
    assert.equal((await find("a.txt", { head: true })).private, true);
  });

  it("are listed page by page", async () => {
    const names = Array.from({ length: 10 }, (_, i) => `list/${i}.txt`);
    for (const name of names) put(name, name);
    assert.deepEqual(await namesOf(place.storage(), "list/"), names);
    assert.equal(place.google.requests.filter(({ url }) => url?.includes("prefix=")).length, 4);
  });

  it("are listed by folder in one request a page, whatever lies below", async () => {
    for (let i = 0; i < 50; i++) put(`deep/${i % 5}/${i}.txt`, "");
    put("deep/", "");
    put("deep/5/", "");
    put("deep/6.txt", "6", { metadata: { isprivatefile: "true" } });
    place.bucket.page = 1000;
    const listings = () => place.google.requests.filter(({ url }) => url?.includes("prefix=")).length;
    const before = listings();
    const page = await place.storage().listFolder?.("deep", { signal: new AbortController().signal });
    assert.equal(listings(), before + 1);
    assert.equal(page?.next, undefined);
    assert.deepEqual(
      page?.entries.filter(({ kind }) => kind === "folder").map(({ name }) => name),
      ["0", "1", "2", "3", "4", "5"],
    );
    const [file, ...others] = page?.entries.filter(({ kind }) => kind === "file") ?? [];
    assert.deepEqual(others, []);
    assert.deepEqual([file?.name, file?.size, file?.private], ["6.txt", 1, true]);
  });
});

async function namesOf(storage: Storage, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of storage.list?.(prefix) ?? []) names.push(name);
  return names;
}
