import { inspect } from "node:util";
import type { LoadedConfig } from "../config/load.ts";
import { secretsOf } from "../config/options.ts";
import { DEFAULT_RULES } from "../config/rules.ts";
import { configSchema } from "../config/schema.ts";
import { DEFAULT_LIMITS } from "../model/limits.ts";
import { createRuntime } from "../server/runtime.ts";
import { maskSecrets } from "../util/redact.ts";

const DEFAULTS = {
  ...DEFAULT_RULES,
  server: { port: 3000 },
  log: { level: "info" },
  requestFrom: "mediatap",
  limits: DEFAULT_LIMITS,
};

/**
 * The resolved configuration, defaults included and secrets masked, with where each value came from. Checked as the
 * server would check it: throws `ECONFIG`.
 */
export async function showConfig(loaded: LoadedConfig, json: boolean): Promise<string> {
  await (await createRuntime(loaded)).stop();

  const { config, plugins, source, provenances } = loaded;
  const named = plugins.map(({ name, version }) => `${name}@${version}`);
  const shown = maskSecrets({ ...withDefaults(config), plugins: named }, secretsOf(configSchema));
  const entries = [...leaves(shown)].map(([path, value]) => ({
    path,
    value,
    from: nearest(provenances, path),
  }));
  if (json) {
    const from = Object.fromEntries(entries.map((entry) => [entry.path, entry.from]));
    return JSON.stringify({ source, config: shown, from }, null, 2);
  }
  const lines = entries.map(
    ({ path, value, from }) => `${path}: ${textOf(value)}${from === source ? "" : `   # ${from}`}`,
  );
  return [`# ${source}`, ...lines].join("\n");
}

/** What a configuration leaves out, filled in one level deep: its maps keep their own fields. */
function withDefaults(config: LoadedConfig["config"]): Record<string, unknown> {
  const written = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
  const { server, log, limits } = DEFAULTS;
  return {
    ...DEFAULTS,
    ...written,
    server: { ...server, ...config.server },
    log: { ...log, ...config.log },
    limits: { ...limits, ...config.limits },
  };
}

function textOf(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 6 });
}

function* leaves(value: unknown, path = ""): Generator<[path: string, value: unknown]> {
  if (value !== null && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length > 0) {
    for (const [name, field] of Object.entries(value)) {
      if (field !== undefined) yield* leaves(field, path === "" ? name : `${path}.${name}`);
    }
  } else yield [path, value];
}

/** Where the value at a path, or the map around it, was set. */
function nearest(provenances: ReadonlyMap<string, string>, path: string): string {
  const parts = path.split(".");
  while (parts.length > 0) {
    const from = provenances.get(parts.join("."));
    if (from !== undefined) return from;
    parts.pop();
  }
  return "default";
}
