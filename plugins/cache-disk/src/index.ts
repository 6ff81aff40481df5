import { resolve } from "node:path";
import { measureCache, type Plugin, parseOptions, Stage } from "@mediatap/core";
import { z } from "zod";
import { examine } from "./check.ts";
import { createStore, type Store } from "./store.ts";

const NAME = "cache-disk";
const GB = 1024 ** 3;

const schema = z.strictObject({
  /** Folder of the cache; a relative one starts at the folder of the configuration. Processes may share it. */
  path: z.string().min(1),
  /** Budget of all files together, in bytes. */
  maxBytes: z
    .int()
    .positive()
    .default(10 * GB),
  /** Largest body that is kept, in bytes; left out: an eighth of the budget. */
  maxEntryBytes: z.int().positive().optional(),
  /** Milliseconds that a lookup waits for the disk; then the request goes on without it. */
  timeout: z.int().positive().default(250),
});

/** Options of `cacheDisk`. */
export type CacheDiskOptions = z.input<typeof schema>;

/**
 * Keeps renditions in a folder, within a budget; the least recently used go first. They survive restarts, and belong to
 * all processes that use the folder.
 */
export function cacheDisk(options: CacheDiskOptions): Plugin {
  const checked = parseOptions(schema, options, NAME);
  const { maxBytes, timeout } = checked;
  const maxEntryBytes = Math.min(checked.maxEntryBytes ?? Math.ceil(maxBytes / 8), maxBytes);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply(api) {
      const { hooks, shared, logger, limitsOf, base } = api;
      const path = resolve(base, checked.path);
      const settings = { path, maxBytes, maxEntryBytes, timeout, rest: limitsOf().failureLifetime };
      const store = shared<Store>(`${NAME}:${JSON.stringify(settings)}`, () => createStore(settings, logger));

      hooks.start.tap(NAME, () => store.start());
      measureCache(api, { cache: NAME, shared: true, read: store.contents });

      hooks.lookup.tapPromise({ name: NAME, stage: Stage.disk }, async (lookup) => {
        const found = await store.find(lookup.key);
        if (found && (found.body || !lookup.needsBody)) {
          if (lookup.isFresh(found.record)) return { ...found, cache: NAME };
          lookup.offer(found);
        }
        lookup.fill(({ record, body }) => store.store(record, body));
        return undefined;
      });

      hooks.store.tapPromise(NAME, (record, body) => store.store(record, body));
      hooks.purge.tapPromise(NAME, (ban) => store.purge(ban));
      hooks.diagnose.tapPromise(NAME, (diagnosis) => examine(path, maxBytes, diagnosis));
    },
  };
}

export default cacheDisk;
