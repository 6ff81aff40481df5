import { hash } from "node:crypto";
import type { SourceMetadata } from "../model/source.ts";

/** What distinguishes an original: its origin, its path, and the host name if that is forwarded to the origin. */
export type OriginalId = Pick<SourceMetadata, "origin" | "path" | "host">;

/**
 * The key of an original, which is also the name of its files: hexadecimal, because some file systems treat upper and lower
 * case as the same. An origin that was moved has another `fingerprint`, and so no old entries.
 */
export function originalKey({ origin, path, host }: OriginalId, fingerprint: string): string {
  return `${originalKeyPrefix(path)}${sha256([origin, fingerprint, host ?? null])}`;
}

/** What the keys of all originals under a path begin with: a purge finds them by their names. */
export function originalKeyPrefix(path: string): string {
  return `${sha256([path])}-`;
}

function sha256(parts: readonly unknown[]): string {
  return hash("sha256", JSON.stringify(parts), "hex");
}
