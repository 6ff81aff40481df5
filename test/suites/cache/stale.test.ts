import assert from "node:assert/strict";
import {
  makeFolder,
  passTime,
  resetTime,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { photo, seen } from "../support/photos.ts";
import { folderConfig, type TestCache, testCache, webConfig } from "../support/plugins.ts";

describe("a folder that changes", () => {
  let folder: TestFolder;
  let server: TestServer;
  beforeEach(async () => {
    folder = await makeFolder({
      "photo.jpg": await photo(120, 80),
      "a.txt": "one",
      "big.bin": Buffer.alloc(2e6, "a"),
    });
    // Look again each time: what is tried here is what happens then, not the second in between.
    server = await startServer({
      ...folderConfig(folder.path),
      origins: { files: { type: "FOLDER", path: folder.path, checkSeconds: 0 } },
    });
  });
  afterEach(async () => {
    await server.close();
    await folder.close();
  });

  it("shows a new picture under an old name", async () => {
    const before = await server.ask("/tr:f-png/photo.jpg");
    await folder.write("photo.jpg", await photo(90, 90));
    const after = await server.ask("/tr:f-png/photo.jpg");
    assert.notEqual(after.headers.etag, before.headers.etag);
    assert.equal((await seen(after.body)).width, 90);
  });

  it("shows a new text under an old name, whatever its length", async () => {
    for (const text of ["one", "two", "three and more", "", "four"]) {
      await folder.write("a.txt", text);
      await folder.touch("a.txt", text.length);
      const answer = await server.ask("/a.txt");
      assert.equal(answer.status, 200);
      assert.equal(answer.text, text);
    }
  });

  it("shows a new large file under an old name", async () => {
    for (const letter of ["b", "c"]) {
      await server.ask("/big.bin");
      await folder.write("big.bin", Buffer.alloc(1_500_000, letter));
      const part = await server.ask("/big.bin", { headers: { range: "bytes=1000-1003" } });
      assert.equal(part.text, letter.repeat(4));
      assert.equal((await server.ask("/big.bin")).body.length, 1_500_000);
    }
  });

  it("finds a file that was not there before, and misses one that is gone", async () => {
    assert.equal((await server.ask("/new.jpg")).status, 404);
    await folder.write("new.jpg", await photo(20, 20));
    assert.equal((await server.ask("/new.jpg")).status, 200);
    await folder.remove("new.jpg");
    assert.equal((await server.ask("/new.jpg")).status, 404);
    await folder.write("new.jpg", await photo(20, 20));
    assert.equal((await server.ask("/new.jpg")).status, 200);
  });

  it("asks no client to wait longer than a second for what is new", async () => {
    const usual = await startServer(folderConfig(folder.path));
    try {
      assert.equal((await usual.ask("/later.jpg")).status, 404);
      const before = await usual.ask("/a.txt");
      await folder.write("later.jpg", await photo(20, 20));
      await folder.write("a.txt", "another text");
      passTime(1_100);
      assert.equal((await usual.ask("/later.jpg")).status, 200);
      const after = await usual.ask("/a.txt");
      assert.equal(after.text, "another text");
      assert.notEqual(after.headers.etag, before.headers.etag);
    } finally {
      resetTime();
      await usual.close();
    }
  });

  it("is answered within that second by the old file or the new one, never by an error", async () => {
    const usual = await startServer(folderConfig(folder.path));
    try {
      for (const name of ["/a.txt", "/big.bin"]) {
        const { headers } = await usual.ask(name);
        await folder.write(name.slice(1), name === "/a.txt" ? "changed" : Buffer.alloc(1_200_000, "z"));
        for (const asked of [
          {},
          { range: "bytes=0-2" },
          { "if-range": headers.etag ?? "", range: "bytes=0-2" },
        ]) {
          const answer = await usual.ask(name, { headers: asked });
          assert([200, 206].includes(answer.status), `${answer.status} ${answer.headers["ik-error"]}`);
          assert.equal(Number(answer.headers["content-length"]), answer.body.length);
        }
      }
    } finally {
      await usual.close();
    }
  });
});

describe("stale copies", () => {
  let origin: WebOrigin;
  let server: TestServer;
  let cache: TestCache;
  let picture: Buffer;
  beforeEach(async () => {
    picture = await photo(120, 80);
    origin = await startOrigin({ "photo.jpg": picture });
    cache = testCache();
    server = await startServer({ ...webConfig([origin.url], cache), staleWhileRevalidate: 0 });
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
  });

  const failures: Record<string, () => void | Promise<void>> = {
    "answers 500": () => fail(500),
    "answers 503": () => fail(503),
    "sends a page": () => {
      origin.files.set("photo.jpg", {
        bytes: Buffer.from("<html>"),
        headers: { "content-type": "text/html" },
      });
    },
    "breaks off": () => {
      origin.files.set("photo.jpg", {
        answer: (_, response) => {
          response.writeHead(200, { "content-length": 5000 });
          response.write("abc", () => response.destroy());
        },
      });
    },
    "is gone": () => origin.close(),
  };
  function fail(status: number) {
    origin.files.set("photo.jpg", { answer: (_, response) => response.writeHead(status).end("secret") });
  }

  for (const [what, act] of Object.entries(failures)) {
    it(`are served when the origin ${what}, and say so`, async () => {
      const whole = await server.ask("/tr:w-50/photo.jpg");
      cache.expire();
      await act();
      for (let i = 0; i < 2; i++) {
        const answer = await server.ask("/tr:w-50/photo.jpg");
        assert.equal(answer.status, 200, answer.headers["ik-error"]);
        assert(answer.body.equals(whole.body));
        assert.equal(answer.headers["x-mediatap-provenance"], "stale");
        const age = Number(/max-age=(\d+)/.exec(answer.headers["cache-control"] ?? "")?.[1] ?? 0);
        assert(age <= 60, answer.headers["cache-control"]);
      }
    });
  }

  it("give way to the real one as soon as the origin is back", async () => {
    await server.ask("/tr:w-50/photo.jpg");
    cache.expire();
    fail(500);
    assert.equal((await server.ask("/tr:w-50/photo.jpg")).headers["x-mediatap-provenance"], "stale");
    origin.files.set("photo.jpg", { bytes: picture });
    const back = await server.ask("/tr:w-50/photo.jpg");
    assert.equal(back.headers["x-mediatap-provenance"], undefined);
    assert.match(back.headers["cache-control"] ?? "", /15552000/);
  });

  it("are not served for a file that is gone or denied", async () => {
    for (const status of [404, 410, 403]) {
      fail(200);
      origin.files.set("photo.jpg", { bytes: picture });
      const path = `/tr:w-${status}/photo.jpg`;
      assert.equal((await server.ask(path)).status, 200);
      cache.expire();
      fail(status);
      assert.equal((await server.ask(path)).status, 404, String(status));
    }
  });

  it("are confirmed once for many who ask at that moment", async () => {
    await server.ask("/tr:w-50/photo.jpg");
    cache.expire();
    const before = origin.requests.length;
    const release = Promise.withResolvers<void>();
    origin.files.set("photo.jpg", {
      answer: async (_, response) => {
        await release.promise;
        response.writeHead(304).end();
      },
    });
    const asked = origin.asked("photo.jpg");
    const answers = Array.from({ length: 20 }, () => server.ask("/tr:w-50/photo.jpg"));
    await asked;
    await server.ask("/-/live");
    release.resolve();
    for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
    await until(() => origin.requests.length > before, "the origin was asked");
    assert.equal(origin.requests.length, before + 1);
  });
});
