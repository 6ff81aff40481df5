import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire, findPackageJSON } from "node:module";
import { dirname, join, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { codeOf, MediaError } from "../model/errors.ts";
import { nearest } from "../util/did-you-mean.ts";
import { importFresh } from "./fresh.ts";

/** A module that a configuration names, and the folder it was found in. */
interface NamedModule {
  readonly default: (options?: unknown) => unknown;
  readonly folder: string;
  /** The file of a module that is named by its path, and what it imports by relative paths. */
  readonly files: readonly string[];
}

/** A name that may be short for a package of Mediatap's own: `cache-source`. */
const SHORT = /^[a-z][a-z0-9-]*$/;

/**
 * Loads a preset or plugin by its package name (`@mediatap/` may be left out), or by a path that begins with a dot, from
 * the first of these folders that has it. What a path names is read again each time. Throws `ECONFIG` naming the field.
 */
export async function importNamed(
  name: string,
  from: readonly string[],
  where: string,
  kind: "preset" | "plugin",
): Promise<NamedModule> {
  const names = SHORT.test(name) ? [name, `@mediatap/${name}`] : [name];
  const path = names
    .flatMap((known) => from.map((folder) => locate(known, folder)))
    .find((found) => found !== undefined);
  if (path === undefined) {
    const hint = name.startsWith(".") ? ": there is no such file" : adviceOn(name, from);
    throw new MediaError("ECONFIG", `${where}: cannot find the ${kind} '${name}'${hint}`);
  }
  const { module, files } = await imported(path, name.startsWith(".")).catch((cause: Error) => {
    throw new MediaError("ECONFIG", `${where}: '${name}' could not be loaded: ${cause.message}`, { cause });
  });
  if (typeof module.default !== "function") {
    throw new MediaError("ECONFIG", `${where}: '${name}' has no default export that creates a ${kind}`);
  }
  return { default: module.default as NamedModule["default"], folder: dirname(path), files };
}

interface Imported {
  readonly module: { readonly default?: unknown };
  readonly files: readonly string[];
}

async function imported(path: string, isOwn: boolean): Promise<Imported> {
  if (isOwn && !path.includes(`${sep}node_modules${sep}`)) return await importFresh(path);
  return { module: (await import(pathToFileURL(path).href)) as Imported["module"], files: [] };
}

const SCOPE = "@mediatap";

/**
 * What to do about a package that is not found: use the closest name of an installed one, or install it. A name without scope is
 * taken for one of this project's: if it is misspelt, anybody may own it.
 */
export function adviceOn(name: string, from: readonly string[]): string {
  const known = installed(from);
  const short = name.startsWith(`${SCOPE}/`) ? name.slice(SCOPE.length + 1) : name;
  const near = nearest(short, known);
  if (near !== undefined && near !== short)
    return `, did you mean "${short === name ? near : `${SCOPE}/${near}`}"?`;
  if (name.startsWith("@") || name === META) return `: is it installed? npm install ${name}`;
  if (!SHORT.test(name)) return "";
  return `: neither it nor ${SCOPE}/${name} is installed; if you mean the latter: npm install ${SCOPE}/${name}`;
}

/** The one package of this project without a scope. */
const META = "mediatap";

/** Names, without scope, of this project's packages that are installed for one of these folders. */
function installed(from: readonly string[]): string[] {
  const names = new Set([META]);
  for (const start of from) {
    for (let folder = start; ; folder = dirname(folder)) {
      for (const name of list(join(folder, "node_modules", SCOPE))) names.add(name);
      if (folder === dirname(folder)) break;
    }
  }
  return [...names];
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function locate(name: string, folder: string): string | undefined {
  const parent = join(folder, "noop.js");
  if (name.startsWith(".")) {
    const path = resolve(folder, name);
    return existsSync(path) ? path : undefined;
  }
  try {
    return createRequire(parent).resolve(name);
  } catch (error) {
    // A package for `import` only cannot be resolved by `require`.
    return codeOf(error) === "ERR_PACKAGE_PATH_NOT_EXPORTED" ? importEntry(name, parent) : undefined;
  }
}

function importEntry(name: string, parent: string): string | undefined {
  const file = findPackageJSON(name, pathToFileURL(parent));
  if (file === undefined) return undefined;
  const { exports } = JSON.parse(readFileSync(file, "utf8")) as { exports?: unknown };
  const [, below = ""] = /^(?:@[^/]+\/)?[^/]+(\/.*)?$/.exec(name) ?? [];
  const entry = exportOf(exports, `.${below}`);
  return entry === undefined ? undefined : join(dirname(file), entry);
}

/** The file that `exports` of a package has for a sub-path; `.` stands for the package itself. */
function exportOf(exports: unknown, path: string): string | undefined {
  const paths = (exports ?? {}) as Record<string, unknown>;
  const hasPaths = typeof exports === "object" && Object.keys(paths).some((key) => key.startsWith("."));
  if (!hasPaths) return path === "." ? targetOf(exports) : undefined;
  if (path in paths) return targetOf(paths[path]);
  for (const [pattern, target] of Object.entries(paths)) {
    const [start = "", end] = pattern.split("*");
    if (end === undefined || !path.startsWith(start) || !path.endsWith(end)) continue;
    return targetOf(target)?.replaceAll("*", path.slice(start.length, path.length - end.length));
  }
  return undefined;
}

/** The file behind the conditions under which Node imports (its own order: as they are written). */
function targetOf(target: unknown): string | undefined {
  if (typeof target === "string") return target;
  if (target === null || typeof target !== "object") return undefined;
  const key = Object.keys(target).find((name) => ["import", "node", "module-sync", "default"].includes(name));
  return key === undefined ? undefined : targetOf((target as Record<string, unknown>)[key]);
}
