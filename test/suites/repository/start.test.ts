import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readdir, rm, utimes } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeFolder, type TestFolder } from "@mediatap/test";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** Serves a picture with the package that people install; prints the packages, and Node's own modules, that were loaded for it. */
const LOAD = `
import { registerHooks } from "node:module";
const packages = new Set();
registerHooks({
  load(url, context, next) {
    const [, name] = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url) ?? [];
    if (name) packages.add(name);
    return next(url, context);
  },
});
const { presetMediatap } = await import("mediatap");
const { createServer, loadConfig } = await import("@mediatap/core/server");
const config = {
  presets: [presetMediatap()],
  origins: { samples: { type: "FOLDER", path: "examples/start/media" } },
  endpoints: { default: { origins: ["samples"] } },
};
const server = await createServer({ config: await loadConfig(config, { source: "test", base: process.env.ROOT }) });
const { port } = await server.listen(0, "127.0.0.1");
const { get } = process.getBuiltinModule("node:http");
const status = await new Promise((resolve) => {
  get({ port, path: "/tr:w-40/logo.png", agent: false }, (reply) => {
    reply.resume().once("end", () => resolve(reply.statusCode));
  });
});
await server.close();
console.log(JSON.stringify({ status, packages: [...packages], builtin: process.moduleLoadList }));
`;

/** Clients, SDKs, analysers and the router: each is needed by a single plugin or kind of request. */
const HEAVY =
  /redis|aws|azure|google|prom-client|opentelemetry|jsdom|dompurify|css-tree|pdf|onnx|tensorflow|libheif|undici|koa/;

/** Modules of Node that cost as much as a small server. */
const HEAVY_BUILTIN = /^NativeModule (?:tls|http2|internal\/deps\/undici\/undici)$/;

interface Loaded {
  readonly status: number;
  readonly packages: readonly string[];
  readonly builtin: readonly string[];
}

describe("the start", () => {
  it("loads no heavy package that nothing has asked for", async () => {
    const args = ["--conditions=mediatap:source", "--input-type=module", "--eval", LOAD];
    const options = { cwd: `${ROOT}/presets/mediatap`, env: { ...process.env, ROOT } };
    const { stdout } = await promisify(execFile)(process.execPath, args, options);
    const { status, packages, builtin } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Loaded;
    assert.equal(status, 200);
    assert.ok(packages.includes("zod") && builtin.includes("NativeModule http"), "both are seen");
    const heavy = [
      ...packages.filter((name) => HEAVY.test(name)),
      ...builtin.filter((name) => HEAVY_BUILTIN.test(name)),
    ];
    assert.deepEqual(heavy, []);
  });

  describe("in the repository", () => {
    const OLD = new Date("2026-01-01");
    const BUILT = new Date("2026-01-02");
    const NEW = new Date("2026-01-03");
    let folder: TestFolder;

    /** The sources and their build, each of which prints what it is; one file or folder is from another time. */
    async function repository(late?: string): Promise<void> {
      const files = {
        "core/package.json": "{}",
        "core/src/model/job.ts": "",
        "plugins/timing/package.json": "{}",
        "plugins/timing/src/index.ts": "",
        "presets/mediatap/package.json": JSON.stringify({ type: "module" }),
        "presets/mediatap/src/main.ts": "console.log('sources');",
        "presets/mediatap/dist/bundle/main.js": "console.log('build');",
      };
      for (const [name, text] of Object.entries(files)) await folder.write(name, text);
      const paths = await readdir(folder.path, { recursive: true });
      for (const path of paths) await utimes(join(folder.path, path), OLD, OLD);
      await folder.write(".cache/built", "");
      await utimes(join(folder.path, ".cache/built"), BUILT, BUILT);
      if (late !== undefined) await utimes(join(folder.path, late), NEW, NEW);
    }

    async function started(): Promise<string> {
      const { stdout } = await promisify(execFile)(process.execPath, [
        join(folder.path, "presets/mediatap/bin/mediatap.js"),
      ]);
      return stdout.trim();
    }

    before(async () => {
      folder = await makeFolder({});
      await mkdir(join(folder.path, "presets/mediatap/bin"), { recursive: true });
      const bin = "presets/mediatap/bin/mediatap.js";
      await cp(join(ROOT, bin), join(folder.path, bin));
    });
    after(() => folder?.close());

    it("runs the build if nothing is newer", async () => {
      await repository();
      assert.equal(await started(), "build");
    });

    for (const late of ["core/src/model/job.ts", "plugins/timing/src", "plugins/timing/package.json"]) {
      it(`runs the sources if ${late} is newer`, async () => {
        await repository(late);
        assert.equal(await started(), "sources");
      });
    }

    it("runs the sources if there is no build", async () => {
      await repository();
      await rm(join(folder.path, ".cache/built"));
      assert.equal(await started(), "sources");
    });
  });

  describe("keeps compiled code", () => {
    let folder: TestFolder;
    before(async () => {
      folder = await makeFolder({});
    });
    after(() => folder?.close());

    const run = async (name: string, more: Record<string, string> = {}) => {
      const { NODE_COMPILE_CACHE: _, NODE_DISABLE_COMPILE_CACHE: __, ...inherited } = process.env;
      const cache = join(folder.path, name);
      const env = { ...inherited, XDG_CACHE_HOME: cache, ...more };
      await promisify(execFile)(process.execPath, [`${ROOT}/presets/mediatap/bin/mediatap.js`, "--version"], {
        env,
      });
      return existsSync(join(cache, "mediatap/compiled"));
    };

    it("in the user's cache folder, which it makes", async () => {
      assert.equal(await run("new"), true);
    });

    it("nowhere if others can write there, or if it is turned off", async () => {
      await mkdir(join(folder.path, "open/mediatap"), { recursive: true });
      await chmod(join(folder.path, "open/mediatap"), 0o777);
      assert.equal(await run("open"), false);
      await mkdir(join(folder.path, "shared"));
      await chmod(join(folder.path, "shared"), 0o777);
      assert.equal(await run("shared"), false);
      assert.equal(await run("off", { NODE_DISABLE_COMPILE_CACHE: "1" }), false);
    });
  });
});
