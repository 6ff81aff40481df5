import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { examples, ORIGIN_TYPES, REFERENCE, reference } from "./reference.ts";

const ROOT = join(import.meta.dirname, "../..");

describe("CONFIGURATION.md", () => {
  it("is what `npm run docs:config` generates from the schema", () => {
    assert.equal(readFileSync(REFERENCE, "utf8"), reference());
  });

  it("shows examples that the schema accepts", () => {
    const fields = examples().filter(({ example }) => !example.includes("process.env"));
    assert.ok(fields.length > 30);
    for (const { path, schema, example } of fields) {
      const value: unknown = new Function(`return (${example});`)();
      assert.ok(schema.safeParse(value).success, `${path}: ${example}`);
    }
  });

  it("lists every storage plugin, with origin types that occur in its source", () => {
    const plugins = globSync("plugins/storage-*", { cwd: ROOT }).map((path) => path.split("/")[1] ?? "");
    assert.deepEqual(Object.keys(ORIGIN_TYPES).sort(), plugins.sort());
    for (const [plugin, types] of Object.entries(ORIGIN_TYPES)) {
      const source = globSync(`plugins/${plugin}/src/*.ts`, { cwd: ROOT })
        .map((file) => readFileSync(join(ROOT, file), "utf8"))
        .join();
      for (const type of types) assert.ok(source.includes(`"${type}"`), `${plugin}: ${type}`);
    }
  });
});
