import { type HttpFilesOptions, type Plugin, parseOptions } from "@mediatap/core";
import { z } from "zod";
import { createAzure } from "./azure.ts";

const NAME = "storage-azure";
const VERSION = "0.1.0";

/** Retries and time limits of reads; see {@link HttpFilesOptions}. */
export type StorageAzureOptions = HttpFilesOptions;

const schema = z.strictObject({
  retries: z.int().min(0).max(10).default(2),
  timeout: z.int().positive().default(30_000),
  videoTimeout: z.int().positive().default(300_000),
});

/** Originals from Azure Blob Storage: origins of the type `AZURE_BLOB`. */
export function storageAzure(options: StorageAzureOptions = {}): Plugin {
  const settings = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: VERSION,
    apply({ hooks, fetcher }) {
      hooks.storage.for("AZURE_BLOB").tap(NAME, (origin) => createAzure(origin, fetcher, settings));
    },
  };
}

export default storageAzure;

export type { AzureBlobOptions } from "./fields.ts";
