import type { MediaRequest } from "../model/exchange.ts";
import { parseHttpDate } from "../model/http-date.ts";

/**
 * Whether the client holds this representation already (RFC 9110 §13.2.2): `If-None-Match` decides when it is there,
 * by weak comparison; else `If-Modified-Since`.
 * Not `fresh`: it splits lists at commas inside of tags, and takes dates of any form.
 */
export function clientHasIt(
  request: Pick<MediaRequest, "header">,
  etag: string | undefined,
  lastModified: number | undefined,
): boolean {
  const tags = request.header("if-none-match");
  if (tags !== undefined) return matches(tags, etag);
  const since = request.header("if-modified-since");
  if (since === undefined || lastModified === undefined) return false;
  const date = parseHttpDate(since);
  return date !== undefined && Math.floor(lastModified / 1000) * 1000 <= date;
}

/** Whether a list of entity tags, or `*`, names this one; `W/` is ignored. */
export function matches(tags: string, etag: string | undefined): boolean {
  if (etag === undefined) return false;
  if (tags.trim() === "*") return true;
  const opaque = etag.startsWith("W/") ? etag.slice(2) : etag;
  let at = tags.indexOf(opaque);
  while (at >= 0) {
    const before = tags.slice(0, at).trimEnd();
    const after = tags.slice(at + opaque.length).trimStart();
    const opens = before === "" || before.endsWith(",") || /(?:^|,\s*)W\/$/.test(before);
    if (opens && (after === "" || after.startsWith(","))) return true;
    at = tags.indexOf(opaque, at + 1);
  }
  return false;
}
