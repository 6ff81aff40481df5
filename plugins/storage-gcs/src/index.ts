import { type Plugin, parseOptions } from "@mediatap/core";
import { type HttpFilesOptions, httpFilesOptions } from "@mediatap/core/storage";
import { createGcs } from "./gcs.ts";

const NAME = "storage-gcs";
const VERSION = "0.1.0";

/** Retries and time limits of reads; see {@link HttpFilesOptions}. */
export type StorageGcsOptions = HttpFilesOptions;

/** Originals from Google Cloud Storage: origins of the type `GCS`. */
export function storageGcs(options: StorageGcsOptions = {}): Plugin {
  const settings = parseOptions(httpFilesOptions, options, NAME);
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fetcher }) {
      hooks.storage.for("GCS").tap(NAME, (origin) => createGcs(origin, fetcher, settings));
    },
  };
}

export default storageGcs;

export type { GcsOptions } from "./fields.ts";
