import { hash } from "node:crypto";

// Names are hashes and random numbers: nothing of a URL gets into them. Hexadecimal, because some file systems treat upper
// and lower case as the same. Another format has another number, so that versions do not meet.
//
//     v2/entries/ab/ab12…            an entry
//     v2/entries/ab/ab12….….9f….tmp  an entry that is being written, and by which process
//     v2/purges/00000001.log         purge rules
//     trash-…                        removed entries whose files are being deleted

const SHARD_DIGITS = 2;

/** File name of the entry of a key. */
export function nameOf(key: string): string {
  return hash("sha256", key, "hex");
}

/** Paths below the folder of the cache. */
export function pathsIn(root: string) {
  const version = `${root}/v2`;
  const entries = `${version}/entries`;
  return {
    root,
    version,
    entries,
    purges: `${version}/purges`,
    shardOf: (name: string) => `${entries}/${name.slice(0, SHARD_DIGITS)}`,
    entry: (name: string) => `${entries}/${name.slice(0, SHARD_DIGITS)}/${name}`,
  };
}

export type CachePaths = ReturnType<typeof pathsIn>;

export const isEntry = (file: string) => /^[0-9a-f]{64}$/.test(file);
export const isTemporary = (file: string) => file.endsWith(".tmp");
/** The process that writes an unfinished file, as text; `undefined`: the name is of another release. */
export const writerOf = (file: string) =>
  /^[0-9a-f]{64}\.([\d-]+-[0-9a-f]{12})\.[0-9a-f]{12}\.tmp$/.exec(file)?.[1];
export const isJournal = (file: string) => /^\d{8}\.log$/.test(file);
/** Removed entries: the next count deletes their files. */
export const isTrash = (file: string) => file.startsWith("trash-");
