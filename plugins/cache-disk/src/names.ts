import { hash } from "node:crypto";
import type { RenditionRecord } from "@mediatap/core";

// Names are hashes and random numbers: nothing of a URL gets into them. Hexadecimal, since some file systems take upper
// and lower case for the same. With another format the folder has another number, so that versions do not meet.
//
//     v1/entries/ab/ab12…            an entry
//     v1/entries/ab/ab12….….9f….tmp  an entry being written, and by which process
//     v1/index/cd/cd34…-ab12…        an empty file: what cd34… stands for was used to make the entry ab12…
//     bans.log                       what was purged: for entries that are being written meanwhile
//     trash-…                        entries that are gone, and being removed

const SHARD = 2;

/** Of what an entry was made, or what it is marked with; hashed. */
export type Label = string;

/** File name of the entry of a key. */
export function nameOf(key: string): string {
  return hash("sha256", key, "hex");
}

/** What stands for a source or a tag in the index. */
export function labelOf(kind: "source" | "tag", value: string): Label {
  return hash("sha256", `${kind}\n${value}`, "hex").slice(0, 32);
}

type Purgeable = Pick<RenditionRecord, "asset" | "sources" | "tags">;

/** Paths and URLs of all that an entry was made of. */
export function pathsOf({ asset, sources }: Purgeable): string[] {
  const paths = sources.map(({ path }) => path);
  return asset ? [asset.path, ...paths] : paths;
}

/** All that an entry may be found by, but its key. */
export function labelsOf(record: Purgeable): Label[] {
  const { tags = [] } = record;
  const labels = [
    ...pathsOf(record).map((path) => labelOf("source", path)),
    ...tags.map((tag) => labelOf("tag", tag)),
  ];
  return [...new Set(labels)];
}

/** Where things lie below a folder. */
export function placesIn(root: string) {
  const version = `${root}/v1`;
  const entries = `${version}/entries`;
  const index = `${version}/index`;
  return {
    root,
    /** All that "all" means. */
    version,
    entries,
    index,
    bans: `${root}/bans.log`,
    shardOf: (name: string) => `${entries}/${name.slice(0, SHARD)}`,
    entry: (name: string) => `${entries}/${name.slice(0, SHARD)}/${name}`,
    indexShardOf: (label: Label) => `${index}/${label.slice(0, SHARD)}`,
    mark: (label: Label, name: string) => `${index}/${label.slice(0, SHARD)}/${label}-${name}`,
  };
}

export type Places = ReturnType<typeof placesIn>;

export const isEntry = (file: string) => /^[0-9a-f]{64}$/.test(file);
export const isTemporary = (file: string) => file.endsWith(".tmp");
/** The process that writes a file that is not finished, as text; `undefined`: the name is of another release. */
export const writerOf = (file: string) =>
  /^[0-9a-f]{64}\.([\d-]+-[0-9a-f]{12})\.[0-9a-f]{12}\.tmp$/.exec(file)?.[1];
export const isTrash = (file: string) => file.startsWith("trash-");

/** The two halves of a mark's name; `undefined`: it is none. */
export function parseMark(file: string): { readonly label: Label; readonly name: string } | undefined {
  const [, label, name] = /^([0-9a-f]{32})-([0-9a-f]{64})$/.exec(file) ?? [];
  return label === undefined || name === undefined ? undefined : { label, name };
}
