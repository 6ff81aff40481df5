import type { Plugin } from "../plugin/plugin.ts";

/** Fields whose values are maps of named things: later ones win name by name. */
const MAPS = new Set(["origins", "endpoints", "namedTransformations", "limits", "server", "log", "network"]);

type Fields = Readonly<Record<string, unknown>>;

/** Where each value of a merged configuration came from, by its path: `endpoints.default.quality`. */
export type Provenances = Map<string, string>;

export interface Layer {
  readonly from: string;
  readonly config: Fields;
}

/**
 * Configurations, first to last, as one. Later values win; maps are merged by name (endpoints field by field), plugins
 * are added up, and one that comes again under its name takes the earlier one's place.
 */
export function mergeConfigs(layers: readonly Layer[]): {
  config: Record<string, unknown>;
  origins: Provenances;
} {
  const config: Record<string, unknown> = {};
  const origins: Provenances = new Map();
  for (const { from, config: layer } of layers) {
    const note = (path: string) => void origins.set(path, from);
    for (const [field, value] of Object.entries(layer)) {
      if (value === undefined || field === "presets") continue;
      if (field === "plugins") {
        config.plugins = mergePlugins(config.plugins as Plugin[] | undefined, value as Plugin[]);
        note(field);
      } else if (MAPS.has(field) && isFields(value)) {
        config[field] = mergeMap(config[field] as Fields | undefined, value, field, note);
      } else {
        config[field] = value;
        note(field);
      }
    }
  }
  return { config, origins };
}

function mergeMap(
  base: Fields | undefined,
  layer: Fields,
  path: string,
  note: (path: string) => void,
): Fields {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(layer)) {
    if (value === undefined) continue;
    const known = merged[name];
    const below = `${path}.${name}`;
    // An endpoint is refined field by field; anything else of one name is replaced.
    if (path === "endpoints" && isFields(known) && isFields(value)) {
      merged[name] = mergeMap(known, value, below, note);
    } else {
      merged[name] = value;
      if (path === "endpoints" && isFields(value))
        for (const field of Object.keys(value)) note(`${below}.${field}`);
      else note(below);
    }
  }
  return merged;
}

function mergePlugins(base: readonly Plugin[] = [], layer: readonly Plugin[]): Plugin[] {
  const merged = [...base];
  for (const plugin of layer) {
    const at = merged.findIndex(({ name }) => name === plugin.name);
    if (at >= 0) merged[at] = plugin;
    else merged.push(plugin);
  }
  return merged;
}

/** Whether a value is a mapping. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
