import { inspect } from "node:util";
import type { LoadedConfig } from "../config/load.ts";

const SECRET = /key|secret|token|password|credential|authorization/i;

/** The resolved configuration, secrets masked; for people with where each value came from. */
export function showConfig({ config, plugins, source, provenances }: LoadedConfig, json: boolean): string {
  const shown = masked({ ...config, plugins: plugins.map(({ name, version }) => `${name}@${version}`) });
  if (json)
    return JSON.stringify({ source, config: shown, origins: Object.fromEntries(provenances) }, null, 2);
  const lines = [`# ${source}`];
  for (const [path, value] of leaves(shown)) {
    const from = nearest(provenances, path);
    const text = inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 6 });
    lines.push(`${path}: ${text}${from && from !== source ? `   # ${from}` : ""}`);
  }
  return lines.join("\n");
}

function masked(value: unknown, name = ""): unknown {
  if (SECRET.test(name) && (typeof value === "string" || Array.isArray(value))) return "***";
  if (Array.isArray(value)) return value.map((entry) => masked(entry));
  if (typeof value === "string") return value.replace(/:\/\/[^/@\s]+@/, "://***@");
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, masked(field, key)]));
}

function* leaves(value: unknown, path = ""): Generator<[string, unknown]> {
  if (value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length > 0) {
    for (const [name, field] of Object.entries(value)) {
      if (field !== undefined && name !== "presets") yield* leaves(field, path ? `${path}.${name}` : name);
    }
  } else yield [path, value];
}

/** Where the value at a path, or the map around it, was set. */
function nearest(provenances: ReadonlyMap<string, string>, path: string): string | undefined {
  const parts = path.split(".");
  while (parts.length > 0) {
    const from = provenances.get(parts.join("."));
    if (from !== undefined) return from;
    parts.pop();
  }
  return undefined;
}
