import { create as createDisposition } from "content-disposition";
import { isNegotiated } from "../model/canonical.ts";
import type { Endpoint } from "../model/endpoint.ts";
import { type MediaError, printable } from "../model/errors.ts";
import type { CacheOutcome, Exchange } from "../model/exchange.ts";
import type { Limits } from "../model/limits.ts";
import type { RenditionRecord } from "../model/rendition.ts";
import { errorLifetime, lifetimeOf } from "../pipeline/record.ts";

export type HeaderFields = Record<string, string | number | undefined>;

/** What a document from an origin may do in a browser: nothing. */
const SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";
const DOCUMENT =
  /^(?:text\/html|image\/svg\+xml|(?:text|application)\/(?:[\w.-]+\+)?xml|application\/xhtml\+xml)/i;

/** Headers of every answer of an endpoint, errors included. */
export function commonHeaders(exchange: Exchange): HeaderFields {
  const { cors } = exchange.endpoint;
  return {
    "x-content-type-options": "nosniff",
    "x-request-id": exchange.id,
    ...(cors === false
      ? {}
      : {
          "access-control-allow-origin": cors,
          "timing-allow-origin": cors,
          "access-control-expose-headers": "*",
          "cross-origin-resource-policy": "cross-origin",
        }),
  };
}

/** What a record alone says of every answer made of it; worked out once a record and job. */
const prepared = new WeakMap<RenditionRecord, WeakMap<object, HeaderFields>>();

/** Headers of a delivered rendition, without those of its body's form (length, range, coding). */
export function renditionHeaders(exchange: Exchange, record: RenditionRecord): HeaderFields {
  const job = exchange.job ?? exchange;
  let ofRecord = prepared.get(record);
  if (!ofRecord) {
    ofRecord = new WeakMap();
    prepared.set(record, ofRecord);
  }
  let headers = ofRecord.get(job);
  if (!headers) {
    headers = { ...commonHeaders(exchange), ...recordHeaders(exchange, record) };
    ofRecord.set(job, headers);
  }
  return {
    ...headers,
    "x-request-id": exchange.id,
    ...provenanceHeaders(exchange),
    "cache-status": cacheStatus(exchange.cache),
  };
}

function recordHeaders(exchange: Exchange, record: RenditionRecord): HeaderFields {
  const { job, endpoint } = exchange;
  const isDocument = DOCUMENT.test(record.type);
  return {
    "content-type": record.type,
    "cache-control": record.private ? privately(endpoint.cacheControl) : endpoint.cacheControl,
    etag: record.etag,
    "last-modified":
      record.lastModified === undefined ? undefined : new Date(record.lastModified).toUTCString(),
    vary: varyOf(exchange, record),
    ...(isDocument ? { "content-security-policy": SANDBOX } : {}),
    ...(job?.delivery.attachment === undefined
      ? {}
      : { "content-disposition": attachment(exchange, record) }),
    ...(record.sources[0]?.canonical === undefined
      ? {}
      : { link: canonicalLink(record.sources[0].canonical) }),
    ...job?.delivery.headers,
  };
}

/** Only what took part: `Accept` where the format was negotiated, hints where a parameter asked for them. */
function varyOf({ job }: Exchange, record: RenditionRecord): string | undefined {
  if (!job) return undefined;
  const names = [...(isNegotiated(job) && !record.original ? ["Accept"] : []), ...(job.delivery.vary ?? [])];
  return names.length > 0 ? names.join(", ") : undefined;
}

/** Where search engines find the original (RFC 6596). */
function canonicalLink(url: string): string {
  return `<${url}>; rel="canonical"`;
}

/** A substitute or a stale copy is not kept long, and never compared as if it were the real one. */
function provenanceHeaders({ provenance, lifetime }: Exchange): HeaderFields {
  if (provenance === "real") return {};
  const seconds = Math.floor((lifetime ?? 0) / 1000);
  return {
    "x-mediatap-provenance": provenance,
    "cache-control": seconds > 0 ? `public, max-age=${seconds}` : "public, max-age=0, must-revalidate",
    ...(provenance === "stale" ? {} : { etag: undefined, "last-modified": undefined }),
  };
}

/** `Cache-Status` (RFC 9211). */
function cacheStatus(cache: CacheOutcome | undefined): string {
  if (!cache) return "mediatap; fwd=bypass";
  const parts = ["mediatap", cache.hit ? "hit" : `fwd=${cache.forward ?? "miss"}`];
  if (cache.hit && cache.forward) parts[1] = `hit; fwd=${cache.forward}`;
  if (cache.stored) parts.push("stored");
  if (cache.collapsed) parts.push("collapsed");
  const detail = cache.cache ?? (cache.revalidated ? "revalidated" : undefined);
  if (detail) parts.push(`detail=${detail}`);
  return parts.join("; ");
}

function privately(cacheControl: string): string {
  const age = /\bmax-age=\d+/i.exec(cacheControl)?.[0];
  return ["private", age, "must-revalidate"].filter(Boolean).join(", ");
}

function attachment({ job, target }: Exchange, record: RenditionRecord): string {
  const asset = job?.asset.path.split("/").pop() || target.path;
  const chosen = job?.delivery.attachment;
  const extension = EXTENSIONS[record.format] ?? /\.\w{1,8}$/.exec(asset)?.[0] ?? "";
  const stem = typeof chosen === "string" ? chosen : asset.replace(/\.\w{1,8}$/, "");
  return createDisposition(`${stem}${extension}`, { type: "attachment" });
}

const EXTENSIONS: Record<string, string> = {
  jpeg: ".jpg",
  png: ".png",
  webp: ".webp",
  avif: ".avif",
  gif: ".gif",
};

/** Headers of a failure: short-lived where it may be kept at all, and never longer than a success. */
export function errorHeaders(error: MediaError, endpoint: Endpoint, limits: Limits): HeaderFields {
  const keep =
    error.status === 400 && error.code === "EINVAL" ? limits.notFoundLifetime : errorLifetime(error, limits);
  const seconds = Math.floor(Math.min(keep, lifetimeOf(endpoint.cacheControl)) / 1000);
  return {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": seconds > 0 ? `public, max-age=${seconds}` : "no-store",
    ...(error.retryAfterSeconds === undefined ? {} : { "retry-after": error.retryAfterSeconds }),
    ...(error.status === 405 ? { allow: "GET, HEAD, OPTIONS" } : {}),
  };
}

/** A failure in words for the client, one short line. */
export function errorText(error: MediaError): string {
  return error.status === 404 ? "Not Found" : printable(error.message, 500);
}
