import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  type Stats,
  utimesSync,
} from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import type { JournalRule, PurgeRule, StoredMetadata } from "@mediatap/core/cache";
import { measureHead, parseHead } from "./format.ts";
import { isEntry, isJournal, isTemporary, isTrash, type Places, writerOf } from "./names.ts";

// What looks at many files. It runs in a thread of its own, so that it may wait for the disk, which costs a fifth of asking
// and being told. After each folder others have their turn: a purge does not wait for a count.

/** What a file takes on a disk. */
const SECTOR = 4096;

/** Milliseconds without a change after which a file that is not finished never will be, whoever writes it. */
const STALLED_MS = 5 * 60 * 1000;

/** Milliseconds after which nothing is written any more that began before, whatever it is. */
const MAX_WORK_MS = 60 * 60 * 1000;

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

/** Notes when entries were used: the order in which they go. */
export function touch(places: Places, uses: readonly (readonly [name: string, time: number])[]): void {
  for (const [name, time] of uses) {
    try {
      utimesSync(places.entry(name), time / 1000, time / 1000);
    } catch (error) {
      // It has been removed meanwhile.
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }
}

/** What purge rules need of the core, which this thread loads only if there are any to carry out. */
export interface Rules {
  parse(text: string): readonly JournalRule[];
  matches(metadata: StoredMetadata, rule: PurgeRule): boolean;
}

/**
 * Carries out the rules of journal files that are complete, and so old that no entry is still to come from before them; then
 * the files are not needed any more.
 */
export async function compact(places: Places, load: () => Promise<Rules>): Promise<void> {
  const { purges } = places;
  const complete = files(purges)
    .filter(isJournal)
    .sort()
    .slice(0, -1)
    .map((file) => `${purges}/${file}`)
    .filter((path) => Date.now() - (lstat(path)?.mtimeMs ?? 0) > MAX_WORK_MS);
  if (complete.length === 0) return;
  const { parse, matches } = await load();
  const rules = parse(complete.map((path) => readFileSync(path, "utf8")).join(""));
  for (const folder of subfolders(places.entries)) {
    for (const file of files(folder).filter(isEntry)) {
      const path = `${folder}/${file}`;
      const metadata = metadataOf(path);
      const isVoid = rules.some(
        (rule) => metadata && matches(metadata, rule) && !metadata.purges?.includes(rule.id),
      );
      if (isVoid) rmSync(path, { force: true });
    }
    await turn();
  }
  for (const path of complete) rmSync(path, { force: true });
}

/** The metadata of an entry; `undefined`: it is gone, or damaged. */
function metadataOf(path: string): StoredMetadata | undefined {
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

/** Not the core's: this thread needs nothing else of it. */
function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
