import type { Dirent } from "node:fs";
import { opendir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, MediaError, shortageOf } from "@mediatap/core";
import {
  type FolderEntry,
  type FolderPage,
  isEntryName,
  type ListFolderOptions,
} from "@mediatap/core/storage";
import { isBelow, TEMPORARY } from "./write.ts";

/** Names that are read from a folder at once. */
const READ_AHEAD_ENTRIES = 1024;

/** An entry of a folder as it is sorted: folders first, then by name. */
interface Candidate {
  readonly kind: "file" | "folder";
  readonly name: string;
}

/** As people count: `2.jpg` before `10.jpg`. In one language everywhere, because cursors are compared by it. */
const collator = new Intl.Collator("en", { numeric: true });

function compare(a: Candidate, b: Candidate): number {
  if (a.kind !== b.kind) return a.kind === "folder" ? -1 : 1;
  // What looks alike, such as a composed and a decomposed accent, still has an order.
  return collator.compare(a.name, b.name) || (a.name < b.name ? -1 : Number(a.name > b.name));
}

/**
 * One page of a folder below `root`, folders first. All names of the folder are read for each page, since file systems keep
 * them in no order, but only those of the page are stored and inspected.
 */
export async function listFolder(
  root: string,
  folder: string,
  { limit = 100, cursor, signal }: ListFolderOptions,
): Promise<FolderPage> {
  signal.throwIfAborted();
  const after = cursor === undefined ? undefined : readCursor(cursor);
  try {
    const inside = await realpath(root);
    const at = await realpath(join(root, folder)).catch(unlessAbsent);
    if (at === undefined || !isBelow(inside, at)) return { entries: [] };
    const { first, hasMore } = await firstOf(at, limit, after, signal);
    const entries = await Promise.all(
      first.map((candidate) => entryOf(inside, join(at, candidate.name), candidate)),
    );
    const last = first.at(-1);
    return {
      entries: entries.filter((entry) => entry !== undefined),
      ...(hasMore && last && { next: cursorOf(last) }),
    };
  } catch (cause) {
    signal.throwIfAborted();
    if (["ENOENT", "ENOTDIR"].includes(codeOf(cause) ?? "")) {
      throw new MediaError("EACCES", "The origin's folder or bucket does not exist", { cause });
    }
    if (["EACCES", "EPERM"].includes(codeOf(cause) ?? "")) {
      throw new MediaError("EACCES", "The folder may not be read", { cause });
    }
    throw shortageOf(cause) ?? new MediaError("UNIDENTIFIED", "The folder could not be read", { cause });
  }
}

/** The first entries after a candidate, in order. Names are read one by one, and those that cannot be among the first are dropped. */
async function firstOf(folder: string, limit: number, after: Candidate | undefined, signal: AbortSignal) {
  let candidates: Candidate[] = [];
  let isCut = false;
  const cut = () => {
    candidates.sort(compare);
    isCut ||= candidates.length > limit;
    candidates = candidates.slice(0, limit);
  };
  const names = await opendir(folder, { bufferSize: READ_AHEAD_ENTRIES }).catch(unlessAbsent);
  if (!names) return { first: [], hasMore: false };
  for await (const entry of names) {
    signal.throwIfAborted();
    const candidate = { kind: entry.isDirectory() ? "folder" : "file", name: entry.name } as const;
    if (!isListed(entry) || (after && compare(candidate, after) <= 0)) continue;
    candidates.push(candidate);
    if (candidates.length >= 2 * limit + READ_AHEAD_ENTRIES) cut();
  }
  cut();
  return { first: candidates, hasMore: isCut };
}

/** A link, and what a file system does not tell the kind of, may be anything: it is looked at if it is on the page. */
function isListed(entry: Dirent): boolean {
  if (!isEntryName(entry.name) || TEMPORARY.test(entry.name)) return false;
  return !(entry.isFIFO() || entry.isSocket() || entry.isBlockDevice() || entry.isCharacterDevice());
}

/** What `open` would find under a name; `undefined` if that is nothing. */
async function entryOf(inside: string, path: string, { name }: Candidate): Promise<FolderEntry | undefined> {
  try {
    const real = await realpath(path);
    if (!isBelow(inside, real)) return undefined;
    const stats = await stat(real);
    if (stats.isDirectory()) return { name, kind: "folder", ...(real !== path && { isLink: true }) };
    if (!stats.isFile()) return undefined;
    return { name, kind: "file", size: stats.size, lastModified: Math.trunc(stats.mtimeMs), private: false };
  } catch {
    // Removed meanwhile, or a link that leads nowhere.
    return undefined;
  }
}

function unlessAbsent(error: unknown): undefined {
  if (!["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EINVAL"].includes(codeOf(error) ?? "")) throw error;
}

function cursorOf({ kind, name }: Candidate): string {
  return Buffer.from(`${kind === "folder" ? "d" : "f"}${name}`).toString("base64url");
}

function readCursor(cursor: string): Candidate {
  const text = Buffer.from(cursor, "base64url").toString();
  const name = text.slice(1);
  if (!/^[df]/.test(text) || !isEntryName(name)) {
    throw new MediaError("EINVAL", "Expected the cursor of a page of this folder");
  }
  return { kind: text.startsWith("d") ? "folder" : "file", name };
}
