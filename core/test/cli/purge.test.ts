import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import {
  makeFolder,
  makePng,
  runInProcess,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { mediatap } from "./mediatap.ts";

const KEY = "private_cli";

describe("mediatap purge", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({ "photo.png": await makePng(40, 30, () => [200, 0, 0, 255]) });
    server = await startServer({
      plugins: [urlImagekit(), storageFs(), imageSharp(), cacheMemory()],
      origins: { files: { type: "FOLDER", path: folder.path, checkSeconds: 3600 } },
      endpoints: { default: { origins: ["files"] } },
      privateKey: KEY,
    });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  const status = async (path: string) => (await server.ask(path)).headers["cache-status"] ?? "";
  const at = () => ["--server", server.url, "--key", KEY];

  it("has a running server forget a URL, a source, a prefix and everything", async () => {
    for (const target of [["/tr:w-20/photo.png"], ["--source", "photo.png"], ["--prefix", "ph"], ["--all"]]) {
      await status("/tr:w-20/photo.png");
      const { code, out, err } = await mediatap(["purge", ...target, ...at()]);
      assert.equal(code, 0, err);
      assert.match(out, /^[0-9a-f]{32}: completed by http:\/\/127\.0\.0\.1:\d+\n$/);
      assert.match(await status("/tr:w-20/photo.png"), /miss/, target.join(" "));
    }
  });

  it("only counts what would be removed", async () => {
    await mediatap(["purge", "--all", ...at()]);
    await status("/tr:w-21/photo.png");
    await status("/tr:w-22/photo.png");
    const { code, out, err } = await mediatap(["purge", "--source", "photo.png", "--dry-run", ...at()]);
    assert.equal(code, 0, err);
    assert.match(out, /^would remove 2 renditions \(0\.0 MB\)\n$/);
    assert.match(await status("/tr:w-21/photo.png"), /; hit/);
  });

  it("asks the server of an absolute URL, and names it", async () => {
    const other = await makeFolder({
      "mediatap.config.json": JSON.stringify({
        plugins: ["@mediatap/url-imagekit", "@mediatap/storage-fs"],
        origins: { files: { type: "FOLDER", path: "." } },
        endpoints: { default: { origins: ["files"] } },
        server: { port: 1 },
        privateKey: KEY,
      }),
    });
    try {
      const run = (...args: string[]) => mediatap(["purge", ...args], { cwd: other.path });
      await status("/tr:w-20/photo.png");
      const { code, out, err } = await run(`${server.url}/tr:w-20/photo.png`);
      assert.equal(code, 0, err);
      assert.match(out, new RegExp(`: completed by ${server.url}\n$`));
      assert.match(await status("/tr:w-20/photo.png"), /miss/);
      const path = await run("/tr:w-20/photo.png");
      assert.equal(path.err, "mediatap: no server answers at http://localhost:1; --server names another\n");
      const given = await run("http://127.0.0.1:1/photo.png", "--server", server.url);
      assert.match(given.out, new RegExp(`: completed by ${server.url}\n$`));
    } finally {
      await other.close();
    }
  });

  it("prints what is wrong", async () => {
    const cases: [string[], RegExp][] = [
      [["purge", ...at()], /Expected one of a URL, --source, --prefix, --tag and --all/],
      [["purge", "/a.png", "--all", ...at()], /Expected one of/],
      [
        ["purge", "http://img.example.com/a.png", "--key", KEY],
        /the key would be sent to http:\/\/img\.example\.com without encryption; use its https URL, or --server/,
      ],
      [
        ["purge", "/a*b", ...at()],
        /^mediatap: http:\/\/127\.0\.0\.1:\d+ answered 400: The URL is not valid for cache purging/,
      ],
      [["purge", "--all", "--server", server.url, "--key", "wrong"], /answered 401: Your account cannot be/],
      [
        ["purge", "--all", "--server", "http://127.0.0.1:1", "--key", KEY],
        /no server answers at http:\/\/127/,
      ],
    ];
    for (const [args, expected] of cases) {
      const { code, all } = await runInProcess(args);
      assert.equal(code, 1, args.join(" "));
      assert.match(all, expected);
      assert(!all.includes(KEY));
    }
  });
});
