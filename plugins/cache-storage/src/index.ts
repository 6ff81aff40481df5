import { buffer } from "node:stream/consumers";
import { MediaError, type Plugin, type PluginApi, parseOptions, type RuntimeInfo } from "@mediatap/core";
import { createStorageBackend, type WritableStorage } from "@mediatap/core/cache";
import type { Storage } from "@mediatap/core/storage";
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
      const { hooks } = api;
      const { prefix, ...use } = checked;
      let runtime: RuntimeInfo | undefined;
      hooks.start.tap(NAME, (started) => {
        runtime = started;
      });

      api.cache({
        tier: "storage",
        settings: { origin, prefix },
        ...use,
        open() {
          const storage = writableOf(api, origin);
          if (runtime) assertHidden(origin, runtime);
          return createStorageBackend(storage, prefix);
        },
      });

      hooks.diagnose.tapPromise(NAME, async (diagnosis) => {
        if (diagnosis.local) return;
        const what = `renditions in ${origin}`;
        try {
          await examine(writableOf(api, origin), `${checked.prefix}doctor.txt`);
          diagnosis.add({ what, state: "good", text: "files can be written, read and removed" });
        } catch (error) {
          const advice = "allow the origin's credentials to write, list and delete files there";
          diagnosis.add({ what, state: "bad", text: (error as Error).message, advice });
        }
      });
    },
  };
}

function writableOf(api: PluginApi, name: string): WritableStorage {
  let storage: Storage;
  try {
    storage = api.origins.storage(name);
  } catch (error) {
    throw optionError((error as Error).message);
  }
  const { write, remove, list } = storage;
  if (!write || !remove || !list) throw optionError(`the origin '${name}' cannot be written to`);
  return storage as WritableStorage;
}

/** Whoever could ask for the files by their names would read private ones, and those of other tenants. */
function assertHidden(name: string, { endpoints }: RuntimeInfo): void {
  const asking = endpoints.find(({ origins, library }) => library === name || origins.includes(name));
  if (asking)
    throw optionError(
      `the endpoint ${asking.name} asks the origin '${name}'; renditions need a separate origin`,
    );
}

function optionError(message: string): MediaError {
  return new MediaError("ECONFIG", `${NAME}.origin: ${message}`);
}

async function examine(storage: WritableStorage, path: string): Promise<void> {
  const bytes = Buffer.from("mediatap doctor was here");
  await storage.write(path, bytes, { size: bytes.byteLength });
  const entry = await storage.open(path, { signal: AbortSignal.timeout(15_000) });
  if (typeof entry !== "object") throw new Error("A written value was not found");
  const read = await buffer(await entry.body()).finally(() => entry.close?.());
  if (!read.equals(bytes)) throw new Error("A written value was read with other content");
  await storage.remove(path);
}

export default cacheStorage;
