import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const CORE = "@mediatap/core";
const MAX_ROOT_NAMES = 120;
const MAX_API_MEMBERS = 18;

interface Manifest {
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const read = (file: string) => readFileSync(join(ROOT, file), "utf8");
const { exports } = JSON.parse(read("core/package.json")) as Manifest;

/** Names, types among them, that an entry file exports, by its specifier. */
const exported = new Map(
  Object.entries(exports).map(([path, conditions]) => [
    join(CORE, path),
    [
      ...read(join("core", conditions["mediatap:source"] ?? "")).matchAll(/^export[^{]*\{([^}]*)\}/gm),
    ].flatMap(([, list = ""]) => namesIn(list).map(({ to }) => to)),
  ]),
);

/** Names of a list of imports or exports; `to`: as they are called after it. */
function namesIn(list: string): { from: string; to: string }[] {
  const items = list.split(",").map((item) => item.trim().replace(/^type /, ""));
  return items
    .filter((item) => item !== "")
    .map((item) => item.split(/ as |: /))
    .map(([from = "", to = from]) => ({ from, to }));
}

/** `specifier name` of all that plugins, presets, examples, suites and the pages for authors import from the core, or declare in it. */
function used(): Set<string> {
  const patterns = [
    "{plugins,presets}/*/{src,test}/**/*.ts",
    "examples/**/*.ts",
    "test/{contracts,helpers,services,suites}/**/*.ts",
    "{core,plugins/*,presets/*}/*.md",
  ];
  const files = globSync(patterns, { cwd: ROOT, exclude: ["**/node_modules/**", "**/dist/**"] });
  return new Set(
    files.map(read).flatMap((text) => {
      const lists = text.matchAll(
        /(?:import|export)(?: type)? \{([^}]*)\} from "(@mediatap\/core[/\w]*)"|\{([^{}]*)\} = await import\("(@mediatap\/core[/\w]*)"\)/g,
      );
      const members = text.matchAll(/\(await import\("(@mediatap\/core[/\w]*)"\)\)\.(\w+)/g);
      const blocks = text.matchAll(/^declare module "(@mediatap\/core[/\w]*)" \{\n(.*?)^\}/gms);
      return [
        ...[...lists].flatMap(([, a, from, b, source]) =>
          namesIn(a ?? b ?? "").map((name) => `${from ?? source} ${name.from}`),
        ),
        ...[...members].map(([, from, name]) => `${from} ${name}`),
        ...[...blocks].flatMap(([, from, body = ""]) =>
          [...body.matchAll(/^ {2}interface (\w+)/gm)].map(([, name]) => `${from} ${name}`),
        ),
      ];
    }),
  );
}

describe("the exports of the core", () => {
  it("have an entry each that runs from source and from what is built", () => {
    for (const [path, conditions] of Object.entries(exports)) {
      const source = conditions["mediatap:source"] ?? "";
      assert.ok(existsSync(join(ROOT, "core", source)), path);
      const types = source.replace("./src/", "./dist/").replace(/\.ts$/, ".d.ts");
      assert.deepEqual(conditions, {
        "mediatap:source": source,
        types,
        default: `./dist/bundle/${basename(source, ".ts")}.js`,
      });
    }
  });

  it("are in one entry each", () => {
    const names = [...exported.values()].flat();
    assert.ok(names.length > 200);
    assert.deepEqual(
      names.filter((name, index) => names.indexOf(name) !== index),
      [],
    );
  });

  it(`are at most ${MAX_ROOT_NAMES} at the root`, () => {
    const names = exported.get(CORE) ?? [];
    assert.ok(names.length <= MAX_ROOT_NAMES, `${names.length}`);
  });

  it("are all imported, types too: by a plugin, an example, a suite or a page for authors", () => {
    const imports = used();
    const unused = [...exported].flatMap(([from, names]) =>
      names.map((name) => `${from} ${name}`).filter((entry) => !imports.has(entry)),
    );
    assert.deepEqual(unused, []);
  });

  it("are described by their entry in the README and in PLUGINS.md", () => {
    for (const specifier of exported.keys()) {
      for (const page of ["core/README.md", "core/PLUGINS.md"]) {
        assert.ok(read(page).includes(`| \`${specifier}\``) || specifier === CORE, `${page}: ${specifier}`);
      }
    }
  });
});

describe("what a plugin gets", () => {
  const [, body = ""] =
    /^export interface PluginApi \{\n(.*?)^\}/ms.exec(read("core/src/plugin/plugin.ts")) ?? [];
  const members = [...body.matchAll(/^ {2}(?:readonly )?(\w+)[(:<]/gm)].map(([, name = ""]) => name);

  it(`has at most ${MAX_API_MEMBERS} members`, () => {
    assert.ok(members.includes("hooks") && members.includes("fingerprint"));
    assert.ok(members.length <= MAX_API_MEMBERS, members.join(", "));
  });

  it("is described in PLUGINS.md", () => {
    const [, section = ""] = /^## The API\n(.*?)^## /ms.exec(read("core/PLUGINS.md")) ?? [];
    const described = [...section.matchAll(/^\| (`[^|]*)\|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name),
    );
    assert.deepEqual(described.sort(), members.sort());
  });
});
