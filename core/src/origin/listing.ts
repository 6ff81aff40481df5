import { MediaError } from "../model/errors.ts";
import type { FolderEntry, ListFolderOptions, Storage } from "../model/source.ts";

/** Pages of storages that are requested for one page of several storages: what is dropped of some may leave them empty. */
const MAX_LISTINGS = 10;

/** An origin whose folders can be listed. */
export interface ListedOrigin {
  readonly name: string;
  readonly storage: Storage & Required<Pick<Storage, "listFolder">>;
}

/** Those of the origins whose folders can be listed, by their names. */
export function listedOrigins(
  names: readonly string[],
  storageOf: (name: string) => Storage,
): readonly ListedOrigin[] {
  return names
    .map((name) => ({ name, storage: storageOf(name) }))
    .filter((origin): origin is ListedOrigin => origin.storage.listFolder !== undefined);
}

interface ListOriginsOptions<T extends { readonly name: string; readonly kind: string }>
  extends ListFolderOptions {
  /** What the page contains of entries of an origin. */
  readonly keep: (entries: readonly FolderEntry[], origin: ListedOrigin) => Promise<readonly T[]>;
  /** Called for an origin whose listing failed; the page goes on with the next one. */
  readonly onFailure: (error: unknown, origin: string) => void;
}

/**
 * One page of a folder of several origins, one after the other. A file or folder that the page contains of an earlier origin is not
 * repeated. Throws `EINVAL` for a cursor of something else.
 */
export async function listOrigins<T extends { readonly name: string; readonly kind: string }>(
  origins: readonly ListedOrigin[],
  folder: string,
  { limit = 100, cursor, signal, keep, onFailure }: ListOriginsOptions<T>,
): Promise<{ readonly entries: readonly T[]; readonly next?: string }> {
  const [, first = "0", rest] = /^(\d{1,3})(?:\.(.*))?$/s.exec(cursor ?? "") ?? [];
  if (cursor !== undefined && !origins[Number(first)])
    throw new MediaError("EINVAL", "Expected a cursor of this folder");
  const found = new Map<string, T>();
  let at = Number(first);
  let own: string | undefined = rest || undefined;
  for (let round = 0; at < origins.length && found.size < limit && round < MAX_LISTINGS; round++) {
    const origin = origins[at] as ListedOrigin;
    try {
      const page = await origin.storage.listFolder(folder, {
        limit: limit - found.size,
        cursor: own,
        signal,
      });
      for (const entry of await keep(page.entries, origin)) {
        const id = `${entry.kind === "folder"} ${entry.name}`;
        if (!found.has(id)) found.set(id, entry);
      }
      own = page.next;
    } catch (error) {
      onFailure(error, origin.name);
      own = undefined;
    }
    if (own === undefined) at += 1;
  }
  const next = at < origins.length ? `${at}${own === undefined ? "" : `.${own}`}` : undefined;
  return { entries: [...found.values()], ...(next !== undefined && { next }) };
}
