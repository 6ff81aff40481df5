import { createRequire, registerHooks } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/** Query by which a module that is read again differs from what Node keeps of it. */
const AGAIN = "again";

/** The files that each configuration is made of: itself, and what it imports by relative paths. */
const known = new Map<string, Set<string>>();
const rounds = new Map<string, number>();
let hooked = false;

/**
 * The default export of a configuration file, and the files that it came from. Asked for a second time, the file and
 * what it imports by relative paths outside of `node_modules` are read anew.
 */
export async function importFresh(file: string): Promise<{ module: object; files: readonly string[] }> {
  hook();
  const round = rounds.get(file) ?? 0;
  rounds.set(file, round + 1);
  const files = known.get(file) ?? new Set([file]);
  known.set(file, files);
  const url = pathToFileURL(file);
  if (round > 0) {
    url.searchParams.set(AGAIN, String(round));
    const { cache } = createRequire(import.meta.url);
    for (const path of files) delete cache[path];
  }
  const module = (await import(url.href)) as object;
  return { module, files: [...files] };
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
      for (const files of known.values()) {
        if (!files.has(fileURLToPath(from))) continue;
        files.add(path);
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
