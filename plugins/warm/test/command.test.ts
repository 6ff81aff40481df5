import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import { imageSharp } from "@mediatap/image-sharp";
import {
  makeFolder,
  makePng,
  memoryStorage,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { warm } from "../src/index.ts";
import { KEY } from "./calls.ts";
import { addressOf, begin } from "./programs.ts";

describe("mediatap warm", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder();
    const files = new Map([["photo.png", await makePng(40, 30, () => [200, 0, 0, 255])]]);
    server = await startServer({
      plugins: [urlImagekit(), memoryStorage(files), imageSharp(), cacheMemory(), warm()],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
      privateKey: KEY,
    });
    await folder.write(
      "mediatap.config.mjs",
      `import { warm } from ${addressOf("warm")};
      export default {
        plugins: ["@mediatap/url-imagekit", "@mediatap/storage-fs", warm()],
        origins: { files: { type: "FOLDER", path: ".", checkSeconds: 3600 } },
        endpoints: { default: { origins: ["files"] } },
        privateKey: ${JSON.stringify(KEY)},
      };`,
    );
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  async function run(args: readonly string[], input = "") {
    const flags = ["--config", `${folder.path}/mediatap.config.mjs`, "--server", server.url];
    const { ended, output } = begin(["warm", ...args, ...flags], { input });
    return { code: await ended, ...output };
  }
  const status = async (path: string) =>
    (await server.ask(path, { headers: { accept: "image/webp" } })).headers["cache-status"] ?? "";

  it("has a running server make what URLs ask for, and says how far it is", async () => {
    const { code, out, err } = await run(["/tr:w-20/photo.png", "/tr:w-21/photo.png"]);
    assert.equal(code, 0, err);
    assert.match(out, /^2 of 2 warm\n$/);
    assert.match(await status("/tr:w-20/photo.png"), /; hit/);
  });

  it("takes URLs from a file, and from the standard input", async () => {
    await folder.write("urls.txt", "# our best\n/tr:w-22/photo.png\n\n/tr:w-23/photo.png\r\n");
    assert.match((await run(["--file", `${folder.path}/urls.txt`])).out, /^2 of 2 warm\n$/);
    assert.match(
      (await run(["--file", "-", "--accept", "*/*"], "/tr:w-24/photo.png\n")).out,
      /^1 of 1 warm\n$/,
    );
    assert.match(await status("/tr:w-23/photo.png"), /; hit/);
    assert.match((await server.ask("/tr:w-24/photo.png")).headers["cache-status"] ?? "", /; hit/);
  });

  it("ends with 1 where something failed, and says what", async () => {
    const { code, out, err } = await run(["/tr:w-20/photo.png", "/missing.png"]);
    assert.equal(code, 1);
    assert.match(out, /^1 of 2 warm, 1 failed\n$/);
    assert.match(err, /^\/missing\.png: ENOENT No file was found/m);
    assert.match(err, /^mediatap: 1 of 2 URLs could not be rendered$/m);
  });

  it("prints what would be rendered, and renders nothing", async () => {
    const urls = ["/tr:w-20/photo.png", "/tr:w-26/photo.png"];
    await server.ask("/tr:w-20/photo.png", { headers: { accept: "image/avif,image/webp,*/*" } });
    const { code, out } = await run(["--dry-run", ...urls, "/tr:w-27/photo.png"]);
    assert.deepEqual([code, out], [0, "2 of 3 would be rendered, 1 cached\n"]);
    assert.match(await status("/tr:w-26/photo.png"), /fwd=miss/);
    const failed = await run(["--dry-run", "/tr:w-abc/photo.png"]);
    assert.deepEqual([failed.code, failed.out], [1, "0 of 1 would be rendered, 0 cached, 1 failed\n"]);
    assert.match(failed.err, /^\/tr:w-abc\/photo.png: EINVAL Expected .* for w but received 'abc'/m);
  });

  it("does not wait where nobody wants to", async () => {
    const { code, out } = await run(["/tr:w-25/photo.png", "--no-wait"]);
    assert.deepEqual([code, /^[0-9a-f]{32}\n$/.test(out)], [0, true]);
  });

  it("says what is wrong", async () => {
    for (const [args, message] of [
      [[], /Expected URLs, or a file of them/],
      [["--file", "/nowhere/at/all"], /it could not be read/],
      [["/photo.png", "--key", "wrong"], /answered 401: Your account cannot be authenticated/],
      [["/photo.png", "--segments", "many"], /answered 400: segments: Expected/],
    ] as const) {
      const { code, err } = await run(args);
      assert.equal(code, 1);
      assert.match(err, message);
    }
  });
});
