import { codeOf, MediaError } from "../model/errors.ts";
import { API_VERSION, type Plugin } from "../plugin/plugin.ts";
import { isSecret } from "../util/redact.ts";
import { defaultOf, type Extensions, extendedSchema, extensionsOf, withoutDefaults } from "./extensions.ts";
import { isFields, type Layer, mergeConfigs, type Provenances } from "./merge.ts";
import { parseOptions } from "./options.ts";
import { importNamed } from "./packages.ts";
import type { CheckedConfig, MediatapConfig } from "./schema.ts";

export interface LoadedConfig {
  readonly config: CheckedConfig;
  readonly plugins: readonly Plugin[];
  /** Folder that relative paths start at. */
  readonly base: string;
  /** The file, or a word for where else it came from; messages begin with it. */
  readonly source: string;
  /** Where each value came from. */
  readonly provenances: Provenances;
  /** Paths of secrets that the configuration itself sets to `undefined`: probably from the environment. */
  readonly unset: readonly string[];
  /** Files of plugins and presets that are named by their paths, and what they import by relative paths. */
  readonly modules: readonly string[];
  /** Hash over the code of plugins, if it may change while the server runs: part of every rendition's fingerprint. */
  readonly code?: string;
}

interface LoadOptions {
  /** What messages call the configuration: its file, or a word for where else it came from. */
  readonly source: string;
  /** Folder that relative paths start at, and that packages are resolved from. */
  readonly base: string;
  /** Further folders that packages are resolved from, after `base` and the working directory. */
  readonly packages?: readonly string[];
}

/** Loads presets and plugins that a configuration names, merges and checks it. Throws `ECONFIG` naming file and field. */
export async function loadConfig(
  config: MediatapConfig,
  { source, base, packages = [] }: LoadOptions,
): Promise<LoadedConfig> {
  try {
    const modules = new Set<string>();
    const from = [base, process.cwd(), ...packages];
    const layers = await layersOf(config, { source, from, modules, depth: 0 });
    const { config: merged, origins } = mergeConfigs(layers);
    const plugins = (merged.plugins ?? []) as Plugin[];
    const extensions = extensionsOf(plugins);
    const parsed = parseOptions(extendedSchema(extensions), merged, "");
    const checked = withoutDefaults(parsed, merged, extensions);
    return {
      config: { ...checked, ...defaultSections(extensions, checked) },
      plugins,
      base,
      source,
      provenances: origins,
      unset: unsetSecrets(config),
      modules: [...modules],
    };
  } catch (error) {
    throw atSource(source, error);
  }
}

/** Sections that nobody has set. */
function defaultSections({ sections }: Extensions, config: object): object {
  const missing = Object.entries(sections).filter(([name]) => !(name in config));
  const values = missing.map(([name, schema]) => [name, defaultOf(schema, name)]);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}

/** Paths of the secrets in plain data that are there but undefined. */
function unsetSecrets(value: unknown, path = ""): string[] {
  if (!isFields(value)) return [];
  return Object.entries(value)
    .filter(([name]) => path !== "" || (name !== "plugins" && name !== "presets"))
    .flatMap(([name, field]) => {
      const at = path === "" ? name : `${path}.${name}`;
      return field === undefined && isSecret(name) ? [at] : unsetSecrets(field, at);
    });
}

/** A configuration's error with its source before each line. */
export function atSource(source: string, error: unknown): unknown {
  if (codeOf(error) !== "ECONFIG") return error;
  const { message, hook, plugin } = error as MediaError;
  if (message.startsWith(`${source}: `)) return error;
  const lines = message.split("\n").map((line) => `${source}: ${line}`);
  return new MediaError("ECONFIG", lines.join("\n"), { cause: error, hook, plugin });
}

interface LoadContext {
  readonly source: string;
  readonly from: readonly string[];
  /** Collects the files of what is named by its path. */
  readonly modules: Set<string>;
  readonly depth: number;
}

/** How deep presets may start from presets: one that names itself must not go on for ever. */
const MAX_PRESET_DEPTH = 20;

