import assert from "node:assert/strict";
import { chmod } from "node:fs/promises";
import type { Plugin } from "@mediatap/core";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { assertError } from "../support/errors.ts";
import { photo } from "../support/photos.ts";
import { folderConfig, usual } from "../support/plugins.ts";
import { signed } from "../support/signed.ts";

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
