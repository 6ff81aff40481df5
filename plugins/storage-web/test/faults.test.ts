import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import { DEFAULT_LIMITS, type Limits } from "@mediatap/core";
import {
  createFetcher,
  type Fetcher,
  NOT_MODIFIED,
  type OpenOptions,
  type Storage,
} from "@mediatap/core/storage";
import { createWebFolder } from "../src/folder.ts";
import { createOrigin, type Origin, sendRange } from "./origin.ts";
import { SETTINGS } from "./settings.ts";

const text = "0123456789".repeat(10_000);

describe("a hostile origin", () => {
  let origin: Origin;
  let fetcher: Fetcher;
  let storage: Storage;
  /** What the origin does with each request. */
  let answer: (request: IncomingMessage, response: ServerResponse, count: number) => void;

  beforeEach(async () => {
    const listener: RequestListener = (request, response) =>
      answer(request, response, origin.requests.length);
    origin = await createOrigin(listener);
    connect();
  });
  afterEach(async () => {
    await origin.close();
    await fetcher.close();
  });

  function connect(limits: Partial<Limits> = {}): void {
    fetcher = createFetcher({ limits: { ...DEFAULT_LIMITS, ...limits } });
    const options = { baseUrl: origin.url };
    storage = createWebFolder({ name: "web", type: "WEB_FOLDER", base: "/", options }, fetcher, SETTINGS);
  }

  const open = (path = "a.jpg", options: Partial<OpenOptions> = {}) =>
    storage.open(path, { signal: new AbortController().signal, ...options });

  async function read(path?: string, options?: Partial<OpenOptions>): Promise<string> {
    const entry = await open(path, options);
    assert(entry && entry !== NOT_MODIFIED);
    return (await buffer(await entry.body())).toString();
  }

  for (const [status, code, times] of [
    [400, "UNIDENTIFIED", 1],
    [401, "EACCES", 1],
    [402, "UNIDENTIFIED", 1],
    [403, "EACCES", 1],
    [405, "UNIDENTIFIED", 1],
    [418, "UNIDENTIFIED", 1],
    [429, "UNIDENTIFIED", 1],
    [500, "UNIDENTIFIED", 3],
    [501, "UNIDENTIFIED", 1],
    [502, "UNIDENTIFIED", 3],
    [503, "UNIDENTIFIED", 3],
    [504, "UNIDENTIFIED", 3],
    [599, "UNIDENTIFIED", 1],
    [201, "UNIDENTIFIED", 1],
    [204, "UNIDENTIFIED", 1],
    [206, "UNIDENTIFIED", 1],
    [300, "UNIDENTIFIED", 1],
    [304, "UNIDENTIFIED", 1],
  ] as const) {
    it(`that answers ${status} is ${code} after ${times} requests`, async () => {
      answer = (_, response) => response.writeHead(status, { "content-range": "bytes 0-1/2" }).end();
      await assert.rejects(open(), { code });
      assert.equal(origin.requests.length, times);
    });
  }

  for (const status of [404, 410]) {
    it(`that answers ${status} does not have the file`, async () => {
      answer = (_, response) => response.writeHead(status).end("no");
      assert.equal(await open(), undefined);
      assert.equal(origin.requests.length, 1);
    });
  }

  it("that recovers is read", async () => {
    answer = (_, response, count) => {
      if (count < 3) response.writeHead(502).end();
      else response.end("file");
    };
    assert.equal(await read(), "file");
  });

  it("that is down for good costs ever fewer retries", async () => {
    answer = (_, response) => response.writeHead(500).end();
    for (let i = 0; i < 12; i++) await assert.rejects(open());
    assert(origin.requests.length < 24, `${origin.requests.length} requests`);
  });

  it("that asks for a moment gets it once", async () => {
    answer = (_, response, count) => {
      if (count === 1) response.writeHead(503, { "retry-after": "0" }).end();
      else response.end("file");
    };
    assert.equal(await read(), "file");
  });

  it("that asks for more time than there is says so to the caller", async () => {
    answer = (_, response) => response.writeHead(429, { "retry-after": "3600" }).end();
    await assert.rejects(open(), { code: "UNIDENTIFIED", retryAfterSeconds: 3600 });
    assert.equal(origin.requests.length, 1);
  });

  it("that is not there cannot be reached", async () => {
    const options = { baseUrl: "http://127.0.0.1:1/secret" };
    storage = createWebFolder({ name: "web", type: "WEB_FOLDER", base: "/", options }, fetcher, SETTINGS);
    await assert.rejects(open(), (error: Error & { code?: string }) => {
      assert.equal(error.code, "ECONNREFUSED");
      assert.doesNotMatch(error.message, /127|secret/);
      return true;
    });
  });

  it("that never answers is given up", async () => {
    await fetcher.close();
    connect({ originFirstByte: 300 });
    answer = () => undefined;
    await assert.rejects(open(), { code: "ECONNREFUSED" });
  });

  it("that redirects to itself for ever is given up", async () => {
    answer = (_, response) => response.writeHead(302, { location: "/again" }).end();
    await assert.rejects(open(), { code: "UNIDENTIFIED" });
  });

  it("that redirects to a private address is refused", async () => {
    answer = (_, response) => response.writeHead(302, { location: "http://169.254.169.254/" }).end();
    await assert.rejects(open(), { code: "EACCES" });
  });

  for (const type of ["text/html; charset=utf-8", "application/json", "application/problem+json"]) {
    it(`that sends ${type} for a picture has no picture`, async () => {
      answer = (_, response) => response.writeHead(200, { "content-type": type }).end("<h1>Sorry</h1>");
      await assert.rejects(open("a/b.JPG"), { code: "UNIDENTIFIED" });
      await assert.rejects(open("movie.mp4", { head: true }), { code: "UNIDENTIFIED" });
      assert.equal(await read("page.html"), "<h1>Sorry</h1>");
    });
  }

  it("that sends an empty picture has no picture", async () => {
    answer = (_, response) => response.writeHead(200, { "content-length": 0 }).end();
    await assert.rejects(open("a.webp"), { code: "UNIDENTIFIED" });
    assert.equal(await read("empty.txt"), "");
  });

  it("that ignores Range is read up to the range", async () => {
    answer = (_, response) => response.end(text);
    assert.equal(await read("a.mp4", { range: { start: 99_990, end: 99_993 } }), "0123");
    assert.equal(await read("a.mp4", { range: { start: 5, end: 6 } }), "56");
    assert.equal(await read("a.mp4", { range: { start: 99_998, end: 200_000 } }), "89");
  });

  for (const [what, headers] of [
    ["another start", { "content-range": "bytes 1-4/100000" }],
    ["another end", { "content-range": "bytes 0-2/100000" }],
    ["another unit", { "content-range": "lines 0-3/100000" }],
    ["no range", {}],
    ["an end behind the file", { "content-range": "bytes 0-3/2" }],
    ["another length", { "content-range": "bytes 0-3/100000", "content-length": "3" }],
    ["many parts", { "content-type": "multipart/byteranges; boundary=x" }],
  ] as const) {
    it(`that answers a range with ${what} is asked for the whole`, async () => {
      answer = ({ headers: { range } }, response) => {
        if (range === undefined) response.end(text);
        else
          response
            .writeHead(206, headers)
            .end("ABCD".slice(0, Number(headers["content-length" as never] ?? 4)));
      };
      assert.equal(await read("a.mp4", { range: { start: 0, end: 3 } }), "0123");
      assert.equal(origin.requests.length, 2);
    });
  }

  it("that sends fewer bytes than the range it names breaks off", async () => {
    answer = (_, response) => response.writeHead(206, { "content-range": "bytes 0-3/*" }).end("01");
    await assert.rejects(read("a.mp4", { range: { start: 0, end: 3 } }), { code: "UNIDENTIFIED" });
  });

  it("that sends more bytes than the range it names is cut off", async () => {
    answer = (_, response) => response.writeHead(206, { "content-range": "bytes 0-3/*" }).end("0123456");
    assert.equal(await read("a.mp4", { range: { start: 0, end: 3 } }), "0123");
  });

  for (const [what, etag, fails] of [
    ["is continued where it broke off", '"same"', false],
    ["is not continued if only weakly the same", 'W/"same"', true],
    ["is not continued without a tag", undefined, true],
  ] as const) {
    it(`whose body breaks ${what}`, async () => {
      answer = (request, response, count) => {
        const headers: Record<string, string> = etag ? { etag } : {};
        if (count > 1) return sendRange(request, response, Buffer.from(text), headers);
        response.writeHead(200, { ...headers, "content-length": text.length });
        response.write(text.slice(0, 40_000), () => response.destroy());
      };
      if (fails) return assert.rejects(read(), { code: "UNIDENTIFIED" });
      assert.equal(await read(), text);
      assert.match(origin.requests[1]?.headers.range ?? "", /^bytes=\d+-99999$/);
      assert.equal(origin.requests[1]?.headers["if-range"], etag);
    });
  }

  it("whose file changes while it breaks off fails", async () => {
    answer = (request, response, count) => {
      if (count > 1) return sendRange(request, response, Buffer.from(text), { etag: '"new"' });
      response.writeHead(200, { etag: '"old"', "content-length": text.length });
      response.write(text.slice(0, 40_000), () => response.destroy());
    };
    await assert.rejects(read(), { code: "UNIDENTIFIED" });
  });

  it("that breaks off every time fails", async () => {
    answer = (request, response) => {
      const start = Number(/\d+/.exec(request.headers.range ?? "0")?.[0]);
      response.writeHead(start ? 206 : 200, {
        etag: '"same"',
        "content-length": text.length - start,
        "content-range": `bytes ${start}-${text.length - 1}/${text.length}`,
      });
      response.write(text.slice(start, start + 10_000), () => response.destroy());
    };
    await assert.rejects(read(), { code: "UNIDENTIFIED" });
    assert.equal(origin.requests.length, 2);
  });

  it("is left alone when the file is closed in the middle of a read", async () => {
    answer = (_, response) => {
      response.writeHead(200, { etag: '"same"', "content-length": 1_000_000 });
      response.write(text);
    };
    const entry = await open();
    assert(entry && entry !== NOT_MODIFIED);
    const body = await entry.body();
    await once(body, "readable");
    const gone = new Promise((resolve) => origin.requests[0]?.socket.once("close", resolve));
    await entry.close?.();
    await gone;
    assert(body.destroyed);
    assert.equal(origin.requests.length, 1);
  });

  it("is not read for a range behind the end of the file", async () => {
    answer = (request, response) => sendRange(request, response, Buffer.from(text), {});
    assert.equal(await read("a.mp4", { range: { start: 100_000, end: 100_001 } }), "");
  });

  it("that stalls in the body fails", async () => {
    await fetcher.close();
    connect({ originIdle: 300 });
    answer = (_, response) => response.writeHead(200, { "content-length": 10 }).write("0");
    await assert.rejects(read(), { code: "UNIDENTIFIED" });
  });

  it("that compresses although not asked to is read, its size unknown", async () => {
    answer = (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(text));
    const entry = await open("a.svg");
    assert(entry && entry !== NOT_MODIFIED);
    assert.equal(entry.size, undefined);
    assert.equal((await buffer(await entry.body())).toString(), text);
  });

  it("that compresses although not asked to is read in ranges", async () => {
    answer = (request, response) => {
      // A server that cuts the range out of the coded bytes.
      sendRange(request, response, gzipSync(text), { "content-encoding": "gzip", etag: '"coded"' });
    };
    assert.equal(await read("a.svg", { range: { start: 5, end: 7 } }), "567");
    assert.equal(origin.requests.length, 2);
    assert.equal(origin.requests[1]?.headers.range, undefined);
  });

  it("that compresses although not asked to is continued where it broke off", async () => {
    const coded = gzipSync(randomBytes(100_000).toString("hex"));
    answer = (request, response, count) => {
      const headers = { "content-encoding": "gzip", etag: '"coded"' };
      if (count > 1) return sendRange(request, response, coded, headers);
      response.writeHead(200, { ...headers, "content-length": coded.length });
      response.write(coded.subarray(0, 40_000), () => response.destroy());
    };
    assert.equal(await read("a.svg"), gunzipSync(coded).toString());
    assert.match(origin.requests[1]?.headers.range ?? "", new RegExp(`^bytes=\\d+-${coded.length - 1}$`));
  });

  for (const [what, coding] of [
    ["a broken", "gzip"],
    ["an unknown", "zstd"],
  ] as const) {
    it(`whose file has ${what} content coding fails for this file alone`, async () => {
      answer = (_, response) => response.writeHead(200, { "content-encoding": coding }).end(text);
      await assert.rejects(read("a.svg"), { code: "UNIDENTIFIED", outage: false });
    });
  }

  it("whose idle connections are all dead answers the retry over a new one", async () => {
    await fetcher.close();
    connect({ originFirstByte: 2_000 });
    const dead = new Set<Socket>();
    answer = ({ socket }, response) => {
      if (!dead.has(socket)) response.writeHead(200, { "content-length": text.length }).end(text);
    };
    // Opened at the same time, so that each has a connection.
    const entries = await Promise.all(Array.from({ length: 6 }, () => open()));
    for (const { socket } of origin.requests) dead.add(socket);
    for (const entry of entries) {
      assert(entry && entry !== NOT_MODIFIED);
      await buffer(await entry.body());
    }
    assert.equal(dead.size, 6);
    assert.equal(await read(), text);
  });

  for (const status of [405, 501]) {
    it(`that answers HEAD with ${status} is asked by GET, and its body left alone`, async () => {
      answer = ({ method }, response) => {
        if (method === "HEAD") return void response.writeHead(status).end();
        response.writeHead(200, { "content-length": 1_000_000_000, etag: '"e"' });
        response.write("begin");
      };
      const entry = await open("a.jpg", { head: true });
      assert(entry && entry !== NOT_MODIFIED);
      assert.equal(entry.size, 1_000_000_000);
      assert.equal(entry.etag, '"e"');
    });
  }

  it("that sends spoilt headers has only the good ones read", async () => {
    answer = (_, response) => {
      response.writeHead(200, {
        etag: "no quotes",
        "last-modified": "yesterday",
        "cache-control": "max-age=5",
      });
      response.end("x");
    };
    const entry = await open("a.txt");
    assert(entry && entry !== NOT_MODIFIED);
    assert.equal(entry.etag, undefined);
    assert.equal(entry.lastModified, undefined);
    assert.equal(entry.cacheControl, "max-age=5");
    await entry.close?.();
  });

  for (const headers of [{ "Is-Private-File": "true" }, { "x-amz-meta-isprivatefile": "TRUE" }]) {
    it(`that marks a file by ${Object.keys(headers)[0]} has a private file`, async () => {
      answer = (_, response) => response.writeHead(200, headers).end("x");
      const entry = await open();
      assert(entry && entry !== NOT_MODIFIED);
      assert.equal(entry.private, true);
      await entry.close?.();
    });
  }
});
