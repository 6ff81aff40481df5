import type { FolderPage, ListFolderOptions } from "../../model/source.ts";
import { isEntryName, keyOf } from "./key.ts";

/** What an object store lists below a prefix, up to the next slash. */
export interface Listing {
  /** Prefixes of further objects, with the slash. */
  readonly folders: readonly string[];
  readonly files: readonly {
    readonly key: string;
    readonly size?: number | undefined;
    readonly lastModified?: number | undefined;
    readonly private?: boolean | undefined;
  }[];
  /** Cursor of the next page. */
  readonly next?: string | undefined;
}

/**
 * A page of a folder of an object store: `Storage.listFolder` by `list`, which is called with what the keys of the folder
 * begin with. Keys that `open` does not find are left out: `isKey` is false for them.
 */
export async function listObjects(
  list: (above: string) => Promise<Listing>,
  prefix: string,
  folder: string,
  { signal }: ListFolderOptions,
  isKey: (key: string) => boolean = (key) => keyOf("", key) !== undefined,
): Promise<FolderPage> {
  signal.throwIfAborted();
  const above = prefix + (folder === "" ? "" : `${folder}/`);
  if (!isKey(`${above}x`)) return { entries: [] };
  const { folders, files, next } = await list(above).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
  const entries = [
    ...folders.map((key) => ({ name: key.slice(above.length, -1), kind: "folder" as const })),
    ...files.map(({ key, size, lastModified, private: isPrivate }) => ({
      name: key.slice(above.length),
      kind: "file" as const,
      ...(size !== undefined && { size }),
      ...(lastModified !== undefined && { lastModified }),
      ...(isPrivate !== undefined && { private: isPrivate }),
    })),
  ];
  return {
    entries: entries.filter(({ name }) => isEntryName(name) && isKey(above + name)),
    ...(next !== undefined && next !== "" && { next }),
  };
}
