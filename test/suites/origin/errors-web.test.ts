import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { createServer } from "node:net";
import { gzipSync } from "node:zlib";
import type { MediatapConfig } from "@mediatap/core";
import { type OriginFile, startOrigin, startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { assertError } from "../support/errors.ts";
import { photo } from "../support/photos.ts";
import { webConfig } from "../support/plugins.ts";

describe("errors of web origins", () => {
  let origin: WebOrigin;
  let server: TestServer;
  let picture: Buffer;
  const status =
    (code: number, headers: Record<string, string> = {}): RequestListener =>
    (_, response) =>
      void response.writeHead(code, headers).end("secret-page");

  before(async () => {
    picture = await photo(120, 80);
    const answers: Record<string, OriginFile> = {
      "photo.jpg": { bytes: picture },
      "page.jpg": { bytes: Buffer.from("<html>"), headers: { "content-type": "text/html" } },
      "json.jpg": { bytes: Buffer.from("{}"), headers: { "content-type": "application/json" } },
      "empty.jpg": { bytes: Buffer.alloc(0) },
      "text.jpg": { bytes: Buffer.from("not a picture"), headers: { "content-type": "image/jpeg" } },
      "short.jpg": {
        answer: (_, response) => {
          response.writeHead(200, { "content-length": picture.length + 100 });
          response.write(picture, () => response.destroy());
        },
      },
      "stall.jpg": {
        answer: (_, response) => {
          response.writeHead(200, { "content-length": picture.length });
          response.write(picture.subarray(0, 100));
        },
      },
      "silent.jpg": { answer: () => {} },
      "infinite.jpg": {
        answer: (_, response) => {
          response.writeHead(200);
          const chunk = Buffer.alloc(65536, picture);
          const more = () => {
            while (!response.destroyed && response.write(chunk));
          };
          response.on("drain", more);
          more();
        },
      },
      "bomb.jpg": {
        answer: (_, response) => {
          response
            .writeHead(200, { "content-encoding": "gzip" })
            .end(gzipSync(Buffer.concat([picture, Buffer.alloc(20_000_000)])));
        },
      },
      "huge.jpg": {
        answer: (_, response) => {
          response.writeHead(200, { "content-length": 10_000_000_000 });
          response.write(picture);
          response.write(Buffer.alloc(100_000));
        },
      },
      "loop.jpg": { answer: status(302, { location: "/loop.jpg" }) },
      "nowhere.jpg": { answer: status(302) },
      "inside.jpg": { answer: status(302, { location: "http://127.0.0.1:1/secret" }) },
      "metadata.jpg": { answer: status(302, { location: "http://169.254.169.254/latest" }) },
      "part.jpg": { answer: status(206, { "content-range": "bytes 0-3/10" }) },
      "unchanged.jpg": { answer: status(304) },
    };
    for (const code of [400, 401, 403, 404, 405, 410, 418, 429, 500, 502, 503, 504])
      answers[`s${code}.jpg`] = { answer: status(code) };
    origin = await startOrigin(answers);
  });
  after(() => origin.close());
  // A server of its own for each: one that has seen many failures asks the origin less.
  beforeEach(() => start());
  afterEach(() => server.close());

  async function start(limits: MediatapConfig["limits"] = {}): Promise<void> {
    server = await startServer({
      ...webConfig([origin.url]),
      limits: { imageBytes: 2_000_000, ...limits },
    });
  }

  /** What only a time limit ends. */
  const TIMED: Readonly<Record<string, MediatapConfig["limits"]>> = {
    "stall.jpg": { originIdle: 150 },
    "silent.jpg": { originFirstByte: 150 },
  };

  for (const [what, path, code, expected] of [
    ...[404, 410].map((s) => [`status ${s}`, `s${s}.jpg`, 404, "ENOENT"] as const),
    ...[401, 403].map((s) => [`status ${s}`, `s${s}.jpg`, 404, "EACCES"] as const),
    ...[400, 405, 418, 429, 500, 502, 503, 504].map(
      (s) => [`status ${s}`, `s${s}.jpg`, 404, "UNIDENTIFIED"] as const,
    ),
    ["a page", "page.jpg", 404, "UNIDENTIFIED"],
    ["JSON", "json.jpg", 404, "UNIDENTIFIED"],
    ["nothing", "empty.jpg", 404, "UNIDENTIFIED"],
    ["text", "text.jpg", 404, "UNIDENTIFIED"],
    ["fewer bytes than promised", "short.jpg", 404, "UNIDENTIFIED"],
    ["a body that stalls", "stall.jpg", 404, "UNIDENTIFIED"],
    ["no answer at all", "silent.jpg", 404, "ECONNREFUSED"],
    ["a redirect to itself", "loop.jpg", 404, "UNIDENTIFIED"],
    ["a redirect to nowhere", "nowhere.jpg", 404, "UNIDENTIFIED"],
    ["a redirect to another port of this machine", "inside.jpg", 404, "EACCES"],
    ["a redirect to a metadata service", "metadata.jpg", 404, "EACCES"],
    ["a part that was not asked for", "part.jpg", 404, "UNIDENTIFIED"],
    ["a 304 that was not asked for", "unchanged.jpg", 404, "UNIDENTIFIED"],
  ] as const) {
    it(`are told for ${what}`, async () => {
      const limits = TIMED[path];
      if (limits) {
        await server.close();
        await start(limits);
      }
      const secrets = [String(origin.port), "127.0.0.1", "169.254", "secret-page"];
      assertError(await server.ask(`/${path}`), code, expected, secrets);
      const transformed = await server.ask(`/tr:w-50/${path}`);
      assertError(transformed, transformed.status, expected, secrets);
      assert(transformed.status === 404 || (transformed.status === 400 && expected === "UNIDENTIFIED"));
    });
  }

  for (const path of ["infinite.jpg", "huge.jpg", "bomb.jpg"]) {
    it(`are told for a source above the limit: ${path}`, async () => {
      assertError(await server.ask(`/tr:w-50/${path}`), 400, "ELIMIT", [String(origin.port)]);
    });
  }

  it("never send a part of a picture as if it were one", async () => {
    for (const path of ["/short.jpg", "/tr:w-50/short.jpg", "/short.jpg?tr=orig-true"]) {
      const answer = await server.ask(path).catch((error: Error) => error);
      if (!(answer instanceof Error)) assert(answer.status >= 400, path);
    }
  });

  it("break a streamed original off that the origin breaks off", async () => {
    origin.files.set("long.bin", {
      answer: (_, response) => {
        response.writeHead(200, { "content-length": 5_000_000 });
        response.write(Buffer.alloc(2_000_000), () => response.destroy());
      },
    });
    await assert.rejects(server.ask("/long.bin"));
    origin.files.set("growing.bin", {
      answer: (_, response) => {
        response.writeHead(200);
        response.write(Buffer.alloc(2_000_000), () => response.destroy());
      },
    });
    await assert.rejects(server.ask("/growing.bin"));
    assert.equal((await server.ask("/photo.jpg")).status, 200);
  });

  it("give a large body of unknown length no validator and no ranges, a small one both", async () => {
    const chunked =
      (bytes: Buffer): RequestListener =>
      (_, response) => {
        response.writeHead(200, { etag: '"x"' });
        response.write(bytes.subarray(0, 3));
        response.end(bytes.subarray(3));
      };
    origin.files.set("small.bin", { answer: chunked(Buffer.from("abcdef")) });
    const small = await server.ask("/small.bin", { headers: { range: "bytes=0-1" } });
    assert.equal(small.status, 206);
    assert.equal(small.text, "ab");
    assert.match(small.headers.etag ?? "", /^"/);
    const large = Buffer.alloc(1_500_000, "x");
    origin.files.set("stream.bin", { answer: chunked(large) });
    const answer = await server.ask("/stream.bin", { headers: { range: "bytes=0-1" } });
    assert.equal(answer.status, 200);
    assert(answer.body.equals(large));
    assert.equal(answer.headers.etag, undefined);
    assert.equal(answer.headers["accept-ranges"], undefined);
    assert.equal(answer.headers["cache-control"], "no-store");
  });

  it("are told for an origin that refuses, has no name, or speaks another language", async () => {
    const babbler = createServer((socket) => socket.end("SSH-2.0-secret-banner\r\n"));
    await new Promise<void>((resolve) => babbler.listen(0, "127.0.0.1", resolve));
    const { port } = babbler.address() as { port: number };
    const dead = await startOrigin();
    await dead.close();
    try {
      for (const [url, code] of [
        [dead.url, "ECONNREFUSED"],
        ["http://nowhere.invalid", "ECONNREFUSED"],
        [`http://127.0.0.1:${port}`, "UNIDENTIFIED"],
        [`https://127.0.0.1:${origin.port}`, "ECONNREFUSED"],
      ] as const) {
        const other = await startServer(webConfig([url]));
        try {
          const secrets = [String(dead.port), String(port), "nowhere", "secret-banner", "127.0.0.1"];
          assertError(await other.ask("/tr:w-50/photo.jpg"), 404, code, secrets);
        } finally {
          await other.close();
        }
      }
    } finally {
      babbler.close();
    }
  });
});
