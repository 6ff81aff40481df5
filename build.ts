// Builds what is published: `tsc -b` checks the types and writes a module per file; then the modules of each package become a few files in
// `dist/bundle`, which is what the package exports: Node loads them in half of the time. Other packages but zod stay what they are, imports, so
// there is one core for all plugins, whoever wrote them. Threads run the single modules.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, type Plugin } from "esbuild";

const ROOT = import.meta.dirname;
const CORE = join(ROOT, "core");
const BUNDLE = "dist/bundle";

const ZOD = dirname(fileURLToPath(import.meta.resolve("zod")));

/** Its time is that of the build which `npm start` may run, if no source is newer. */
const MARK = join(ROOT, ".cache/built");

const { values } = parseArgs({
  options: {
    /** Leaves `npm start` with the sources. */
    unmarked: { type: "boolean", default: false },
  },
});

interface Manifest {
  readonly exports?: Readonly<Record<string, Readonly<Record<string, string>> | string>>;
}

/** What a package exports, and the program that it starts. */
function entriesOf(folder: string): string[] {
  const { exports = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  const sources = Object.values(exports).flatMap((entry) =>
    typeof entry === "object" && entry.default?.startsWith(`./${BUNDLE}/`)
      ? [entry["mediatap:source"] ?? ""]
      : [],
  );
  const program = "src/main.ts";
  return [...sources, ...(existsSync(join(folder, program)) ? [program] : [])].map((path) =>
    join(folder, path),
  );
}

/** Lets a module find what lies beside it (threads, other files) where `tsc` has put it. */
const ownUrl = (folder: string): Plugin => ({
  name: "own-url",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      if (!text.includes("import.meta.url")) return undefined;
      const module = relative(join(folder, "src"), path).replace(/\.ts$/, ".js");
      const url = `new URL(${JSON.stringify(`../${module}`)}, import.meta.url).href`;
      return { contents: text.replaceAll("import.meta.url", url), loader: "ts" };
    });
  },
});

/** zod has a hundred modules. The bundle of the core contains it, and the others take it from there. */
const oneZod = (folder: string): Plugin => ({
  name: "one-zod",
  setup({ onResolve }) {
    onResolve({ filter: /^zod$/ }, () =>
      folder === CORE ? { path: join(ZOD, "index.js") } : { path: "@mediatap/core/zod", external: true },
    );
  },
});

async function bundle(folder: string): Promise<void> {
  const entries = entriesOf(folder);
  const outdir = join(folder, BUNDLE);
  rmSync(outdir, { recursive: true, force: true });
  if (entries.length === 0) return;
  await build({
    entryPoints: Object.fromEntries(entries.map((path) => [basename(path, ".ts"), path])),
    outdir,
    bundle: true,
    splitting: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node24",
    sourcemap: true,
    // The sources are published, too.
    sourcesContent: false,
    logLevel: "warning",
    plugins: [ownUrl(folder), oneZod(folder)],
  });
}

const begun = new Date();
rmSync(MARK, { force: true });
const { status } = spawnSync(join(ROOT, "node_modules/.bin/tsc"), ["-b"], { cwd: ROOT, stdio: "inherit" });
if (status !== 0) process.exit(1);
for (const folder of globSync(["core", "plugins/*", "presets/*"], { cwd: ROOT })) {
  if (existsSync(join(ROOT, folder, "package.json"))) await bundle(join(ROOT, folder));
}
copyFileSync(join(ZOD, "LICENSE"), join(CORE, BUNDLE, "zod.LICENSE"));
if (!values.unmarked) {
  mkdirSync(join(ROOT, ".cache"), { recursive: true });
  writeFileSync(MARK, "");
  utimesSync(MARK, begun, begun);
}
