import { didYouMean, MediaError, type Plugin, parseOptions, type RuntimeInfo } from "@mediatap/core";
import { cacheStorageOf, createOriginalsBackend, diagnoseCacheStorage } from "@mediatap/core/cache";
import { z } from "zod";

const NAME = "cache-source";
const DAY = 24 * 60 * 60 * 1000;
const GB = 1024 ** 3;

/** Milliseconds that a lookup waits for the storage; then the origin is used. */
const TIMEOUT_MS = 3_000;

const schema = z.strictObject({
  /** Name of the origin in which copies are stored: writable, and used by no endpoint. */
  storage: z.string().min(1),
  /** Names of the origins whose files are copied; a tenant's as `tenant/name`. Left out: all but folders. */
  origins: z.array(z.string()).optional(),
  /** Milliseconds after which a copy is revalidated with its origin; `false`: never. */
  revalidate: z.union([z.number().min(0), z.literal(false)]).default(DAY),
  /** Milliseconds after that for which a copy is used if its origin fails. */
  staleIfError: z
    .number()
    .min(0)
    .default(7 * DAY),
  /** Bytes of all copies; `false`: no limit. Left out: 10 GB in a folder, else no limit. */
  budget: z.union([z.int().positive(), z.literal(false)]).optional(),
  /** Largest file that is copied, in bytes. Left out: an eighth of the budget. */
  maxFileBytes: z.int().positive().optional(),
});

/** Options of `cacheSource`. */
export type CacheSourceOptions = z.input<typeof schema>;
type Options = z.output<typeof schema>;

/**
 * Stores a copy of each original in your own storage when it is first read, and reads it from there afterwards. The core
 * owns the rules: which originals are copied, when a copy is revalidated, and when a stale one is used.
 */
export function cacheSource(options: CacheSourceOptions): Plugin {
  const checked = parseOptions(schema, options, NAME);
  const { storage: origin, revalidate, staleIfError } = checked;
  const option = { field: `${NAME}.storage`, origin, contents: "saved copies" };
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply(api) {
      api.cache({
        tier: "storage",
        originals: true,
        timeout: TIMEOUT_MS,
        open(runtime) {
          const storage = cacheStorageOf(api, option, runtime);
          const copied = copiedOrigins(checked, runtime);
          const { maxBytes, maxFileBytes } = budgetOf(checked, runtime);
          return {
            backend: createOriginalsBackend(storage, {
              maxBytes,
              grace: api.limitsOf().request,
              log: api.logger,
            }),
            policy: {
              stores: (name) => copied.has(name),
              maxFileBytes,
              revalidate: revalidate === false ? Number.POSITIVE_INFINITY : revalidate,
              staleIfError,
            },
          };
        },
      });
      api.hooks.diagnose.tapPromise(NAME, (diagnosis) =>
        diagnoseCacheStorage(api, option, "mediatap-doctor/probe.txt", diagnosis),
      );
    },
  };
}

function budgetOf({ storage, budget, maxFileBytes }: Options, { origins }: RuntimeInfo) {
  const isFolder = origins.find(({ name }) => name === storage)?.type === "FOLDER";
  const maxBytes = (budget ?? (isFolder && 10 * GB)) || undefined;
  return { maxBytes, maxFileBytes: maxFileBytes ?? Math.ceil((maxBytes ?? Number.POSITIVE_INFINITY) / 8) };
}

/** Names of the origins whose files are copied. Folders are as near as their copies would be. */
function copiedOrigins({ origins: wanted, storage }: Options, { origins }: RuntimeInfo): ReadonlySet<string> {
  const names = origins.map(({ name }) => name);
  const unknown = wanted?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const hint = didYouMean(unknown, names);
    throw new MediaError("ECONFIG", `${NAME}.origins: unknown origin '${unknown}'${hint}`);
  }
  const copied = origins.filter(
    ({ name, type }) => name !== storage && (wanted ? wanted.includes(name) : type !== "FOLDER"),
  );
  return new Set(copied.map(({ name }) => name));
}

export default cacheSource;
