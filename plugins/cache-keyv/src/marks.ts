import { hash } from "node:crypto";
import { type Ban, type RenditionRecord, tenantOf } from "@mediatap/core";

// A purge changes the value of one mark, and an entry holds only while the marks that it was written under have the values
// that they had then. So a purge needs no list of entries, holds for all processes at once, and an entry that began before
// it is void whenever it arrives. A mark that is gone (evicted) voids its entries, too: nothing comes back.

/** Folders deeper than this have no marks of their own. */
const DEEPEST = 16;

/** What a mark stands for, within an account: a folder with all below, a source, a tag; or the prefixes that are no folders. */
export type MarkKind = "folder" | "source" | "tag" | "prefixes";

/** The name of a mark; hashed, since values come from URLs. */
export function markOf(tenant: string, kind: MarkKind, value: string): string {
  return hash("sha256", JSON.stringify([tenant, kind, value]), "base64url").slice(0, 27);
}

type Purgeable = Pick<RenditionRecord, "asset" | "sources" | "tags">;

/** The account that an entry belongs to. */
export function accountOf({ asset, sources: [main] }: Purgeable): string {
  return asset?.tenant ?? (main ? tenantOf(main.origin) : "");
}

/** Paths and URLs of all that an entry was made of. */
export function pathsOf({ asset, sources }: Purgeable): string[] {
  const paths = sources.map(({ path }) => path);
  return asset ? [asset.path, ...paths] : paths;
}

/** All marks that an entry stands under, in an order that the record alone decides. */
export function marksOf(record: Purgeable): string[] {
  const tenant = accountOf(record);
  const paths = pathsOf(record);
  const folders = ["", ...paths.flatMap(foldersOf)];
  const marks = [
    ...folders.map((folder) => markOf(tenant, "folder", folder)),
    ...paths.map((path) => markOf(tenant, "source", path)),
    ...(record.tags ?? []).map((tag) => markOf(tenant, "tag", tag)),
  ];
  return [...new Set(marks)];
}

/** What a path begins with, up to each slash. */
function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let at = path.indexOf("/"); at >= 0 && folders.length < DEEPEST; at = path.indexOf("/", at + 1)) {
    folders.push(path.slice(0, at + 1));
  }
  return folders;
}

/** The mark that a ban changes in an account; `undefined`: none, it is about a key, or a prefix that is no folder. */
export function markOfBan(tenant: string, { kind, value }: Ban): string | undefined {
  switch (kind) {
    case "all":
      return markOf(tenant, "folder", "");
    case "source":
    case "tag":
      return markOf(tenant, kind, value);
    case "prefix":
      return isFolder(value) ? markOf(tenant, "folder", value) : undefined;
    default:
      return undefined;
  }
}

function isFolder(prefix: string): boolean {
  return prefix === "" || foldersOf(prefix).at(-1) === prefix;
}
