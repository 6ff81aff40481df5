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
import { parentPort, workerData } from "node:worker_threads";
import type { StoredMetadata } from "@mediatap/core/cache";
import { diskBytesOf, measureHead, parseHead } from "./format.ts";
import { isEntry, isJournal, isTemporary, isTrash, pathsIn, writerOf } from "./names.ts";

// Work on many files, in a separate thread with synchronous calls, which cost a fifth of asynchronous ones. The core is
// loaded only when it is needed.

export interface Sweep {
  /** Times of the last accesses. */
  readonly uses: readonly (readonly [name: string, time: number])[];
  /** Entries are evicted until they are within this budget. Left out: only the accesses are recorded. */
  readonly maxBytes?: number;
}

/** Result of an eviction. */
export interface Swept {
  /** Bytes of the remaining files, including those that are being written. */
  readonly bytes: number;
  readonly removed: number;
}

/** Bytes of the first read of an entry: most heads are no longer. */
const HEAD_BYTES = 4096;

/** Milliseconds without a change after which an unfinished file counts as abandoned, whichever process writes it. */
const STALLED_TIMEOUT_MS = 5 * 60 * 1000;

/** Longest time that writing an entry can take, in milliseconds. */
const MAX_WRITE_MS = 60 * 60 * 1000;

/** Fraction of the budget that remains after an eviction, so that not each new entry causes a count. */
const TARGET_FRACTION = 0.9;

const [root, self] = workerData as [string, string];
const paths = pathsIn(root);

// An error ends the thread and rejects the waiting task.
parentPort?.on("message", async ({ uses, maxBytes }: Sweep) => {
  touch(uses);
  if (maxBytes !== undefined) await compact();
  parentPort?.postMessage(maxBytes === undefined ? undefined : await count(maxBytes));
});

/**
 * Counts all entries, and removes those used least recently until they are within the budget; files of processes that were
 * killed are deleted first.
 */
async function count(maxBytes: number): Promise<Swept> {
  for (const file of files(root)) {
    if (isTrash(file)) rmSync(`${root}/${file}`, { recursive: true, force: true });
  }
  const used: number[] = [];
  const costs: number[] = [];
  let bytes = 0;
  for (const { file, path, mtimeMs, size } of listFiles()) {
    if (isTemporary(file) && (await isAbandoned(file, mtimeMs))) {
      rmSync(path, { force: true });
      continue;
    }
    bytes += diskBytesOf(size);
    if (isTemporary(file)) continue;
    used.push(mtimeMs);
    costs.push(diskBytesOf(size));
  }
  let removed = 0;
  if (bytes > maxBytes) {
    const newest = newestToEvict(used, costs, bytes - maxBytes * TARGET_FRACTION);
    for (const { file, path, mtimeMs, size } of listFiles()) {
      // Entries that were used meanwhile are younger.
      if (isTemporary(file) || mtimeMs > newest || bytes <= maxBytes * TARGET_FRACTION) continue;
      rmSync(path, { force: true });
      bytes -= diskBytesOf(size);
      removed++;
    }
  }
  return { bytes, removed };
}

/** Entries used up to this time must be evicted to free the needed bytes. */
function newestToEvict(used: readonly number[], costs: readonly number[], bytesNeeded: number): number {
  const oldest = Uint32Array.from(used.keys()).sort((a, b) => (used[a] as number) - (used[b] as number));
  let free = 0;
  for (const at of oldest) {
    free += costs[at] as number;
    if (free >= bytesNeeded) return used[at] as number;
  }
  return Number.POSITIVE_INFINITY;
}

/** All entries, and files that are being written. */
function* listFiles() {
  for (const shard of files(paths.entries)) {
    const folder = `${paths.entries}/${shard}`;
    for (const file of files(folder)) {
      const path = `${folder}/${file}`;
      const stats = isEntry(file) || isTemporary(file) ? lstat(path) : undefined;
      if (stats) yield { file, path, mtimeMs: stats.mtimeMs, size: stats.size };
    }
  }
}

async function isAbandoned(file: string, mtimeMs: number): Promise<boolean> {
  if (Date.now() - mtimeMs > STALLED_TIMEOUT_MS) return true;
  const writer = writerOf(file);
  if (writer === undefined || writer === self) return false;
  const { isGone, parseOwner } = await import("@mediatap/core/cache");
  const owner = parseOwner(writer);
  return owner !== undefined && isGone(owner) === true;
}

/** Records when entries were used: the order of eviction. */
function touch(uses: Sweep["uses"]): void {
  for (const [name, time] of uses) {
    try {
      utimesSync(paths.entry(name), time / 1000, time / 1000);
    } catch {
      // It has been removed meanwhile, or belongs to another user.
    }
  }
}

/**
 * Applies the rules of journal files that are complete, and so old that no entry from before them is still being written; then
 * deletes these files.
 */
async function compact(): Promise<void> {
  const complete = files(paths.purges)
    .filter(isJournal)
    .sort()
    .slice(0, -1)
    .map((file) => `${paths.purges}/${file}`)
    .filter((path) => Date.now() - (lstat(path)?.mtimeMs ?? 0) > MAX_WRITE_MS);
  if (complete.length === 0) return;
  const { matchesRule } = await import("@mediatap/core/cache");
  const { parseRules } = await import("./journal.ts");
  const rules = parseRules(complete.map((path) => readFileSync(path, "utf8")).join(""));
  for (const { file, path } of listFiles()) {
    const metadata = isEntry(file) ? metadataOf(path) : undefined;
    const isVoid = rules.some(
      (rule) => metadata && matchesRule(metadata, rule) && !metadata.purges?.includes(rule.id),
    );
    if (isVoid) rmSync(path, { force: true });
  }
  for (const path of complete) rmSync(path, { force: true });
}

/** The metadata of an entry; `undefined`: it was removed, or is damaged. */
function metadataOf(path: string): StoredMetadata | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const firstBytes = Buffer.alloc(HEAD_BYTES);
    const length = readSync(fd, firstBytes, 0, HEAD_BYTES, 0);
    const head = Buffer.alloc(measureHead(firstBytes.subarray(0, length)));
    readSync(fd, head, 0, head.byteLength, 0);
    return parseHead(head).record;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Names in a folder; none if it does not exist. */
function files(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

function lstat(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
