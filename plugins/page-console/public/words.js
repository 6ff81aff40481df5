/** Figures and names in the words of people. */

/** @param {number} value */
export function count(value) {
  if (value >= 999_500) return `${(value / 1e6).toPrecision(3)} M`;
  if (value >= 9_995) return `${(value / 1000).toPrecision(3)} k`;
  if (value >= 100 || Number.isInteger(value)) return String(Math.round(value));
  return value.toFixed(1);
}

/** @param {number | undefined} value */
export function bytes(value) {
  if (value === undefined || !Number.isFinite(value)) return "–";
  if (value < 1000) return `${Math.round(value)} B`;
  if (value < 999_500) return `${(value / 1000).toPrecision(3)} kB`;
  return value < 999.5e6 ? `${(value / 1e6).toPrecision(3)} MB` : `${(value / 1e9).toPrecision(3)} GB`;
}

/** @param {number | null | undefined} ms */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms === 0) return "0 s";
  if (ms < 9.95) return `${ms.toPrecision(2)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toPrecision(3)} s`;
}

/**
 * A part as a percentage; what is not quite all never looks like all.
 * @param {number} value
 */
export function part(value) {
  const percent = value * 100;
  if (percent === 100 || percent === 0) return `${percent} %`;
  return `${Math.min(99.9, percent).toFixed(percent < 90 ? 0 : 1)} %`;
}

/** @param {number} seconds */
export function span(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** @param {number} time milliseconds since 1970 */
export function ago(time, now = Date.now()) {
  const seconds = Math.max(0, (now - time) / 1000);
  return seconds < 2 ? "just now" : `${span(seconds)} ago`;
}

/** @type {Readonly<Record<string, string>>} */
const FORMATS = {
  jpg: "JPEG",
  jpeg: "JPEG",
  webp: "WebP",
  "svg+xml": "SVG",
  "vnd.apple.mpegurl": "HLS",
  "dash+xml": "DASH",
  webm: "WebM",
  quicktime: "QuickTime",
  "x-matroska": "Matroska",
  plain: "Text",
  vtt: "WebVTT",
  "octet-stream": "Unknown",
};

/**
 * The name of a format, from a media type or a short name.
 * @param {string | undefined} type
 */
export function formatOf(type) {
  const sub = (type ?? "").split(";")[0]?.split("/").at(-1) ?? "";
  return FORMATS[sub] ?? (sub.toUpperCase() || "Unknown");
}

/** @type {Readonly<Record<string, string>>} */
const CACHES = {
  "cache-memory": "Memory",
  "cache-disk": "Disk",
  "cache-keyv": "Shared cache",
  "cache-storage": "Bucket",
  "cache-source": "Saved originals",
  "": "A cache",
  revalidated: "Revalidated",
};

/** @param {string} name of the plugin that registered it */
export const cacheName = (name) => CACHES[name] ?? name;

/** @type {Readonly<Record<number, string>>} */
export const REASONS = {
  200: "OK",
  202: "Accepted",
  206: "Partial Content",
  302: "Found",
  304: "Not Modified",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Too Large",
  415: "Unsupported Type",
  429: "Too Many Requests",
  500: "Server Error",
  501: "Not Implemented",
  503: "Busy",
  504: "Timeout",
};

/**
 * Plain data on one line: `width 400, fit cover`.
 * @param {object} fields
 */
export function pairs(fields) {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)]);
}
