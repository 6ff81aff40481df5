import { type Plugin, parseOptions } from "@mediatap/core";
import { cacheStorageOf, createStorageBackend, diagnoseCacheStorage } from "@mediatap/core/cache";
import { z } from "zod";

const NAME = "cache-storage";
const DAY = 24 * 60 * 60 * 1000;

const schema = z.strictObject({
  /** Name of the origin in which renditions are stored: writable, and used by no endpoint. */
  origin: z.string().min(1),
  /** Prefix of all names. */
  prefix: z
    .string()
    .regex(/^(?:[\w.-]+\/)*$/, "Expected folders, each with a slash behind it")
    .default("renditions/"),
  /** Largest body that is stored, in bytes; for a larger one only the metadata is stored. */
  maxEntryBytes: z
    .int()
    .positive()
    .default(1024 ** 3),
  /** Milliseconds for which an entry is stored. */
  ttl: z
    .int()
    .positive()
    .default(90 * DAY),
  /** Milliseconds that a lookup waits for the storage; then the request continues without it. */
  timeout: z.int().positive().default(1_000),
  /** Also store what only clients with a signature can see: only if nobody else reads the storage. */
  private: z.boolean().default(false),
});

/** Options of `cacheStorage`. */
export type CacheStorageOptions = z.input<typeof schema>;

/** Stores renditions in your own storage, such as S3, so that machines share them and keep them for long. */
export function cacheStorage(options: CacheStorageOptions): Plugin {
  const { origin, ...checked } = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply(api) {
      const { prefix, ...tierOptions } = checked;
      const option = { field: `${NAME}.origin`, origin, contents: "renditions" };
      api.cache({
        tier: "storage",
        ...tierOptions,
        open: (runtime) => createStorageBackend(cacheStorageOf(api, option, runtime), prefix),
      });
      api.hooks.diagnose.tapPromise(NAME, (diagnosis) =>
        diagnoseCacheStorage(api, option, `${prefix}doctor.txt`, diagnosis),
      );
    },
  };
}

export default cacheStorage;
