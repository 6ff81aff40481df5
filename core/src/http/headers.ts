import { create as createDisposition } from "content-disposition";
import { errorLifetime } from "../cache/entry.ts";
import { ageOf, overdueOf, privately } from "../cache/freshness.ts";
import { isNegotiated } from "../model/canonical.ts";
import { isStorable, lifetimeOf, parseCacheControl } from "../model/control.ts";
import type { Endpoint } from "../model/endpoint.ts";
import { type MediaError, printable } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { Limits } from "../model/limits.ts";
import type { RenditionRecord } from "../model/rendition.ts";
import { cdnTagsOf, tagsText } from "../model/tags.ts";
import { cacheStatus } from "./cache-status.ts";

export type HeaderFields = Record<string, string | number | undefined>;

/** What a document from an origin may do in a browser: nothing. */
const SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

/** Anywhere in a type: browsers run what is in any XML, and take the last of several types. */
const DOCUMENT = /html|xml|xsl/i;

/**
 * Headers of every response of an endpoint, errors included. The usual others are there without a value, and are not sent: objects
 * of one shape are cheaper to fill and to read.
 */
export function commonHeaders({ endpoint, id }: Exchange): HeaderFields {
  const cors = endpoint.cors === false ? undefined : endpoint.cors;
  return {
    "x-content-type-options": "nosniff",
    "x-request-id": id,
    "access-control-allow-origin": cors,
    "timing-allow-origin": cors,
    "access-control-expose-headers": cors && "*",
    "cross-origin-resource-policy": cors && "cross-origin",
    "content-type": undefined,
    "cache-control": undefined,
    "cdn-cache-control": undefined,
    etag: undefined,
    "last-modified": undefined,
    vary: undefined,
    "content-security-policy": undefined,
    "content-disposition": undefined,
    link: undefined,
    age: undefined,
    "cache-status": undefined,
    "accept-ranges": undefined,
    "content-length": undefined,
  };
}

/** Headers of a delivered rendition, without those of its body's form (length, range, coding). */
export function renditionHeaders(exchange: Exchange, record: RenditionRecord): HeaderFields {
  const { job, endpoint, provenance } = exchange;
  const { lastModified } = record;
  const canonical = record.sources[0]?.canonical;
  const headers = commonHeaders(exchange);
  headers["content-type"] = record.type;
  setCaching(headers, endpoint, record);
  headers.etag = record.etag;
  if (lastModified !== undefined) headers["last-modified"] = new Date(lastModified).toUTCString();
  headers.vary = varyOf(exchange, record);
  if (DOCUMENT.test(record.type)) headers["content-security-policy"] = SANDBOX;
  const { attachment, filename } = job?.delivery ?? {};
  if (attachment !== undefined || filename !== undefined) {
    headers["content-disposition"] = disposition(exchange, record);
  }
  // Where search engines find the original (RFC 6596).
  if (canonical !== undefined) headers.link = `<${canonical}>; rel="canonical"`;
  if (job?.delivery.headers) Object.assign(headers, job.delivery.headers);
  headers.age = ageFor(exchange, record);
  if (provenance !== "real") {
    Object.assign(headers, provenanceHeaders(exchange, String(headers["cache-control"])));
  }
  headers["cache-status"] = statusFor(exchange, -overdueOf(record));
  return headers;
}

/** Headers of the response of another server: its own, of its types the first, and those that protect browsers, whatever it sends. */
export function relayHeaders(exchange: Exchange, own: Readonly<Record<string, string>>): HeaderFields {
  const headers: HeaderFields = { ...commonHeaders(exchange), ...own };
  const types = own["content-type"] ?? "";
  headers["x-content-type-options"] = "nosniff";
  headers["content-type"] = types.split(",")[0]?.trim() || undefined;
  if (DOCUMENT.test(types)) headers["content-security-policy"] = SANDBOX;
  headers["cache-status"] = statusFor(exchange);
  return headers;
}

/** Who may store it for how long, and under which tags it is purged: no CDN stores private files. */
function setCaching(headers: HeaderFields, endpoint: Endpoint, record: RenditionRecord): void {
  const { cacheControl, cdnCacheControl, tagHeader } = endpoint;
  const isPrivate = record.private && !PRIVATE.test(record.control ?? "");
  const control = isPrivate ? privately(record.control ?? cacheControl) : (record.control ?? cacheControl);
  const { noStore, noCache, private: forOne } = parseCacheControl(control);
  const shared = !noStore && !forOne;
  // `no-cache` of an origin is for CDNs, too; that of the endpoint's rule may be for browsers alone.
  const asksOrigin = noCache && record.control !== undefined;
  const configured = shared && !asksOrigin ? cdnCacheControl : undefined;
  const forCdns = record.private ? undefined : (record.cdnControl ?? configured);
  headers["cache-control"] = control;
  headers["cdn-cache-control"] = forCdns;
  const isTagged = shared || (forCdns !== undefined && isStorable({ cdnCacheControl: forCdns }));
  if (isTagged && tagHeader) headers[tagHeader.toLowerCase()] = tagsText(tagHeader, cdnTagsOf(record));
}

