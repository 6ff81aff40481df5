import { createHash } from "node:crypto";
import { extname } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import type { RouteHandler } from "../plugin/calls.ts";
import { type Coding, codedTag, codingOf } from "../util/content-coding.ts";

/** Sources that a page may load from besides this server, by directive: `{ "img-src": ["data:"] }`. */
export type PageSources = Readonly<Record<string, readonly string[]>>;

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Characters below which a file is sent as it is. */
const MIN_CODED_BYTES = 512;

const CODERS: Readonly<Record<Coding, (text: string) => Promise<Uint8Array>>> = {
  br: promisify(brotliCompress),
  gzip: promisify(gzip),
};

/** Everything from this server, nothing inline. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  "default-src": "'none'",
  "script-src": "'self'",
  "style-src": "'self'",
  "img-src": "'self'",
  "connect-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
};

/**
 * The handler of a route for one file of a page; `name` tells its type: `.html`, `.css`, `.js`, `.svg`, else plain text. Browsers
 * keep it, but ask each time: the page changes with its server. It is compressed once for each coding. It loads from this server
 * alone, and runs nothing inline; `sources` allows more.
 */
export function pageFile(name: string, body: string, sources: PageSources = {}): RouteHandler {
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const headers = {
    "cache-control": "no-cache",
    "content-security-policy": policyOf(sources),
    etag,
    "referrer-policy": "no-referrer",
    vary: "accept-encoding",
    "x-content-type-options": "nosniff",
  };
  const type = TYPES[extname(name)] ?? "text/plain; charset=utf-8";
  const coded = new Map<Coding, Promise<Uint8Array>>();
  return async (request) => {
    const coding = body.length < MIN_CODED_BYTES ? undefined : codingOf(request.header("accept-encoding"));
    const tagged = coding === undefined ? headers : { ...headers, etag: codedTag(etag, coding) };
    if (request.header("if-none-match")?.includes(tagged.etag)) return { status: 304, headers: tagged };
    if (coding === undefined) return { headers: { ...tagged, "content-type": type }, body };
    const work = coded.get(coding) ?? CODERS[coding](body);
    coded.set(coding, work);
    return { headers: { ...tagged, "content-type": type, "content-encoding": coding }, body: await work };
  };
}

function policyOf(sources: PageSources): string {
  const directives = { ...DIRECTIVES };
  for (const [name, more] of Object.entries(sources)) {
    directives[name] = [directives[name] ?? "'self'", ...more].join(" ");
  }
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join("; ");
}
