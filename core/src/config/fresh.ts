import { realpathSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Query by which a module that is read again differs from what Node keeps of it. */
const AGAIN = "again";

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

/**
 * The default export of a configuration file, and the files that it came from. Asked for a second time, the file and
 * what it imports by relative paths outside of `node_modules` are read anew.
 */
export async function importFresh(file: string): Promise<{ module: object; files: readonly string[] }> {
  hook();
  const reading = readings.get(file) ?? { round: -1, files: new Set([file]), modules: new Set() };
  readings.set(file, reading);
  reading.round++;
  // Node remembers where links lead to.
  const path = realpathSync(file);
  reading.modules.add(path);
  const url = pathToFileURL(path);
  if (reading.round > 0) {
    url.searchParams.set(AGAIN, String(reading.round));
    const { cache } = createRequire(import.meta.url);
    for (const path of reading.modules) delete cache[path];
  }
  const module = (await import(url.href)) as object;
  return { module, files: [...reading.files] };
}

/** Follows the relative imports of configurations: notes them, and has them read as anew as who imports them. */
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
      const round = from.searchParams.get(AGAIN);
      if (!isPart || round === null || !context.conditions?.includes("import")) return resolved;
      const url = new URL(resolved.url);
      url.searchParams.set(AGAIN, round);
      return { ...resolved, url: url.href };
    },
  });
}

function isOwn(url: string): boolean {
  return url.startsWith("file:") && !url.includes("/node_modules/");
}
