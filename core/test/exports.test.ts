import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as core from "@mediatap/core";

const ROOT = join(import.meta.dirname, "../..");

/** Sources of all who use the core from outside, the contract suites and the documentation for plugin authors among them. */
function users(): string {
  const files = [
    "{plugins,presets}/*/src/**/*.ts",
    "examples/**/*.ts",
    "test/**/*.ts",
    "core/PLUGINS.md",
    "core/README.md",
  ]
    .flatMap((pattern) => globSync(pattern, { cwd: ROOT, exclude: ["**/node_modules/**", "**/dist/**"] }))
    .concat(globSync("plugins/*/test/**/*.ts", { cwd: ROOT }));
  return files
    .map((file) => join(ROOT, file))
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, "utf8"))
    .join("\n");
}

describe("the exports of the core", () => {
  it("are all used: a plugin, a contract suite or the documentation for authors needs each", () => {
    const text = users();
    const unused = Object.keys(core).filter((name) => !new RegExp(`\\b${name}\\b`).test(text));
    assert.deepEqual(unused, []);
  });
});
