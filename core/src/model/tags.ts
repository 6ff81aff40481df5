import { hash } from "node:crypto";
import { tenantOf } from "./purge-rule.ts";
import type { RenditionRecord } from "./rendition.ts";

/** Headers with the names by which a CDN can purge a response. */
export const TAG_HEADERS = ["Cache-Tag", "Surrogate-Key", "Edge-Cache-Tag"] as const;
export type TagHeader = (typeof TAG_HEADERS)[number];

/** What a tag may be: no space and no comma, which separate them. */
export const TAG = /^[\x21-\x2b\x2d-\x7e]{1,128}$/;

/** Tags of one original that are read, and tags of one response that are sent. */
const MAX_TAGS = 50;

/** The tags in an origin's headers. */
export function readTags(values: readonly (string | undefined)[]): string[] {
  const words = values.flatMap((value) => value?.slice(0, 8_000).split(/[\s,]+/) ?? []);
  return [...new Set(words.filter((word) => TAG.test(word)))].slice(0, MAX_TAGS);
}

/** The tag under which a CDN has all that was made of an original. */
export function sourceTagOf(tenant: string, path: string): string {
  return `s-${hash("sha256", JSON.stringify([tenant, path]), "base64url").slice(0, 16)}`;
}

/** The tag of all originals below a folder, `a/b/`; `""`: of all of the account. */
export function folderTagOf(tenant: string, folder: string): string {
  return `f-${hash("sha256", JSON.stringify([tenant, folder]), "base64url").slice(0, 16)}`;
}

/** The tags of a response for CDNs: its own, and those of its originals and their folders. */
export function cdnTagsOf({
  tags = [],
  asset,
  sources,
}: Pick<RenditionRecord, "tags" | "asset" | "sources">): string[] {
  const originals = [
    ...(asset ? [{ tenant: asset.tenant, path: asset.path }] : []),
    ...sources.map(({ origin, path }) => ({ tenant: tenantOf(origin), path })),
  ];
  const own = originals.map(({ tenant, path }) => sourceTagOf(tenant, path));
  const folders = originals.flatMap(({ tenant, path }) =>
    foldersOf(path).map((folder) => folderTagOf(tenant, folder)),
  );
  return [...new Set([...own, ...tags, ...folders])].slice(0, MAX_TAGS);
}

/** `""`, `a/`, `a/b/` of `a/b/c.jpg`, the outer ones first. */
export function foldersOf(path: string): string[] {
  const folders = [""];
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1))
    folders.push(path.slice(0, at + 1));
  return folders;
}

/** The value of a tag header. */
export function tagsText(header: TagHeader, tags: readonly string[]): string {
  return tags.join(header === "Surrogate-Key" ? " " : ",");
}
