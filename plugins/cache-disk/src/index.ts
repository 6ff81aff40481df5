import { resolve } from "node:path";
import { type Plugin, parseOptions } from "@mediatap/core";
import { z } from "zod";
import { createDiskBackend } from "./backend.ts";
import { examine } from "./check.ts";

const NAME = "cache-disk";
const GB = 1024 ** 3;

const schema = z.strictObject({
  /** Folder of the cache, relative to the folder of the configuration. Processes can share it. */
  path: z.string().min(1),
  /** Budget of all files together, in bytes. */
  maxBytes: z
    .int()
    .positive()
    .default(10 * GB),
  /** Largest body that is stored, in bytes; left out: an eighth of the budget. */
  maxEntryBytes: z.int().positive().optional(),
  /** Milliseconds that a lookup waits for the disk; then the request continues without it. */
  timeout: z.int().positive().default(250),
});

/** Options of `cacheDisk`. */
export type CacheDiskOptions = z.input<typeof schema>;

/** Entries that are written at once. */
const MAX_WRITERS = 4;

/**
 * Stores renditions in a folder, within a budget; the least recently used are evicted. They survive restarts and are shared by
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
    apply({ cache, hooks, logger, config: { base } }) {
      const path = resolve(base, checked.path);
      cache({
        tier: "disk",
        settings: { path, maxBytes },
        timeout,
        maxEntryBytes,
        writers: MAX_WRITERS,
        open: () => createDiskBackend({ path, maxBytes }, logger),
      });
      hooks.diagnose.tapPromise(NAME, (diagnosis) => examine(path, maxBytes, diagnosis));
    },
  };
}

export default cacheDisk;
