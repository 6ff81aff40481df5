import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

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
});
