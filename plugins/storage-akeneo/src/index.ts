import { type Plugin, parseOptions } from "@mediatap/core";
import { type HttpFilesOptions, httpFilesOptions } from "@mediatap/core/storage";
import { createAkeneo } from "./akeneo.ts";

const NAME = "storage-akeneo";
const VERSION = "0.1.0";

/** Retries and time limits of requests; see {@link HttpFilesOptions}. */
export type StorageAkeneoOptions = HttpFilesOptions;

/** Originals from an Akeneo PIM: origins of the type `AKENEO_PIM`. */
export function storageAkeneo(options: StorageAkeneoOptions = {}): Plugin {
  const settings = parseOptions(httpFilesOptions, options, NAME);
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fetcher }) {
      hooks.storage.for("AKENEO_PIM").tap(NAME, (origin) => createAkeneo(origin, fetcher, settings));
    },
  };
}

export default storageAkeneo;

export type { AkeneoPimOptions } from "./fields.ts";
