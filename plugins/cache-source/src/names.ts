import { createHash } from "node:crypto";
import type { SourceFacts } from "@mediatap/core";

/** Whose copy it is: what an origin has under a path, and for a host name where that decides, too. */
export type Owner = Pick<SourceFacts, "origin" | "path" | "host">;

const NAME = /^((?:[0-9a-f]{2})\/[0-9a-f]{64}(?:-[0-9a-f]{64})?)\.(?:(json)|([0-9a-f]{32}))$/;

/**
 * What the names of all copies of a path begin with, whatever the host. Made of hashes: nothing of a URL gets into the
 * name of a file. `place`: fingerprint of the origin, so that an origin that was moved has no old copies.
 */
export function stemOf(place: string, { origin, path }: Owner): string {
  const hash = sha256([origin, place, path]);
  return `${hash.slice(0, 2)}/${hash}`;
}

/** What the names of a copy's files begin with. */
export function nameOf(place: string, owner: Owner): string {
  const stem = stemOf(place, owner);
  return owner.host === undefined ? stem : `${stem}-${sha256([owner.host])}`;
}

/** The file that says what is known of a copy, and which bytes are the right ones. */
export function recordPath(name: string): string {
  return `${name}.json`;
}

/** The file of the bytes of one version. */
export function bytesPath(name: string, version: string): string {
  return `${name}.${version}`;
}

/** What a file in the storage is; `undefined`: nothing of ours. */
export function parsePath(path: string): { readonly name: string; readonly version?: string } | undefined {
  const [, name, json, version] = NAME.exec(path) ?? [];
  if (name === undefined) return undefined;
  return json === undefined ? { name, version: version as string } : { name };
}

/** Hexadecimal, since some file systems take upper and lower case for the same. */
function sha256(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
