import { type Plugin, parseOptions } from "@mediatap/core";
import { type HttpFilesOptions, httpFilesOptions } from "@mediatap/core/storage";
import { createWebFolder } from "./folder.ts";
import { createWebProxy } from "./proxy.ts";

const NAME = "storage-web";
const VERSION = "0.1.0";

/** Retries and time limits of reads; see {@link HttpFilesOptions}. */
export type StorageWebOptions = HttpFilesOptions;

/**
 * Originals from web servers: origins of the types `WEB_FOLDER` (paths below a base URL) and `WEB_PROXY` (absolute
 * URLs that clients name). All requests go through the core's guarded fetcher.
 */
export function storageWeb(options: StorageWebOptions = {}): Plugin {
  const settings = parseOptions(httpFilesOptions, options, NAME);
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, fetcher }) {
      hooks.storage.for("WEB_FOLDER").tap(NAME, (origin) => createWebFolder(origin, fetcher, settings));
      hooks.storage.for("WEB_PROXY").tap(NAME, (origin) => createWebProxy(origin, fetcher, settings));
    },
  };
}

export default storageWeb;

export type { WebFolderOptions } from "./folder.ts";
export type { WebProxyOptions } from "./proxy.ts";
