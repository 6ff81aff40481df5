import { type Plugin, parseOptions } from "@mediatap/core";
import { cacheStorageOf, createStorageBackend, diagnoseCacheStorage } from "@mediatap/core/cache";
import { z } from "zod";

const NAME = "cache-storage";
const DAY = 24 * 60 * 60 * 1000;

const schema = z.strictObject({
  /** Name of the origin in which renditions are kept: one that can be written to, and that no endpoint asks. */
  origin: z.string().min(1),
  /** What all names begin with. */
  prefix: z
    .string()
    .regex(/^(?:[\w.-]+\/)*$/, "Expected folders, each with a slash behind it")
    .default("renditions/"),
  /** Largest body that is kept, in bytes; of a larger one, the record. */
  maxEntryBytes: z
    .int()
    .positive()
    .default(1024 ** 3),
  /** Milliseconds for which an entry is kept. */
  ttl: z
    .int()
    .positive()
    .default(90 * DAY),
  /** Milliseconds that a lookup waits for the storage; then the request goes on without it. */
  timeout: z.int().positive().default(1_000),
  /** Keep what only clients with a signature may see, too: only where nobody else reads the storage. */
  private: z.boolean().default(false),
});

/** Options of `cacheStorage`. */
export type CacheStorageOptions = z.input<typeof schema>;

/** Keeps renditions in a storage of one's own, such as S3, so that machines have them in common, and keep them for long. */
export function cacheStorage(options: CacheStorageOptions): Plugin {
  const { origin, ...checked } = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply(api) {
      const { prefix, ...use } = checked;
      const option = { field: `${NAME}.origin`, origin, contents: "renditions" };
      api.cache({
        tier: "storage",
        ...use,
        open: (runtime) => createStorageBackend(cacheStorageOf(api, option, runtime), prefix),
      });
      api.hooks.diagnose.tapPromise(NAME, (diagnosis) =>
        diagnoseCacheStorage(api, option, `${prefix}doctor.txt`, diagnosis),
      );
    },
  };
}

export default cacheStorage;
