import type { MediaRequest } from "../model/exchange.ts";
import { parseHttpDate } from "../model/http-date.ts";
import type { ByteRange } from "../model/source.ts";

/**
 * The range to send of `length` bytes (RFC 9110 §14): `undefined` for the whole, `"unsatisfiable"` for 416. One range
 * is served; several, malformed ones and foreign units mean the whole.
 */
export function rangeOf(header: string | undefined, length: number): ByteRange | "unsatisfiable" | undefined {
  const asked = header && /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header);
  if (!asked) return undefined;
  const [, first = "", last = ""] = asked;
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const suffix = Number(last);
    if (suffix === 0 || length === 0) return "unsatisfiable";
    return { start: Math.max(0, length - suffix), end: length - 1 };
  }
  const start = Number(first);
  const end = last === "" ? length - 1 : Number(last);
  if (end < start && last !== "") return undefined;
  if (start >= length) return "unsatisfiable";
  return { start, end: Math.min(end, length - 1) };
}

/** Whether `If-Range` lets the range count: the strong entity tag, or the exact date (RFC 9110 §13.1.5). */
export function rangeCounts(
  request: Pick<MediaRequest, "header">,
  etag: string | undefined,
  lastModified: number | undefined,
): boolean {
  const condition = request.header("if-range")?.trim();
  if (condition === undefined) return true;
  if (condition.startsWith('"')) return condition === etag;
  const date = parseHttpDate(condition);
  return date !== undefined && lastModified !== undefined && Math.floor(lastModified / 1000) * 1000 === date;
}
