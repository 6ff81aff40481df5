import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { createServer } from "node:net";
import { gzipSync } from "node:zlib";
import type { Plugin } from "@mediatap/core";
import {
  type Answer,
  makeFolder,
  type OriginFile,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { photo, seen } from "./support/photos.ts";
import { folderConfig, usual, webConfig } from "./support/plugins.ts";
import { signed } from "./support/signed.ts";

/** Status and code, and that the answer is short and tells no secret. */
function assertError(answer: Answer, status: number, code: string, secrets: readonly string[] = []) {
  const said = `${answer.status} ${answer.headers["ik-error"]} ${answer.text.slice(0, 200)}`;
  assert.equal(answer.status, status, said);
  assert.match(answer.headers["ik-error"] ?? "", new RegExp(`^${code} - .{3,200}$`), said);
  assert(answer.body.length <= 1024);
  assert.match(answer.headers["content-type"] ?? "", /^text\/plain/);
  assert.equal(answer.headers["x-content-type-options"], "nosniff");
  assert.equal(answer.headers.etag, undefined);
  const all = `${JSON.stringify(answer.headers)}\n${answer.text}`;
  for (const secret of [...secrets, "node_modules", "node:internal", "    at "])
    assert(!all.includes(secret), `leaks ${secret}: ${all}`);
}

describe("errors of files in a folder", () => {
  let folder: TestFolder;
  let server: TestServer;
  const asks = (path: string, status: number, code: string) => async () => {
    assertError(await server.ask(path), status, code, [folder.path, "/tmp"]);
    // Told once more, from memory.
    assertError(await server.ask(path), status, code, [folder.path, "/tmp"]);
  };
  before(async () => {
    const good = await photo(120, 80);
    folder = await makeFolder({
      "photo.jpg": good,
      "cut.jpg": good.subarray(0, good.length / 2),
      "text.jpg": "this is no picture",
      "empty.jpg": "",
      "half.png": (await photo(200, 200, "png")).subarray(0, 400),
      "header.jpg": good.subarray(0, 20),
      "page.jpg": "<html><script>alert(1)</script></html>",
      "secret.jpg": good,
      "folder/x.jpg": good,
      "notes.txt": "notes",
    });
    await chmod(`${folder.path}/secret.jpg`, 0);
    server = await startServer(folderConfig(folder.path));
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  for (const [what, path, status, code] of [
    ["a file that is missing", "/missing.jpg", 404, "ENOENT"],
    ["a transformation of a file that is missing", "/tr:w-50/missing.jpg", 404, "ENOENT"],
    ["a folder", "/folder", 404, "ENOENT"],
    ["a name below a file", "/photo.jpg/x.jpg", 404, "ENOENT"],
    ["no path", "/", 404, "ENOENT"],
    ["a name of 300 letters", `/${"x".repeat(300)}.jpg`, 404, "ENOENT"],
    ["a dot file", "/.env", 404, "ENOENT"],
    ["a path that climbs", "/../../etc/passwd", 400, "EINVAL"],
    ["a path that climbs encoded", "/%2e%2e/%2e%2e/etc/passwd", 400, "EINVAL"],
    ["an encoded slash", "/..%2f..%2fetc%2fpasswd", 400, "EINVAL"],
    ["an encoded backslash", "/..%5c..%5cetc", 400, "EINVAL"],
    ["NUL in a path", "/photo.jpg%00.png", 400, "EINVAL"],
    ["a line break in a path", "/a%0d%0aX-Evil:1.jpg", 400, "EINVAL"],
    ["bytes that are not UTF-8", "/%ff%fe.jpg", 400, "EINVAL"],
    ["a percent sign alone", "/100%.jpg", 400, "EINVAL"],
    ["an empty segment", "/folder//x.jpg", 400, "EINVAL"],
    ["a picture that is text", "/text.jpg", 404, "UNIDENTIFIED"],
    ["a transformation of a picture that is text", "/tr:w-50/text.jpg", 400, "UNIDENTIFIED"],
    ["a page named as a picture", "/page.jpg", 404, "UNIDENTIFIED"],
    ["an empty picture", "/tr:w-50/empty.jpg", 400, "UNIDENTIFIED"],
    ["a parameter that is no number", "/tr:w-abc/photo.jpg", 400, "EINVAL"],
    ["an unknown parameter", "/tr:zzz-1/photo.jpg", 400, "EINVAL"],
    ["an unknown named transformation", "/tr:n-nothing/photo.jpg", 400, "EINVAL"],
    ["a picture above the limit of a side", "/tr:w-60000,h-60000/photo.jpg", 400, "E(LIMIT|INVAL)"],
    ["more steps than allowed", `/tr:${"w-5:".repeat(200)}w-5/photo.jpg`, 400, "E(LIMIT|INVAL)"],
  ] as const) {
    it(`are told for ${what}`, asks(path, status, code));
  }

  for (const path of ["/tr:w-50/half.png", "/tr:w-50/header.jpg", "/header.jpg"]) {
    it(`are told for a picture that is cut: ${path}`, async () => {
      const answer = await server.ask(path);
      assert(
        answer.status === 400 || answer.status === 404,
        `${answer.status} ${answer.headers["ik-error"]}`,
      );
      assertError(answer, answer.status, "(UNIDENTIFIED|EINVAL)", [folder.path]);
    });
  }

  it("are told for a file that may not be read", async () => {
    await chmod(folder.path, 0o755);
    // Root may read everything: the process is somebody else for as long as it asks.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid?.("nobody");
    try {
      assertError(await server.ask("/secret.jpg"), 404, "EACCES", [folder.path]);
      assert.equal((await server.ask("/photo.jpg?again")).status, 200);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });

  it("are never kept from the next request", async () => {
    assert.equal((await server.ask("/photo.jpg")).status, 200);
    assert.equal((await server.ask("/notes.txt")).text, "notes");
  });
});

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
  beforeEach(async () => {
    server = await startServer({
      ...webConfig([origin.url]),
      limits: { originFirstByte: 150, originIdle: 150, originTotal: 1_000, imageBytes: 2_000_000 },
    });
  });
  afterEach(() => server.close());

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

describe("several origins", () => {
  let origins: WebOrigin[];
  let picture: Buffer;
  before(async () => {
    picture = await photo(120, 80);
  });
  afterEach(async () => {
    for (const origin of origins) await origin.close();
  });

  const gone: OriginFile = { answer: (_, response) => response.writeHead(404).end() };
  const denied: OriginFile = { answer: (_, response) => response.writeHead(403).end() };
  const broken: OriginFile = { answer: (_, response) => response.writeHead(500).end() };
  const cut: OriginFile = {
    answer: (_, response) => {
      response.writeHead(200, { "content-length": 1000 });
      response.write("abc", () => response.destroy());
    },
  };

  async function ask(...files: (OriginFile | undefined)[]) {
    origins = await Promise.all(files.map((file) => startOrigin(file ? { "photo.jpg": file } : {})));
    const server = await startServer(webConfig(origins.map(({ url }) => url)));
    try {
      return await server.ask("/tr:w-50/photo.jpg");
    } finally {
      await server.close();
    }
  }

  it("are asked in their order, until one has the file", async () => {
    const small = { bytes: await photo(60, 80) };
    const answer = await ask({ bytes: picture }, small);
    assert.equal((await seen(answer.body)).height, 33);
    assert.equal(origins[1]?.requests.length, 0);
  });

  for (const [what, file] of [
    ["does not have it", gone],
    ["denies it", denied],
    ["fails", broken],
  ] as const) {
    it(`lead to the next when the first ${what}`, async () => {
      const answer = await ask(file, { bytes: picture });
      assert.equal(answer.status, 200);
      assert.equal((await seen(answer.body)).width, 50);
    });
  }

  it("lead to the next when the first is not there at all", async () => {
    origins = [await startOrigin(), await startOrigin({ "photo.jpg": picture })];
    await origins[0]?.close();
    const server = await startServer(webConfig(origins.map(({ url }) => url)));
    try {
      assert.equal((await server.ask("/tr:w-50/photo.jpg")).status, 200);
    } finally {
      await server.close();
    }
  });

  for (const [files, code] of [
    [[gone, gone], "ENOENT"],
    [[broken, gone], "UNIDENTIFIED"],
    [[gone, broken], "UNIDENTIFIED"],
    [[broken, denied, gone], "EACCES"],
    [[denied, broken], "EACCES"],
    [[cut, gone], "UNIDENTIFIED"],
  ] as const) {
    it(`tell the failure that says most: ${code} of ${files.length}`, async () => {
      assertError(await ask(...files), 404, code);
    });
  }
});

describe("default images", () => {
  let origin: WebOrigin;
  let server: TestServer;
  before(async () => {
    origin = await startOrigin({
      "default.png": await photo(100, 100, "png"),
      "denied.jpg": { answer: (_, response) => response.writeHead(403).end() },
      "broken.jpg": { answer: (_, response) => response.writeHead(500).end() },
      "photo.jpg": await photo(120, 80),
    });
    server = await startServer(webConfig([origin.url]));
  });
  after(async () => {
    await server.close();
    await origin.close();
  });

  for (const path of ["missing.jpg", "denied.jpg", "broken.jpg"]) {
    it(`stand in for ${path}, transformed, kept for a short time and never compared`, async () => {
      for (let i = 0; i < 2; i++) {
        const answer = await server.ask(`/tr:w-30,di-default.png/${path}`);
        assert.equal(answer.status, 200);
        assert.equal((await seen(answer.body)).width, 30);
        assert.equal(answer.headers["x-mediatap-provenance"], "fallback");
        assert.equal(answer.headers.etag, undefined);
        assert.equal(answer.headers["last-modified"], undefined);
        const age = Number(/max-age=(\d+)/.exec(answer.headers["cache-control"] ?? "")?.[1]);
        assert(age <= 60, answer.headers["cache-control"]);
      }
      const held = await server.ask(`/tr:w-30,di-default.png/${path}`, { headers: { "if-none-match": "*" } });
      assert.equal(held.status, 200);
      const since = { "if-modified-since": new Date(Date.now() + 1e8).toUTCString() };
      assert.equal((await server.ask(`/tr:w-30,di-default.png/${path}`, { headers: since })).status, 200);
    });
  }

  it("are real under their own name", async () => {
    const answer = await server.ask("/tr:w-30/default.png");
    assert.equal(answer.headers["x-mediatap-provenance"], undefined);
    assert.match(answer.headers.etag ?? "", /^"/);
  });

  it("stand in for nothing that is there", async () => {
    const answer = await server.ask("/tr:w-30,di-default.png/photo.jpg");
    assert.equal((await seen(answer.body)).height, 20);
    assert.equal(answer.headers["x-mediatap-provenance"], undefined);
  });

  it("that are missing themselves leave the first error standing", async () => {
    assertError(await server.ask("/tr:w-30,di-nothing.png/missing.jpg"), 404, "ENOENT");
    assertError(await server.ask("/tr:w-30,di-nothing.png/denied.jpg"), 404, "EACCES");
  });

  it("stand in for no invalid transformation", async () => {
    assertError(await server.ask("/tr:w-abc,di-default.png/missing.jpg"), 400, "EINVAL");
    assertError(await server.ask("/tr:w-30,di-..@@..@@etc@@passwd/missing.jpg"), 400, "EINVAL");
  });
});

describe("several things wrong at once", () => {
  let folder: TestFolder;
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(60, 40) });
  });
  after(() => folder.close());

  const KEY = "private_test_key";
  const config = (more: object, ...plugins: Plugin[]) => ({
    plugins: usual(...plugins),
    origins: { files: { type: "FOLDER", path: folder.path } },
    endpoints: { default: { origins: ["files"] } },
    privateKey: KEY,
    restrictUnsigned: "all" as const,
    ...more,
  });

  async function withServer(more: object, work: (server: TestServer) => Promise<void>) {
    const server = await startServer(config(more));
    try {
      await work(server);
    } finally {
      await server.close();
    }
  }

  it("are told in the order of access, signature, grammar", async () => {
    await withServer({ blockedIps: ["127.0.0.1"] }, async (server) => {
      assertError(await server.ask("/tr:w-abc/photo.jpg?ik-s=wrong"), 403, "EFORBIDDEN", [KEY]);
      assertError(await server.ask("/tr:w-abc/missing.jpg"), 403, "EFORBIDDEN", [KEY]);
    });
    await withServer({}, async (server) => {
      assertError(await server.ask("/tr:w-abc/photo.jpg?ik-s=wrong"), 401, "ESIGNATURE", [KEY]);
      assertError(await server.ask("/tr:w-abc/photo.jpg"), 401, "ESIGNATURE", [KEY]);
      assertError(await server.ask("/missing.jpg"), 401, "ESIGNATURE", [KEY]);
      const expired = signed("/tr:w-abc/photo.jpg", KEY, Math.floor(Date.now() / 1000) - 3600);
      assertError(await server.ask(expired), 401, "EEXPIRED", [KEY]);
      assertError(await server.ask(signed("/tr:w-abc/photo.jpg", KEY)), 400, "EINVAL", [KEY]);
      assertError(await server.ask(signed("/tr:w-50/missing.jpg", KEY)), 404, "ENOENT", [KEY]);
      assert.equal((await server.ask(signed("/tr:w-50/photo.jpg", KEY))).status, 200);
    });
  });
});
