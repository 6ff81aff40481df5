import { parse } from "range-parser";
import type { MediaRequest } from "../model/exchange.ts";
import { parseHttpDate } from "../model/http-date.ts";
import type { ByteRange } from "../model/source.ts";

/** Of `parse`: no byte of the file is in the ranges. */
const UNSATISFIABLE = 2;

/**
 * The range to send of `length` bytes (RFC 9110 §14): `undefined` for the whole, `"unsatisfiable"` for 416. One range
 * is served; several, malformed ones and foreign units mean the whole.
 */
export function rangeOf(header: string | undefined, length: number): ByteRange | "unsatisfiable" | undefined {
  if (header === undefined) return undefined;
  const { code, type, ranges } = parse(length, header);
  if (type !== "bytes") return undefined;
  return code === UNSATISFIABLE ? "unsatisfiable" : ranges.length === 1 ? ranges[0] : undefined;
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
