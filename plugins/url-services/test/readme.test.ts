import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Parameters, parameterTable } from "@mediatap/core/language";

const ROOT = join(import.meta.dirname, "..");

/** Modules that are no service. */
const SHARED: readonly string[] = ["common", "edgeauth"];

describe("url-services: the README", () => {
  it("contains the table of parameters of each service", async () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { exports: object };
    const services = Object.keys(exports).map((path) => basename(path));
    assert.deepEqual(
      globSync("*.ts", { cwd: join(ROOT, "src") })
        .map((file) => basename(file, ".ts"))
        .filter((name) => !SHARED.includes(name))
        .sort(),
      [...services].sort(),
    );
    for (const service of services) {
      const { PARAMETERS } = (await import(`../src/${service}.ts`)) as { PARAMETERS: Parameters<unknown> };
      const table = parameterTable(PARAMETERS);
      assert.ok(readme.includes(table), `Expected in the README:\n${table}`);
    }
  });
});
