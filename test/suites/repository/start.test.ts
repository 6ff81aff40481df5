import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { makeFolder, type TestFolder } from "@mediatap/test";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** Loads the package that people install, and prints the packages whose modules that took. */
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
await import("mediatap");
console.log(JSON.stringify([...packages]));
`;

/** Clients, SDKs and analysers: each is needed by a single plugin, and only if it is used. */
const HEAVY =
  /redis|aws|azure|google|prom-client|opentelemetry|jsdom|dompurify|css-tree|pdf|onnx|tensorflow|libheif|ffmpeg-static/;

describe("the start", () => {
  it("loads no heavy package that nothing has asked for", async () => {
    const args = ["--conditions=mediatap:source", "--input-type=module", "--eval", LOAD];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: `${ROOT}/presets/mediatap` });
    const packages = JSON.parse(stdout) as string[];
    assert.ok(packages.includes("zod"), "packages are seen");
    assert.deepEqual(
      packages.filter((name) => HEAVY.test(name)),
      [],
    );
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
