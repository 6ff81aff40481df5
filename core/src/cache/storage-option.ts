import { buffer } from "node:stream/consumers";
import type { Diagnosis, RuntimeInfo } from "../hooks.ts";
import { codeOf, MediaError } from "../model/errors.ts";
import type { Storage } from "../model/source.ts";
import type { PluginApi } from "../plugin/plugin.ts";
import type { WritableStorage } from "./storage-files.ts";

/** An option of a cache that names the origin in which it stores its entries. */
export interface StorageOption {
  /** Plugin and field, for messages: `cache-storage.origin`. */
  readonly field: string;
  readonly origin: string;
  /** What is stored there, for messages: `renditions`. */
  readonly contents: string;
}

type Origins = Pick<PluginApi, "origins">;

/**
 * The storage that an option names. Throws `ECONFIG` if it cannot be written to, or if an endpoint uses it: clients that could
 * request its files by their names would read private ones, and those of other tenants.
 */
export function cacheStorageOf(
  { origins }: Origins,
  { field, origin, contents }: StorageOption,
  { endpoints }: Pick<RuntimeInfo, "endpoints">,
): WritableStorage {
  const refuse = (what: string) => new MediaError("ECONFIG", `${field}: ${what}`);
  let storage: Storage;
  try {
    storage = origins.storage(origin);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  const { write, remove, list } = storage;
  if (!write || !remove || !list) throw refuse(`the origin '${origin}' cannot be written to`);
  const endpoint = endpoints.find(({ origins, library }) => library === origin || origins.includes(origin));
  if (!endpoint) return storage as WritableStorage;
  throw refuse(
    `the endpoint ${endpoint.name} asks the origin '${origin}'; ${contents} need a separate origin`,
  );
}

/** Tries for `mediatap doctor` all that a cache needs of its storage. `path`: of a file that is no entry. */
export async function diagnoseCacheStorage(
  api: Origins,
  option: StorageOption,
  path: string,
  diagnosis: Diagnosis,
): Promise<void> {
  if (diagnosis.local) return;
  const what = `${option.contents} in ${option.origin}`;
  try {
    const storage = cacheStorageOf(api, option, { endpoints: [] });
    const bytes = Buffer.from("mediatap doctor was here");
    await storage.write(path, bytes, { size: bytes.byteLength });
    const entry = await storage.open(path, { signal: AbortSignal.timeout(15_000) });
    if (typeof entry !== "object") throw new Error("A written value was not found");
    const read = await buffer(await entry.body()).finally(() => entry.close?.());
    if (!read.equals(bytes)) throw new Error("A written value was read with other content");
    await storage.remove(path);
    diagnosis.add({ what, state: "good", text: "files can be written, read and removed" });
  } catch (error) {
    const { message, cause } = error as Error;
    const reason = codeOf(cause);
    diagnosis.add({
      what,
      state: "bad",
      text: reason === undefined ? message : `${message} (${reason})`,
      advice:
        "allow the user of this process, or the origin's credentials, to write, list and delete files there",
    });
  }
}