const PRIVATE = /\b(?:private|no-store)\b/;

/** Age of a response that was stored by caches, here or at the origin's (RFC 9111 §5.1). */
function ageFor({ cache, provenance }: Exchange, record: RenditionRecord): number | undefined {
  const age = ageOf(record);
  return cache?.hit || provenance === "stale" || age > 0 ? age : undefined;
}

function statusFor({ cache, endpoint, key }: Exchange, freshFor?: number): string {
  return cacheStatus({ cache, freshFor, ...(endpoint.cacheStatusKey && { key }) });
}

/** Only what took part: `Accept` where the format was negotiated, hints where a parameter asked for them. */
function varyOf({ job }: Exchange, record: RenditionRecord): string | undefined {
  if (!job) return undefined;
  const accept = isNegotiated(job) && !record.original ? "Accept" : undefined;
  const { vary } = job.delivery;
  return vary ? [...(accept ? [accept] : []), ...vary].join(", ") : accept;
}

/** A substitute or a stale copy has a short lifetime, and no validators of the real rendition. */
function provenanceHeaders({ provenance, lifetime }: Exchange, control: string): HeaderFields {
  const seconds = Math.floor(Math.min(lifetime ?? 0, lifetimeOf(control)) / 1000);
  return {
    "x-mediatap-provenance": provenance,
    "cache-control": parseCacheControl(control).noStore
      ? control
      : `${visibilityOf(control)}, max-age=${seconds > 0 ? seconds : "0, must-revalidate"}`,
    "cdn-cache-control": undefined,
    // The provenance shows that it is stale; with its real age it would have no lifetime left.
    age: undefined,
    ...(provenance === "stale" ? {} : { etag: undefined, "last-modified": undefined }),
  };
}

function visibilityOf(control: string): "private" | "public" {
  return parseCacheControl(control).private ? "private" : "public";
}

function disposition({ job, target }: Exchange, record: RenditionRecord): string {
  const asset = job?.asset.path.split("/").pop() || target.path;
  const { attachment, filename } = job?.delivery ?? {};
  const chosen = attachment ?? filename;
  const extension = EXTENSIONS[record.format] ?? /\.\w{1,8}$/.exec(asset)?.[0] ?? "";
  const stem = typeof chosen === "string" ? chosen : asset.replace(/\.\w{1,8}$/, "");
  return createDisposition(`${stem}${extension}`, {
    type: attachment === undefined ? "inline" : "attachment",
  });
}

const EXTENSIONS: Record<string, string> = {
  jpeg: ".jpg",
  png: ".png",
  webp: ".webp",
  avif: ".avif",
  gif: ".gif",
};

/** Headers of a failure: a short lifetime if it may be stored at all, and never longer than that of a success. */
export function errorHeaders(error: MediaError, exchange: Exchange, limits: Limits): HeaderFields {
  const { endpoint, cache } = exchange;
  const lifetime =
    error.status === 400 && error.code === "EINVAL" ? limits.notFoundLifetime : errorLifetime(error, limits);
  const seconds = Math.floor(Math.min(lifetime, lifetimeOf(endpoint.cacheControl)) / 1000);
  return {
    "content-type": "text/plain; charset=utf-8",
    "cache-control": seconds > 0 ? `${visibilityOf(endpoint.cacheControl)}, max-age=${seconds}` : "no-store",
    age: cache?.age,
    ...(cache && { "cache-status": statusFor(exchange) }),
    ...(error.retryAfterSeconds === undefined ? {} : { "retry-after": error.retryAfterSeconds }),
    ...(error.status === 405 ? { allow: "GET, HEAD, OPTIONS" } : {}),
  };
}

/** Headers of a response that must not be stored, while the work goes on. */
export function pendingHeaders(exchange: Exchange): HeaderFields {
  return {
    "cache-control": "no-store",
    "x-mediatap-provenance": exchange.provenance,
    "cache-status": statusFor(exchange),
  };
}

/** A failure in words for the client: one short line, and one for each note about the URL of a file that is missing. */
export function errorText({ status, message }: MediaError, notes: Job["notes"] = []): string {
  const text = printable(message, 500);
  if (status !== 404) return text;
  return [`Not Found: ${text}`, ...notes.map((note) => printable(note.text, 300))].join("\n");
}
