import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import type { MediatapConfig } from "@mediatap/core";
import { makeFolder, startOrigin, startServer } from "@mediatap/test";
import { cacheSource } from "../src/index.ts";
import { makeCopies, plain, startWith } from "./server.ts";

describe("cacheSource", () => {
  for (const [options, message] of [
    [undefined, "cache-source: Expected object but it is missing"],
    [{}, "cache-source.storage: Expected string but it is missing"],
    [
      { storage: "copies", revalidat: 5 },
      'cache-source.revalidat: unknown field, did you mean "revalidate"?',
    ],
    [{ storage: "copies", budget: 0 }, "cache-source.budget: Expected number of more than 0 but received 0"],
    [
      { storage: "copies", staleIfError: -1 },
      "cache-source.staleIfError: Expected number of at least 0 but received -1",
    ],
  ] as const) {
    it(`refuses what it does not understand: ${message}`, () => {
      assert.throws(() => cacheSource(options as never), { code: "ECONFIG", message });
    });
  }

  for (const [options, config, message] of [
    [
      { storage: "copise" },
      {},
      "test: cache-source.storage: unknown origin 'copise', did you mean \"copies\"?",
    ],
    [{ storage: "site" }, {}, "test: cache-source.storage: the origin 'site' cannot be written to"],
    [
      { origins: ["sites"] },
      {},
      "test: cache-source.origins: unknown origin 'sites', did you mean \"site\"?",
    ],
    [
      {},
      { endpoints: { default: { origins: ["site"] }, open: { origins: ["site", "copies"] } } },
      "test: cache-source.storage: the endpoint open asks the origin 'copies'; saved copies need a separate origin",
    ],
    [
      {},
      { endpoints: { default: { origins: ["site"], library: "copies" } } },
      "test: cache-source.storage: the endpoint default asks the origin 'copies'; saved copies need a separate origin",
    ],
  ] as const) {
    it(`refuses what does not fit the configuration: ${message}`, async () => {
      const folder = { path: "/nowhere" };
      const site = { url: "http://127.0.0.1:1" };
      await assert.rejects(
        async () => (await startWith(site, folder, { options, config } as never)).close(),
        { code: "ECONFIG", message },
      );
    });
  }

  it("is a plugin that a configuration names", async () => {
    const origin = await startOrigin({ "a.png": plain(200) });
    const copies = await makeCopies();
    const server = await startServer({
      plugins: [
        "url-imagekit",
        "storage-fs",
        "storage-web",
        "image-sharp",
        ["cache-source", { storage: "copies" }],
      ],
      origins: {
        site: { type: "WEB_FOLDER", baseUrl: origin.url },
        copies: { type: "FOLDER", path: copies.path },
      },
      endpoints: { default: { origins: ["site"] } },
    });
    try {
      assert.equal((await server.ask("/tr:w-10/a.png")).status, 200);
      await copies.saved(1);
    } finally {
      await server.close();
      await origin.close();
      await copies.close();
    }
  });

  describe("and the commands of mediatap", () => {
    const bin = join(import.meta.dirname, "../../../presets/mediatap/bin/mediatap.js");
    const run = (cwd: string, ...args: string[]) =>
      new Promise<string>((resolve) => {
        execFile(process.execPath, [bin, ...args], { cwd }, (_, out) => resolve(out));
      });
    const config = (baseUrl: string): MediatapConfig => ({
      presets: ["mediatap"],
      plugins: [["cache-source", { storage: "copies" }]],
      origins: { site: { type: "WEB_FOLDER", baseUrl }, copies: { type: "FOLDER", path: "copies" } },
      endpoints: { default: { origins: ["site"] } },
    });

    it("show a copy in explain", async () => {
      const origin = await startOrigin({ "a.png": plain(200) });
      const folder = await makeFolder({ "mediatap.config.json": JSON.stringify(config(origin.url)) });
      const server = await startServer(config(origin.url), { base: folder.path });
      try {
        assert.match(await run(folder.path, "explain", "/tr:w-10/a.png"), /^source +from site, \d+ bytes/m);
        await server.ask("/tr:w-10/a.png");
        await server.close();
        const asked = origin.requests.length;
        assert.match(
          await run(folder.path, "explain", "/tr:w-20/a.png"),
          /^source +from site, copy in cache-source, \d+ bytes/m,
        );
        const json = JSON.parse(await run(folder.path, "explain", "/tr:w-20/a.png", "--json"));
        assert.deepEqual(json.source.copy, { by: "cache-source" });
        assert.equal(origin.requests.length, asked);
      } finally {
        await server.close();
        await origin.close();
        await folder.close();
      }
    });

    for (const [what, files, finding] of [
      [
        "can",
        {},
        /^ok +saved copies in copies +files can be written, read and removed\n(.*\n)*ok +origin copies /m,
      ],
      [
        "cannot",
        { copies: "a file" },
        /^BAD +saved copies in copies +The file could not be written \(EEXIST\)\n +→ allow the user/m,
      ],
    ] as const) {
      it(`say in doctor that copies ${what} be kept`, async () => {
        const text = JSON.stringify(config("http://127.0.0.1:1"));
        const folder = await makeFolder({ "mediatap.config.json": text, ...files });
        try {
          assert.match(await run(folder.path, "doctor"), finding);
        } finally {
          await folder.close();
        }
      });
    }
  });
});
