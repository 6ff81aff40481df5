import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  utimesSync,
} from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import type { Ban, RenditionRecord } from "@mediatap/core";
import { measureHead, parseHead } from "./format.ts";
import {
  isEntry,
  isTemporary,
  isTrash,
  type Label,
  labelOf,
  type Places,
  parseMark,
  pathsOf,
  writerOf,
} from "./names.ts";

// What looks at many files. It runs in a thread of its own, so that it may wait for the disk, which costs a fifth of asking
// and being told. After each folder others have their turn: a purge does not wait for a count.

/** What a file takes on a disk. */
const SECTOR = 4096;

/** Milliseconds without a change after which a file that is not finished never will be, whoever writes it. */
const STALLED_MS = 5 * 60 * 1000;

/** Milliseconds after which a mark without an entry belongs to none that is still to come. */
const OLD_MARK_MS = 60 * 60 * 1000;

/** Part of the budget that is left when something had to go: not each new entry should cost a count. */
const LEAVE = 0.9;

export const costOf = (size: number) => Math.ceil(size / SECTOR) * SECTOR;

/** Whether the process that wrote a file is gone, by the name that it gave it. */
export type IsWriterGone = (writer: string) => boolean | Promise<boolean>;

/**
 * Counts all entries, and removes those used least recently until they are within the budget; files of processes that were
 * killed go first. Resolves with the bytes of what is left, what is being written included.
 */
export async function count(
  places: Places,
  maxBytes: number,
  isWriterGone: IsWriterGone,
): Promise<{ bytes: number; removed: number }> {
  await removeTrash(places);
  const used: number[] = [];
  const costs: number[] = [];
  let bytes = 0;
  for await (const { file, path, mtimeMs, size } of found(places)) {
    if (isTemporary(file) && (await isAbandoned(file, mtimeMs, isWriterGone))) {
      rmSync(path, { force: true });
      continue;
    }
    bytes += costOf(size);
    if (isTemporary(file)) continue;
    used.push(mtimeMs);
    costs.push(costOf(size));
  }
  let removed = 0;
  if (bytes > maxBytes) {
    const until = lastToGo(used, costs, bytes - maxBytes * LEAVE);
    for await (const { file, path, mtimeMs, size } of found(places)) {
      // What was used meanwhile is younger.
      if (isTemporary(file) || mtimeMs > until || bytes <= maxBytes * LEAVE) continue;
      rmSync(path, { force: true });
      bytes -= costOf(size);
      removed++;
    }
  }
  await removeOldMarks(places);
  return { bytes, removed };
}

/** The time up to which entries must go, so that this much is free. */
function lastToGo(used: readonly number[], costs: readonly number[], much: number): number {
  const oldest = Uint32Array.from(used.keys()).sort((a, b) => (used[a] as number) - (used[b] as number));
  let free = 0;
  for (const at of oldest) {
    free += costs[at] as number;
    if (free >= much) return used[at] as number;
  }
  return Number.POSITIVE_INFINITY;
}

/** All entries, and what is being written. */
async function* found(places: Places) {
  for (const folder of subfolders(places.entries)) {
    for (const file of files(folder)) {
      const path = `${folder}/${file}`;
      const stats = isEntry(file) || isTemporary(file) ? lstat(path) : undefined;
      if (stats) yield { file, path, mtimeMs: stats.mtimeMs, size: stats.size };
    }
    await turn();
  }
}

async function isAbandoned(file: string, mtimeMs: number, isWriterGone: IsWriterGone): Promise<boolean> {
  if (Date.now() - mtimeMs > STALLED_MS) return true;
  const writer = writerOf(file);
  return writer !== undefined && (await isWriterGone(writer));
}

async function removeTrash({ root }: Places): Promise<void> {
  for (const file of files(root)) {
    if (isTrash(file)) rmSync(`${root}/${file}`, { recursive: true, force: true });
    await turn();
  }
}

/** Removes marks whose entry is gone. */
async function removeOldMarks(places: Places): Promise<void> {
  for (const folder of subfolders(places.index)) {
    for (const file of files(folder)) removeOldMark(places, `${folder}/${file}`, file);
    await turn();
  }
}

