import { realpathSync } from "node:fs";
import { createRequire, registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { compileFunction } from "node:vm";

/** Query parameter by which the URL of a module that is read again differs from the one that Node has loaded. */
const ROUND_PARAMETER = "again";

/** A configuration as it was read last. */
interface Reading {
  round: number;
  /** Itself, and what it imports by relative paths. */
  readonly files: Set<string>;
  /** The same as Node knows them: links followed. */
  readonly modules: Set<string>;
}

const readings = new Map<string, Reading>();
let hooked = false;

/** A configuration file, and what it has imported so far by relative paths outside of `node_modules`. */
export function filesOf(file: string): readonly string[] {
  return [...(readings.get(file)?.files ?? [file])];
}

/**
 * The module of a configuration file, and the files that it came from. The second call for a file reads it again, with
 * what it imports by relative paths outside of `node_modules`.
 */
export async function importFresh(file: string): Promise<{ module: object; files: readonly string[] }> {
  hook();
  const reading = readings.get(file) ?? { round: -1, files: new Set([file]), modules: new Set() };
  readings.set(file, reading);
  reading.round++;
  // Node resolves links once.
  const path = realpathSync(file);
  reading.modules.add(path);
  const url = pathToFileURL(path);
  if (reading.round > 0) {
    url.searchParams.set(ROUND_PARAMETER, String(reading.round));
    const { cache } = createRequire(import.meta.url);
    for (const path of reading.modules) delete cache[path];
  }
  const module = (await import(url.href)) as object;
  return { module, files: filesOf(file) };
}

/** Follows the relative imports of configurations: notes them, and reads them again when the importing file is. */
function hook(): void {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const parent = context.parentURL;
      if (parent === undefined || !/^\.{1,2}\//.test(specifier) || !isOwn(resolved.url)) return resolved;
      const from = URL.parse(parent);
      if (from?.protocol !== "file:") return resolved;
      const path = fileURLToPath(resolved.url);
      let isPart = false;
      for (const { files, modules } of readings.values()) {
        if (!modules.has(fileURLToPath(from))) continue;
        files.add(path);
        modules.add(path);
        isPart = true;
      }
      const round = from.searchParams.get(ROUND_PARAMETER);
      if (!isPart || round === null || !context.conditions?.includes("import")) return resolved;
      const url = new URL(resolved.url);
      url.searchParams.set(ROUND_PARAMETER, round);
      return { ...resolved, url: url.href };
    },
    /** `npm init` writes `"type": "commonjs"`, by which Node refuses `import` and `export` in `.ts` and `.js`. */
    load(url, context, next) {
      const loaded = next(url, context);
      const { format, source } = loaded;
      const module = MODULE_FORMATS.get(format ?? "");
      if (module === undefined || source === undefined || !isConfiguration(url)) return loaded;
      const text = typeof source === "string" ? source : Buffer.from(source as Uint8Array).toString();
      return isModule(text, module) ? next(url, { ...context, format: module }) : loaded;
    },
  });
}

/** Formats that the package of a file decides, and what they are for a file with module syntax. */
const MODULE_FORMATS = new Map([
  ["commonjs", "module"],
  ["commonjs-typescript", "module-typescript"],
]);

function isConfiguration(url: string): boolean {
  if (!isOwn(url) || url.includes(".cjs") || url.includes(".cts")) return false;
  const path = fileURLToPath(url);
  return [...readings.values()].some(({ modules }) => modules.has(path));
}

/** What V8 says to module syntax outside of a module; Node tells both apart by the same texts. */
const MODULE_SYNTAX = [
  "Cannot use import statement outside a module",
  "Unexpected token 'export'",
  "Cannot use 'import.meta' outside a module",
];

/** Whether a file of a CommonJS package is an ES module by its syntax. */
function isModule(text: string, format: string): boolean {
  try {
    const code = format === "module-typescript" ? stripTypeScriptTypes(text) : text;
    compileFunction(code, ["exports", "require", "module", "__filename", "__dirname"]);
    return false;
  } catch (error) {
    return MODULE_SYNTAX.includes((error as Error).message);
  }
}

function isOwn(url: string): boolean {
  return url.startsWith("file:") && !url.includes("/node_modules/");
}
