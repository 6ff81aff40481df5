import type { Asset } from "../model/asset.ts";
import { MediaError, printable } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import { typeOfName } from "../model/media.ts";
import { decodeText } from "./percent.ts";

/** Longest name and path, in bytes, that a file system and an object store take. */
const MAX_SEGMENT_BYTES = 255;
const MAX_PATH_BYTES = 1024;

const notFound = () => new MediaError("ENOENT", "Not found");

/** Refuses the names that must not become part of a path; nothing is repaired. */
export function checkName(name: string): string {
  if (name === "") throw new MediaError("EINVAL", "Expected a name between two slashes of the path");
  if (name === "." || name === ".." || /[/\\\p{Cc}]/u.test(name)) {
    throw new MediaError("EINVAL", `Expected a plain name in the path but received '${printable(name)}'`);
  }
  if (name.startsWith(".") || Buffer.byteLength(name) > MAX_SEGMENT_BYTES) throw notFound();
  return name;
}

/** Names that were checked, as a path. */
export function joinNames(names: readonly string[]): string {
  const path = names.join("/");
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw notFound();
  return path;
}

/** The path of an asset, of its raw segments: decoded once, and checked. Throws `EINVAL` or `ENOENT`. */
export const assetPath = (segments: readonly string[]): string =>
  joinNames(segments.map((segment) => checkName(decodeText(segment, "path"))));

/** The URL without a fragment; `undefined`: it is none of HTTP, or has credentials. */
export function absoluteUrl(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url?.hostname || url.username || url.password || !/^https?:$/.test(url.protocol)) return undefined;
  url.hash = "";
  return url.href;
}

/** An absolute URL, also with slashes that a proxy has merged (`https:/host`). Throws `EINVAL`. */
export function assetUrl(text: string): string {
  const url = absoluteUrl(text.replace(/^(https?):\/\/?/i, "$1://"));
  if (url !== undefined) return url;
  const expected = "Expected absolute URL without credentials";
  throw new MediaError("EINVAL", `${expected} but received '${printable(text)}'`);
}

/** A path or URL that a client chose, decoded once: `a/b.jpg`, `/a/b.jpg` or `https://…`. Throws `EINVAL` or `ENOENT`. */
export function assetOf(text: string): Pick<Asset, "kind" | "path"> {
  if (/^https?:/i.test(text)) return { kind: "url", path: assetUrl(text) };
  return { kind: "path", path: joinNames(text.replace(/^\//, "").split("/").map(checkName)) };
}

/** An asset's path, encoded for the path of a URL. */
export const printPath = (path: string): string => path.split("/").map(encodeURIComponent).join("/");

/** Kind of an asset by its name. A name without extension is taken for an image. */
export function mediaOf({ kind, path }: Pick<Asset, "kind" | "path">): Job["media"] {
  const name = (kind === "url" ? new URL(path).pathname : path).split("/").at(-1) ?? "";
  if (!name.includes(".")) return "image";
  const type = typeOfName(name) ?? "";
  if (type.startsWith("image/") || type === "application/pdf") return "image";
  return type.startsWith("video/") ? "video" : "file";
}