/**
 * A process that writes the entry just now renews its mark, or makes it again where it is gone: so the mark is put aside
 * first, and back where it turns out to be in use.
 */
function removeOldMark(places: Places, path: string, file: string): void {
  const name = parseMark(file.replace(ASIDE, ""))?.name;
  if (name === undefined || !isOld(path) || (lstat(places.entry(name)) && !file.endsWith(ASIDE))) return;
  const mark = file.endsWith(ASIDE) ? path.slice(0, -ASIDE.length) : path;
  const aside = mark + ASIDE;
  if (aside !== path && !attempt(() => renameSync(mark, aside))) return;
  if (lstat(places.entry(name)) || !isOld(aside)) attempt(() => renameSync(aside, mark));
  else rmSync(aside, { force: true });
}

const ASIDE = ".old";

function isOld(path: string): boolean {
  const stats = lstat(path);
  return stats !== undefined && Date.now() - stats.mtimeMs > OLD_MARK_MS;
}

/** Notes when entries were used: the order in which they go. */
export function touch(places: Places, uses: readonly (readonly [name: string, time: number])[]): void {
  for (const [name, time] of uses) attempt(() => utimesSync(places.entry(name), time / 1000, time / 1000));
}

/** Whether a ban speaks of a record: the core's, which this thread loads only where it is needed. */
export type IsBanned = (record: RenditionRecord, ban: Ban) => boolean;

/** Removes all entries that a ban speaks of; `isBanned` decides where the index alone cannot: of whose account they are. */
export async function purge(places: Places, ban: Ban, isBanned: IsBanned | undefined): Promise<void> {
  for await (const names of candidates(places, ban)) {
    for (const name of names) {
      const path = places.entry(name);
      const record = isBanned && recordOf(path);
      if (!isBanned || (record && isBanned(record, ban))) rmSync(path, { force: true });
    }
    await turn();
  }
}

/** Names of entries that have the source, prefix or tag, of whatever account. */
async function* candidates(places: Places, { kind, value }: Ban): AsyncGenerator<string[]> {
  if (kind === "source" || kind === "tag") {
    const label = labelOf(kind, value);
    yield marksIn(places.indexShardOf(label))
      .filter((mark) => mark.label === label)
      .map(({ name }) => name);
  } else if (kind === "prefix") {
    for (const folder of subfolders(places.index)) {
      const groups = Map.groupBy(marksIn(folder), ({ label }) => label);
      for (const [label, marks] of groups) {
        const names = marks.map(({ name }) => name);
        if (sourceOf(places, label, names)?.startsWith(value)) yield names;
      }
      await turn();
    }
  } else if (kind === "all") {
    for (const folder of subfolders(places.entries)) yield files(folder).filter(isEntry);
  }
}

function marksIn(folder: string) {
  return files(folder)
    .map(parseMark)
    .filter((mark) => mark !== undefined);
}

/** The path that a label stands for, as one of its entries tells; `undefined`: none does, or it is a tag. */
function sourceOf(places: Places, label: Label, names: readonly string[]): string | undefined {
  for (const name of names) {
    const record = recordOf(places.entry(name));
    const path = record && pathsOf(record).find((known) => labelOf("source", known) === label);
    if (path !== undefined) return path;
  }
  return undefined;
}

/** The record of an entry; `undefined`: it is gone, or damaged. */
function recordOf(path: string): RenditionRecord | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const begun = Buffer.alloc(SECTOR);
    const length = readSync(fd, begun, 0, SECTOR, 0);
    const head = Buffer.alloc(measureHead(begun.subarray(0, length)));
    readSync(fd, head, 0, head.byteLength, 0);
    return parseHead(head).record;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Names in a folder; none where it is not there. */
function files(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return [];
    throw error;
  }
}

function subfolders(folder: string): string[] {
  return files(folder).map((name) => `${folder}/${name}`);
}

function lstat(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** Whether it could be done; others may have been faster. */
function attempt(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** Not the core's: this thread needs nothing else of it. */
function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
