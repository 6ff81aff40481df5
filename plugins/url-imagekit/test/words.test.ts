import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { LAYER_KEYS, PARAMETERS } from "../src/parameters.ts";

describe("url-imagekit: the words", () => {
  it("are all in the README", async () => {
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
    const said = new Set([...readme.matchAll(/`([^`]*)`/g)].flatMap(([, code = ""]) => code.split(/\s+/)));
    const missing = [...Object.keys(PARAMETERS), ...LAYER_KEYS].filter((key) => !said.has(key));
    assert.deepEqual(missing, []);
  });
});
