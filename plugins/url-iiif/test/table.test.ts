import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parameterTable } from "@mediatap/core/language";
import { PARAMETERS } from "../src/index.ts";

describe("url-iiif: the README", () => {
  it("contains the table of parameters", () => {
    const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8");
    const table = parameterTable(PARAMETERS);
    assert(readme.includes(table), `Expected in the README:\n${table}`);
  });
});