/** The presets of a configuration, theirs first, then itself: later ones win. */
async function layersOf(config: unknown, context: LoadContext): Promise<Layer[]> {
  const { source, from, depth } = context;
  if (!isFields(config)) {
    const received = Array.isArray(config) ? "an array" : typeof config === "object" ? "null" : typeof config;
    throw new MediaError("ECONFIG", `Expected an object as the configuration but received ${received}`);
  }
  if (depth > MAX_PRESET_DEPTH)
    throw new MediaError("ECONFIG", `presets: Expected at most ${MAX_PRESET_DEPTH} nested presets`);
  // The configuration itself is named by who called.
  const inside = depth === 0 ? "" : `${source}: `;
  const layers: Layer[] = [];
  for (const [at, entry] of listOf(config.presets, `${inside}presets`).entries()) {
    const where = `${inside}presets.${at}`;
    const preset = await created(entry, context, where, "preset");
    if (!isFields(preset.value)) {
      const expected = "Expected a preset, an object with fields of a configuration";
      throw new MediaError("ECONFIG", `${where}: ${expected}`);
    }
    const name = preset.name ?? `preset ${at + 1} of ${source}`;
    const folders = preset.folder === undefined ? from : [preset.folder, ...from];
    const inner = { ...context, source: name, from: folders, depth: depth + 1 };
    layers.push(...(await layersOf(preset.value, inner)));
  }
  const plugins: Plugin[] = [];
  for (const [at, entry] of listOf(config.plugins, `${inside}plugins`).entries()) {
    const where = `${inside}plugins.${at}`;
    const plugin = asPlugin((await created(entry, context, where, "plugin")).value, where);
    const earlier = plugins.findIndex(({ name }) => name === plugin.name);
    // In a later layer it takes the earlier one's place; in one list that would be silent.
    if (earlier >= 0) {
      throw new MediaError(
        "ECONFIG",
        `${where}: the plugin '${plugin.name}' is in this list already, at plugins.${earlier}: remove one of the two`,
      );
    }
    plugins.push(plugin);
  }
  return [...layers, { from: source, config: { ...config, plugins } }];
}

/** A list with what is nested in it, without falsy entries. */
function listOf(value: unknown, field: string): unknown[] {
  if (value === undefined || value === null || value === false) return [];
  if (!Array.isArray(value)) throw new MediaError("ECONFIG", `${field}: Expected an array`);
  // A pair of a package name and its options is an entry, not a nested list.
  return value.flatMap((entry) =>
    Array.isArray(entry) && !isPair(entry) ? listOf(entry, field) : entry ? [entry] : [],
  );
}

/** `[name, options]`; two names are a nested list. */
function isPair(entry: readonly unknown[]): boolean {
  return (
    typeof entry[0] === "string" &&
    (entry.length === 1 || (entry.length === 2 && typeof entry[1] === "object"))
  );
}

/** The preset or plugin of an entry: itself, or created by the package that it names. */
async function created(
  entry: unknown,
  { from, modules }: LoadContext,
  where: string,
  kind: "preset" | "plugin",
) {
  const [name, options] = Array.isArray(entry) ? entry : [entry, undefined];
  if (typeof entry === "function") {
    const { name } = entry as { name: string };
    throw new MediaError(
      "ECONFIG",
      `${where}: Expected a ${kind} but received its factory: write ${name || "it"}()`,
    );
  }
  if (typeof name !== "string") return { value: entry, name: undefined, folder: undefined };
  const module = await importNamed(name, from, where, kind);
  for (const file of module.files) modules.add(file);
  try {
    return { value: module.default(options ?? undefined), name, folder: module.folder };
  } catch (error) {
    if (codeOf(error) === "ECONFIG") throw atSource(where, error);
    throw new MediaError("ECONFIG", `${where}: '${name}' could not be created: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

const FIELDS = { name: "string", version: "string", apiVersion: "number", apply: "function" } as const;

function asPlugin(value: unknown, where: string): Plugin {
  const plugin: Partial<Plugin> = value ?? {};
  const fields = Object.keys(FIELDS) as (keyof typeof FIELDS)[];
  const field = fields.find((name) => typeof plugin[name] !== FIELDS[name] || plugin[name] === "");
  if (field) {
    const named = typeof plugin.name === "string" && plugin.name !== "" ? ` of ${plugin.name}` : "";
    const found = plugin[field] === undefined ? "is missing" : `is no ${FIELDS[field]}`;
    const advice = field === "apiVersion" ? `: this core has version ${API_VERSION} of the plugin API` : "";
    throw new MediaError(
      "ECONFIG",
      `${where}: Expected a plugin { ${fields.join(", ")} } but ${field}${named} ${found}${advice}`,
    );
  }
  const { name, version, apiVersion } = plugin as Plugin;
  if (apiVersion === API_VERSION) return plugin as Plugin;
  const advice =
    apiVersion < API_VERSION
      ? `install a newer ${name}`
      : `install a newer @mediatap/core, or an older ${name}`;
  throw new MediaError(
    "ECONFIG",
    `${where}: ${name} ${version} was written for version ${apiVersion} of the plugin API, but this core has ${API_VERSION}: ${advice}`,
  );
}
