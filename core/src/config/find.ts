import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, extname, relative, resolve } from "node:path";
import { cosmiconfig, defaultLoaders, type Loader } from "cosmiconfig";
import { codeOf, MediaError } from "../model/errors.ts";
import { withEnvironment } from "./environment.ts";
import { filesOf, importFresh } from "./fresh.ts";
import { atSource } from "./load.ts";
import { adviceOn } from "./packages.ts";
import { positionOf } from "./position.ts";
import type { MediatapConfig } from "./schema.ts";

interface FindOptions {
  /** Configuration file; left out: searched from `cwd` upwards, as far as the first folder with a `package.json`. */
  readonly file?: string;
  /** @default process.cwd() */
  readonly cwd?: string;
}

/** A configuration as it was written, and its file. */
interface FoundConfig {
  readonly config: MediatapConfig;
  /** Absolute path. */
  readonly file: string;
  /** The file, and what it imports by relative paths. */
  readonly files: readonly string[];
  /** How messages name the file: relative to `cwd` where it lies below. */
  readonly source: string;
}

const PLACES = [
  ...["ts", "mts", "js", "mjs", "cjs", "json", "yaml", "yml"].map((end) => `mediatap.config.${end}`),
  ...["", ".json", ".yaml", ".yml"].map((end) => `.mediataprc${end}`),
  "package.json",
];

const MODULES = [".ts", ".mts", ".js", ".mjs", ".cjs"];
const FORMS = [...MODULES, ".json", ".yaml", ".yml"];

const isModule = (path: string) => MODULES.includes(extname(path));

/**
 * Finds and reads the configuration, in all its forms, each time again. `undefined`: there is none. Throws `ECONFIG` naming the file.
 * In JSON and YAML `${NAME}` stands for an environment variable.
 */
export async function findConfig({
  file,
  cwd = process.cwd(),
}: FindOptions = {}): Promise<FoundConfig | undefined> {
  const named = file === undefined ? undefined : resolve(cwd, file);
  if (named !== undefined && !existsSync(named)) throw new MediaError("ECONFIG", `${file}: no such file`);
  const form = named === undefined ? "" : extname(named);
  if (form !== "" && !FORMS.includes(form)) {
    throw new MediaError("ECONFIG", `${file}: Expected a file that ends with one of ${FORMS.join(", ")}`);
  }
  let files: readonly string[] | undefined;
  /** Node itself reads every kind of module, TypeScript included. */
  const byImport: Loader = async (file) => {
    const { module, files: imported } = await importFresh(file);
    files = imported;
    if (!("default" in module)) throw new MediaError("ECONFIG", "Expected a default export");
    return module.default;
  };
  const explorer = cosmiconfig("mediatap", {
    searchPlaces: PLACES,
    searchStrategy: "project",
    loaders: { ...defaultLoaders, ...Object.fromEntries(MODULES.map((end) => [end, byImport])) },
    cache: false,
    ignoreEmptySearchPlaces: false,
  });
  let path = named ?? cwd;
  try {
    const found = named === undefined ? await explorer.search(cwd) : await explorer.load(named);
    if (!found && named === undefined) return undefined;
    path = found?.filepath ?? path;
    if (!found || found.isEmpty) {
      const isField = basename(path) === "package.json";
      throw new MediaError("ECONFIG", isField ? 'it has no field "mediatap"' : "it is empty");
    }
    const config = (isModule(path) ? found.config : withEnvironment(found.config)) as MediatapConfig;
    return { config, file: path, files: files ?? [path], source: nameOf(path, cwd) };
  } catch (cause) {
    throw readable(cause, (cause as { filepath?: string }).filepath ?? path, cwd);
  }
}

function nameOf(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === "" || short.startsWith("..") ? path : short;
}

/** What went wrong while reading, with the file's name before each line of it, and line and column if they are known. */
function readable(cause: unknown, path: string, cwd: string): unknown {
  const source = nameOf(path, cwd);
  if (codeOf(cause) === "ECONFIG") return atSource(source, cause);
  const what = (cause as Error).message.replace(/^(?:JSON|YAML) Error in .*:\n/, "").trim();
  const text = `${source}: ${placeOf(cause, path, cwd)}${what}${adviceFor(cause, path)}`;
  return new MediaError("ECONFIG", text, { cause });
}

/** `line 3, column 7: `, with the file's name if it is one that the configuration imports; `""` if it is not known. */
function placeOf(cause: unknown, path: string, cwd: string): string {
  if (!isModule(path)) return "";
  const position = positionOf(cause, filesOf(path));
  if (!position) return "";
  const { file, line, column } = position;
  const other = file === realpathSync(path) ? "" : `${nameOf(file, cwd)}, `;
  return `${other}line ${line}${column === undefined ? "" : `, column ${column}`}: `;
}

/** How to get a package of this project that a configuration imports in vain. */
function adviceFor(cause: unknown, path: string): string {
  const [, name] = /^Cannot find package '([^']+)'/.exec((cause as Error).message) ?? [];
  return name === "mediatap" || name?.startsWith("@mediatap/") ? adviceOn(name, [dirname(path)]) : "";
}
