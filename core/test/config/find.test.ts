import assert from "node:assert/strict";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { findConfig } from "../../src/config/find.ts";
import { type Files, folderWith, messageOf } from "./folder.ts";

const CONFIG = { endpoints: { default: { origins: ["a"] } } };
const YAML = "endpoints:\n  default:\n    origins: [a]\n";

describe("findConfig", () => {
  const folders: (() => Promise<void>)[] = [];
  const folder = async (files: Files) => {
    const made = await folderWith(files);
    folders.push(made.remove);
    return made.path;
  };
  after(() => Promise.all(folders.map((remove) => remove())));

  const MODULE = `export default ${JSON.stringify(CONFIG)};`;
  for (const [name, content] of [
    [
      "mediatap.config.ts",
      `interface Shape { endpoints: object }\nexport default ${JSON.stringify(CONFIG)} satisfies Shape;`,
    ],
    ["mediatap.config.mts", MODULE],
    ["mediatap.config.js", MODULE],
    ["mediatap.config.mjs", MODULE],
    ["mediatap.config.cjs", `module.exports = ${JSON.stringify(CONFIG)};`],
    ["mediatap.config.json", CONFIG],
    ["mediatap.config.yaml", YAML],
    ["mediatap.config.yml", YAML],
    [".mediataprc", YAML],
    [".mediataprc.json", CONFIG],
    [".mediataprc.yaml", YAML],
    ["package.json", { name: "x", mediatap: CONFIG }],
  ] as const) {
    it(`reads ${name}, found or named`, async () => {
      const cwd = await folder({ [name]: content });
      const found = await findConfig({ cwd });
      assert.deepEqual(found, {
        config: CONFIG,
        file: join(cwd, name),
        source: name,
        files: [join(cwd, name)],
      });
      assert.deepEqual(await findConfig({ cwd, file: name }), found);
    });
  }

  it("looks upwards as far as the next package.json", async () => {
    const root = await folder({
      "mediatap.config.json": CONFIG,
      "plain/below/x.txt": "",
      "package/package.json": {},
      "package/below/x.txt": "",
    });
    const found = await findConfig({ cwd: join(root, "plain/below") });
    assert.equal(found?.source, join(root, "mediatap.config.json"));
    assert.equal(await findConfig({ cwd: join(root, "package/below") }), undefined);
  });

  it("replaces environment variables in data files, and nowhere else", async () => {
    process.env.MEDIATAP_TEST = "from the environment";
    const [set, other, none] = ["MEDIATAP_TEST", "MEDIATAP_NONE:-a default", "MEDIATAP_NONE:-"].map(
      (name) => `\${${name}}`,
    );
    const text = `${set}, ${other}${none}`;
    const cwd = await folder({
      "a.json": { list: [{ text }] },
      "a.yaml": `list: [{ text: "${text}" }]`,
      "a.mjs": `export default { list: [{ text: ${JSON.stringify(text)} }] }`,
    });
    const want = { list: [{ text: "from the environment, a default" }] };
    assert.deepEqual((await findConfig({ cwd, file: "a.json" }))?.config, want);
    assert.deepEqual((await findConfig({ cwd, file: "a.yaml" }))?.config, want);
    assert.deepEqual((await findConfig({ cwd, file: "a.mjs" }))?.config, { list: [{ text }] });
  });

  for (const [name, content, message] of [
    [
      "a.json",
      `{ "list": ["\${MEDIATAP_NONE}"] }`,
      /^a\.json: list\.0: the environment variable MEDIATAP_NONE is not set$/,
    ],
    ["a.json", "{ oops", /^a\.json: .*JSON/],
    ["a.yaml", "a: [", /^a\.yaml: .*\(1:5\)/s],
    ["a.yaml", "", /^a\.yaml: it is empty$/],
    ["package.json", "{}", /^package\.json: it has no field "mediatap"$/],
    ["a.mjs", "export const a = 1;", /^a\.mjs: Expected a default export$/],
    ["a.mjs", "\n\nexport default {{;", /^a\.mjs: line 3, column 17: Unexpected token/],
    ["a.cjs", "\nmodule.exports = {{;", /^a\.cjs: line 2, column 19: Unexpected token/],
    [
      "a.ts",
      "interface A {}\nexport default {\n  a: [1, 2 };\n",
      /^a\.ts: line 3, column 12: Expected ',', got '}'$/,
    ],
    [
      "a.mjs",
      'import "no-such-package";',
      /^a\.mjs: Cannot find package 'no-such-package' imported from \S+$/,
    ],
    [
      "a.mjs",
      'import "@mediatap/no-such";',
      /^a\.mjs: Cannot find package '@mediatap\/no-such' imported from .*: is it installed\? npm install @mediatap\/no-such$/,
    ],
    [
      "a.mjs",
      'import { readFil } from "node:fs";\nexport default {};',
      /^a\.mjs: line 1, column 10: .*'readFil'$/,
    ],
    ["a.mjs", '\nthrow new Error("on purpose");', /^a\.mjs: line 2, column 7: on purpose$/],
    [
      "a.ts",
      "const a: string = process.env.MEDIATAP_NONE.trim();\nexport default { a };",
      /^a\.ts: line 1, column 45: Cannot read properties of undefined \(reading 'trim'\)$/,
    ],
    ["a.ts", "\nenum A { b }\nexport default {};", /^a\.ts: line 2, column 1: .*enum/],
  ] as const) {
    it(`names the file: ${message.source}`, async () => {
      const cwd = await folder({ [name]: content });
      assert.match(await messageOf(() => findConfig({ cwd, file: name })), message);
    });
  }

  it("names the file that is wrong where it is one that the configuration imports", async () => {
    const cwd = await folder({
      "a.ts": 'export { config as default } from "./b/c.ts";',
      "b/c.ts": "export const config =\n  { quality: MISSING };",
    });
    assert.equal(
      await messageOf(() => findConfig({ cwd, file: "a.ts" })),
      "a.ts: b/c.ts, line 2, column 14: MISSING is not defined",
    );
  });

  for (const type of ["commonjs", "module", undefined]) {
    it(`takes import and export in .ts and .js in a package of type ${type}`, async () => {
      const text = `import { quality } from "./shared.ts";
        export default { quality, at: import.meta.dirname };`;
      const cwd = await folder({
        "package.json": { ...(type !== undefined && { type }) },
        "a.ts": text,
        "a.js": text,
        "shared.ts": "const quality: number = 7;\nexport { quality };",
        "old.cjs": "exports.quality = 7;",
      });
      const at = await realpath(cwd);
      for (const file of ["a.ts", "a.js", "a.ts"]) {
        const found = await findConfig({ cwd, file });
        assert.deepEqual(found?.config, { quality: 7, at });
        assert.deepEqual(found?.files, [join(cwd, file), join(at, "shared.ts")]);
      }
      const wrong = await folder({ "package.json": { type }, "a.ts": "export default {\n  a: [1 };" });
      assert.equal(
        await messageOf(() => findConfig({ cwd: wrong, file: "a.ts" })),
        "a.ts: line 2, column 9: Expected ',', got '}'",
      );
    });
  }

  it("takes CommonJS in a package of that type", async () => {
    const cwd = await folder({
      "package.json": { type: "commonjs" },
      "a.ts": "const quality: number = 7;\nmodule.exports = { quality };",
      "a.js": "// import and export are words here\nmodule.exports = { quality: 7 };",
    });
    for (const file of ["a.ts", "a.js"]) {
      assert.deepEqual((await findConfig({ cwd, file }))?.config, { quality: 7 });
    }
  });

  it("names the forms that are read if a file has another one", async () => {
    const cwd = await folder({ "a.toml": "x = 1" });
    assert.equal(
      await messageOf(() => findConfig({ cwd, file: "a.toml" })),
      "a.toml: Expected a file that ends with one of .ts, .mts, .js, .mjs, .cjs, .json, .yaml, .yml",
    );
  });

  it("names a file that is not there", async () => {
    assert.equal(await messageOf(() => findConfig({ file: "nowhere.json" })), "nowhere.json: no such file");
  });

  it("finds nothing in a folder without one", async () => {
    assert.equal(await findConfig({ cwd: await folder({ "package.json": {} }) }), undefined);
  });
});
