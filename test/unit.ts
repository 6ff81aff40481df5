// The unit tests: the tests of a package that start no server and no program, and encode no images. What a test imports decides,
// so there is no list to maintain; `unit-guard.ts` fails a test that starts something nevertheless.
// Arguments are mocha's, for example `-g "part of a title"`; `--list` prints the files.
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "..");

const TESTS = ["{core,presets/*,plugins/*}/test/**/*.test.ts"];

/** Modules with which a test starts a server or a program, connects to one, or encodes images. */
const MODULES = /^(node:(child_process|cluster|dgram|http|http2|https|net|tls)|sharp)$/;

/** Sources of this repository that do it: `config/find.ts` checks the syntax of a file with another Node. */
const SOURCES = /\/(core\/src\/(cli\/|server\/|config\/find)|image-sharp\/src\/index)/;

/** Exports of `@mediatap/core` that do it. */
const NAMES = /^(createServer|runCli)$/;

const IMPORT = /^(?:import|export)\s(?!type\b)([^;"]*?)\s*(?:from\s*)?"([^"]+)"/gm;

const importsOf = memoize((file: string) =>
  [...readFileSync(file, "utf8").matchAll(IMPORT)].map(([, clause = "", target = ""]) => ({
    names: [...clause.matchAll(/(?<!type )\b[A-Za-z_]\w*\b(?!\s+as)/g)].map(([name]) => name),
    target,
  })),
);

/** File of each name that `@mediatap/test` exports. */
const helpers = new Map(
  importsOf(join(ROOT, "test/index.ts")).flatMap(({ names, target }) =>
    names.map((name) => [name, join(ROOT, "test", target)] as const),
  ),
);

/** Whether a file of tests, or one that it imports, starts a server or a program. */
const starts: (file: string) => boolean = memoize((file: string) =>
  importsOf(file).some(({ names, target }) => {
    if (/^@mediatap\/core(\/|$)/.test(target)) return names.some((name) => NAMES.test(name));
    if (target === "@mediatap/test") return names.some((name) => starts(helpers.get(name) ?? file));
    if (!target.startsWith(".")) return MODULES.test(target);
    const imported = resolve(dirname(file), target);
    return imported.includes("/src/") ? SOURCES.test(imported) : starts(imported);
  }),
);

/** The result for each argument is computed once; while that is going on it is `undefined`, which ends circles. */
function memoize<T>(compute: (file: string) => T): (file: string) => T {
  const results = new Map<string, T>();
  return (file) => {
    if (!results.has(file)) {
      results.set(file, undefined as T);
      results.set(file, compute(file));
    }
    return results.get(file) as T;
  };
}

const files = globSync(TESTS, { cwd: ROOT }).filter((file) => !starts(join(ROOT, file)));
const settings = ["--no-config", "--node-option=conditions=mediatap:source", "--timeout=30000"];
const requires = ["setup.ts", "unit-guard.ts"].map(
  (file) => `--require=./${relative(ROOT, join(import.meta.dirname, file))}`,
);
if (process.argv.includes("--list")) console.log(files.join("\n"));
else {
  const args = [
    "mocha",
    ...settings,
    ...requires,
    "--reporter=dot",
    ...process.argv.slice(2),
    ...files.sort(),
  ];
  process.exitCode = spawnSync("npx", args, { cwd: ROOT, stdio: "inherit" }).status ?? 1;
}
