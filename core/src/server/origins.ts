import { atSource, type LoadedConfig } from "../config/load.ts";
import { resolveOrigins } from "../config/resolve.ts";
import type { Hooks } from "../hooks.ts";
import { codeOf, MediaError } from "../model/errors.ts";
import type { OriginEntry } from "../origin/entry.ts";
import { didYouMean } from "../util/did-you-mean.ts";
import { startError } from "./start-error.ts";

/** Each configured origin through the storage plugin of its type. */
export async function openOrigins(
  config: LoadedConfig,
  hooks: Hooks,
  types: readonly string[],
): Promise<Map<string, OriginEntry>> {
  const origins = new Map<string, OriginEntry>();
  for (const { name, at, type, hedge, fingerprint, options } of resolveOrigins(config.config)) {
    const storage = await hooks.storage
      .for(type)
      .promise({ name, type, base: config.base, options })
      .catch((error: unknown) =>
        Promise.reject(atSource(config.source, atOrigin(startError(error, at), name, at))),
      );
    if (!storage) {
      throw new MediaError(
        "ECONFIG",
        `${config.source}: ${at}.type: no plugin serves '${type}'${didYouMean(type, types)}`,
      );
    }
    origins.set(name, { name, type, storage, fingerprint, ...(hedge === undefined ? {} : { hedge }) });
  }
  return origins;
}

/** Throws `ECONFIG` if the configuration has no origin of this name. */
export function originOf(origins: ReadonlyMap<string, OriginEntry>, name: string): OriginEntry {
  const origin = origins.get(name);
  if (origin) return origin;
  throw new MediaError("ECONFIG", `unknown origin '${name}'${didYouMean(name, [...origins.keys()])}`);
}

/** Storages know an origin by its name; a tenant's stands elsewhere in the configuration. */
function atOrigin(error: unknown, name: string, at: string): unknown {
  if (codeOf(error) !== "ECONFIG") return error;
  const { message, hook, plugin } = error as MediaError;
  return new MediaError("ECONFIG", message.replaceAll(`origins.${name}`, at), { cause: error, hook, plugin });
}
