import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { cosmiconfig } from "cosmiconfig";
import { codeOf, MediaError } from "../model/errors.ts";
import { parseOptions } from "../options.ts";
import type { Plugin } from "../plugin.ts";
import { type Layer, mergeConfigs, type Provenances } from "./merge.ts";
import { type CheckedConfig, configSchema, type MediatapConfig } from "./schema.ts";

export interface LoadedConfig {
  readonly config: CheckedConfig;
  readonly plugins: readonly Plugin[];
  /** Folder that relative paths start at. */
  readonly base: string;
  /** The file, or a word for where else it came from. */
  readonly source: string;
  /** Where each value came from. */
  readonly provenances: Provenances;
}

export interface LoadOptions {
  /** Configuration file; left out: searched from `cwd` upwards. */
  readonly file?: string;
  /** @default process.cwd() */
  readonly cwd?: string;
  /** Further folders from which packages that a configuration names are resolved. */
  readonly packages?: readonly string[];
}

/** Finds and reads the configuration. `undefined` when there is none. Throws `ECONFIG` naming file and field. */
export async function findConfig({ file, cwd = process.cwd() }: LoadOptions) {
  const explorer = cosmiconfig("mediatap", {
    searchStrategy: "global",
    stopDir: dirname(resolve(cwd)),
    cache: false,
  });
  if (file !== undefined && !existsSync(resolve(cwd, file))) {
    throw new MediaError("ECONFIG", `${file}: no such file`);
  }
  try {
    const found = file === undefined ? await explorer.search(cwd) : await explorer.load(resolve(cwd, file));
    if (!found || found.isEmpty) return undefined;
    return { config: found.config as MediatapConfig, file: found.filepath };
  } catch (cause) {
    throw new MediaError("ECONFIG", `${file ?? "configuration"}: ${(cause as Error).message}`, { cause });
  }
}

/** Loads presets and plugins that a configuration names, merges and checks it. */
export async function loadConfig(
  config: MediatapConfig,
  { source, base, packages = [] }: { source: string; base: string; packages?: readonly string[] },
): Promise<LoadedConfig> {
  try {
    const from = [base, process.cwd(), ...packages];
    const written = withEnvironment(config, source) as Record<string, unknown>;
    const { config: merged, origins } = mergeConfigs(await layersOf(written, source, from));
    const checked = parseOptions(configSchema, merged, "");
    return {
      config: checked,
      plugins: (checked.plugins ?? []) as Plugin[],
      base,
      source,
      provenances: origins,
    };
  } catch (error) {
    if (codeOf(error) !== "ECONFIG") throw error;
    const lines = (error as Error).message
      .split("\n")
      .map((line) => (line.startsWith(source) ? line : `${source}: ${line}`));
    throw new MediaError("ECONFIG", lines.join("\n"), { cause: error });
  }
}

/** The presets of a configuration, theirs first, then itself: later ones win. */
async function layersOf(
  config: Record<string, unknown>,
  source: string,
  from: readonly string[],
): Promise<Layer[]> {
  const layers: Layer[] = [];
  for (const [at, entry] of listOf(config.presets, "presets").entries()) {
    const { value, name } = await instance(entry, from, `presets.${at}`, "preset");
    layers.push(
      ...(await layersOf(value as Record<string, unknown>, name ?? `preset ${at + 1} of ${source}`, from)),
    );
  }
  const plugins = await Promise.all(
    listOf(config.plugins, "plugins").map(async (entry, at) => {
      const { value } = await instance(entry, from, `plugins.${at}`, "plugin");
      return asPlugin(value, `plugins.${at}`);
    }),
  );
  return [...layers, { from: source, config: { ...config, plugins } }];
}

function listOf(value: unknown, field: string): unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new MediaError("ECONFIG", `${field}: Expected an array`);
  // A pair of a package name and its options is an entry, not a nested list.
  return value.flatMap((entry) =>
    Array.isArray(entry) && typeof entry[0] !== "string" ? listOf(entry, field) : entry ? [entry] : [],
  );
}

async function instance(entry: unknown, from: readonly string[], where: string, kind: string) {
  const [name, options] = Array.isArray(entry) ? entry : [entry, undefined];
  if (typeof name !== "string") {
    if (typeof entry === "function")
      throw new MediaError("ECONFIG", `${where}: Expected a ${kind} but received its factory: call it`);
    return { value: entry, name: undefined };
  }
  const module = await importFrom(name, from, where);
  if (typeof module.default !== "function") {
    throw new MediaError("ECONFIG", `${where}: '${name}' has no default export that makes a ${kind}`);
  }
  return { value: (module.default as (options?: unknown) => unknown)(options), name };
}

async function importFrom(
  name: string,
  from: readonly string[],
  where: string,
): Promise<{ default?: unknown }> {
  for (const folder of from) {
    try {
      const path = createRequire(join(folder, "noop.js")).resolve(name);
      return (await import(pathToFileURL(path).href)) as { default?: unknown };
    } catch (error) {
      if (codeOf(error) !== "MODULE_NOT_FOUND") {
        throw new MediaError(
          "ECONFIG",
          `${where}: '${name}' could not be loaded: ${(error as Error).message}`,
          {
            cause: error,
          },
        );
      }
    }
  }
  throw new MediaError("ECONFIG", `${where}: '${name}' is not installed; try npm install ${name}`);
}

function asPlugin(value: unknown, where: string): Plugin {
  const plugin = value as Partial<Plugin> | undefined;
  if (
    typeof plugin?.name === "string" &&
    typeof plugin.version === "string" &&
    typeof plugin.apply === "function"
  ) {
    return plugin as Plugin;
  }
  throw new MediaError("ECONFIG", `${where}: Expected a plugin { name, version, apply }`);
}

/** JSON and YAML: `${NAME}` in texts stands for an environment variable, `${NAME:-default}` for one that may be missing. */
function withEnvironment(value: unknown, source: string, path = ""): unknown {
  if (!/\.(?:json|ya?ml)$|rc$/.test(source)) return value;
  if (typeof value === "string") {
    return value.replace(/\$\{(\w+)(?::-([^}]*))?\}/g, (_, name: string, fallback: string | undefined) => {
      const found = process.env[name] ?? fallback;
      if (found === undefined)
        throw new MediaError("ECONFIG", `${path}: the environment variable ${name} is not set`);
      return found;
    });
  }
  if (Array.isArray(value)) return value.map((entry, at) => withEnvironment(entry, source, `${path}.${at}`));
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const below = path ? `${path}.${name}` : name;
      return [name, withEnvironment(field, source, below)];
    }),
  );
}
