import { type Plugin, parseOptions } from "@mediatap/core";
import { createAzure } from "./azure.ts";
import { optionsSchema, type StorageAzureOptions } from "./options.ts";

const NAME = "storage-azure";
const VERSION = "0.1.0";

/** Originals from Azure Blob Storage: origins of the type `AZURE_BLOB`. */
export function storageAzure(options: StorageAzureOptions = {}): Plugin {
  const settings = parseOptions(optionsSchema, options, NAME);
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fetcher }) {
      hooks.storage.for("AZURE_BLOB").tap(NAME, (origin) => createAzure(origin, fetcher, settings));
    },
  };
}

export default storageAzure;

export type { AzureCredential } from "./access.ts";
export type { AzureBlobOptions } from "./fields.ts";
export type { StorageAzureOptions } from "./options.ts";
