import assert from "node:assert/strict";
import { type OriginFile, startOrigin, startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { assertError } from "../support/errors.ts";
import { photo, seen } from "../support/photos.ts";
import { webConfig } from "../support/plugins.ts";

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
