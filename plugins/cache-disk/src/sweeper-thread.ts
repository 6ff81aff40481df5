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
import { costOf, measureHead, parseHead } from "./format.ts";
import { isEntry, isJournal, isTemporary, isTrash, placesIn, writerOf } from "./names.ts";

// Work on many files. In a thread of its own it may wait for the disk, which costs a fifth of asynchronous calls. The core is
// loaded only if there is something to be found out.

export interface Sweep {
  /** When entries were used. */
  readonly uses: readonly (readonly [name: string, time: number])[];
  /** Entries are evicted until they take no more. Left out: only the uses are recorded. */
  readonly maxBytes?: number;
}

/** What an eviction came to. */
export interface Swept {
  /** Bytes of what is left, including what is being written. */
  readonly bytes: number;
  readonly removed: number;
}

/** Bytes of the first read of an entry: most heads are no longer. */
const HEAD_BYTES = 4096;

/** Milliseconds without a change after which a file that is not finished never will be, whoever writes it. */
const STALLED_MS = 5 * 60 * 1000;

/** Milliseconds after which nothing is written any more that began before, whatever it is. */
const MAX_WORK_MS = 60 * 60 * 1000;

/** Part of the budget that is left when something had to go: not each new entry should cost a count. */
const LEAVE = 0.9;

const [root, self] = workerData as [string, string];
const places = placesIn(root);

// What fails ends the thread, and whoever waits for it learns why.
parentPort?.on("message", async ({ uses, maxBytes }: Sweep) => {
  touch(uses);
  if (maxBytes !== undefined) await compact();
  parentPort?.postMessage(maxBytes === undefined ? undefined : await count(maxBytes));
});

/**
 * Counts all entries, and removes those used least recently until they are within the budget; files of processes that were
 * killed go first.
 */
async function count(maxBytes: number): Promise<Swept> {
  for (const file of files(root)) {
    if (isTrash(file)) rmSync(`${root}/${file}`, { recursive: true, force: true });
  }
  const used: number[] = [];
  const costs: number[] = [];
  let bytes = 0;
  for (const { file, path, mtimeMs, size } of found()) {
    if (isTemporary(file) && (await isAbandoned(file, mtimeMs))) {
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
    for (const { file, path, mtimeMs, size } of found()) {
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
function* found() {
  for (const shard of files(places.entries)) {
    const folder = `${places.entries}/${shard}`;
    for (const file of files(folder)) {
      const path = `${folder}/${file}`;
      const stats = isEntry(file) || isTemporary(file) ? lstat(path) : undefined;
      if (stats) yield { file, path, mtimeMs: stats.mtimeMs, size: stats.size };
    }
  }
}

async function isAbandoned(file: string, mtimeMs: number): Promise<boolean> {
  if (Date.now() - mtimeMs > STALLED_MS) return true;
  const writer = writerOf(file);
  if (writer === undefined || writer === self) return false;
  const { isGone, parseOwner } = await import("@mediatap/core/cache");
  const owner = parseOwner(writer);
  return owner !== undefined && isGone(owner) === true;
}

/** Records when entries were used: the order in which they go. */
function touch(uses: Sweep["uses"]): void {
  for (const [name, time] of uses) {
    try {
      utimesSync(places.entry(name), time / 1000, time / 1000);
    } catch {
      // It has been removed meanwhile, or belongs to somebody else.
    }
  }
}

/**
 * Carries out the rules of journal files that are complete, and so old that no entry is still to come from before them; then
 * the files are not needed any more.
 */
async function compact(): Promise<void> {
  const complete = files(places.purges)
    .filter(isJournal)
    .sort()
    .slice(0, -1)
    .map((file) => `${places.purges}/${file}`)
    .filter((path) => Date.now() - (lstat(path)?.mtimeMs ?? 0) > MAX_WORK_MS);
  if (complete.length === 0) return;
  const { matchesRule } = await import("@mediatap/core/cache");
  const { parseRules } = await import("./journal.ts");
  const rules = parseRules(complete.map((path) => readFileSync(path, "utf8")).join(""));
  for (const { file, path } of found()) {
    const metadata = isEntry(file) ? metadataOf(path) : undefined;
    const isVoid = rules.some(
      (rule) => metadata && matchesRule(metadata, rule) && !metadata.purges?.includes(rule.id),
    );
    if (isVoid) rmSync(path, { force: true });
  }
  for (const path of complete) rmSync(path, { force: true });
}

/** The metadata of an entry; `undefined`: it is gone, or damaged. */
function metadataOf(path: string): StoredMetadata | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const begun = Buffer.alloc(HEAD_BYTES);
    const length = readSync(fd, begun, 0, HEAD_BYTES, 0);
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
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

function lstat(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}
