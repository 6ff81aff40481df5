import ipaddr from "ipaddr.js";
import { z } from "zod";
import { TAG, TAG_HEADERS } from "../model/tags.ts";
import type { ImageFormat } from "../model/transformation.ts";
import { secret } from "./options.ts";

/** 180 days. */
const CACHE_CONTROL = "public, s-maxage=15552000, max-age=15552000, must-revalidate";

const DAY_MS = 24 * 60 * 60_000;

/** Values of rules that neither the endpoint, nor its tenant, nor the top level sets. */
export const DEFAULT_RULES = {
  languages: [] as string[],
  autoFormat: true,
  autoAvif: false,
  quality: 80,
  fidelity: "standard",
  otherWidths: "snap",
  enlarge: true,
  sanitizeSvg: false,
  autoVideo: false,
  videoQuality: 50,
  metadata: false,
  colorProfile: false,
  restrictUnsigned: "none",
  restrictUnnamed: false,
  blockedIps: [] as string[],
  blockedUserAgents: [] as string[],
  userAgentAccept: [] as { match: string; accept: "avif" | "webp" | "basic" }[],
  allowedFormats: [] as ImageFormat[],
  cacheControl: CACHE_CONTROL,
  originCacheControl: "restrict",
  staleWhileRevalidate: DAY_MS,
  staleIfError: 7 * DAY_MS,
  tags: [] as string[],
  cacheStatusKey: false,
  cors: "*",
  ignoreQuery: [] as string[],
} as const;

const restriction = z.enum(["none", "images", "videos", "all"]);
export const headerValue = z.string().regex(/^[\x20-\x7e]*$/, "Expected printable ASCII");
/** Short forms such as `10.1` mean other things to other programs. */
const isAddress = (text: string) =>
  text.includes(":") ? ipaddr.IPv6.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text);
export const address = z
  .string()
  .refine(
    (text) => isAddress(text.split("/", 1)[0] as string) && (!text.includes("/") || ipaddr.isValidCIDR(text)),
    {
      error: "Expected an IP address or CIDR",
    },
  );
const key = z.string().min(1, "Expected a key that is not empty");

/** Rules of an endpoint; each may also be set at the top level and for a tenant, as the default of all endpoints there. */
export const rules = {
  /**
   * Name of the origin that is always tried first.
   * @example "library"
   */
  library: z.string().optional(),
  /**
   * URL languages of the endpoint in order, by plugin name. Empty: all that are installed, in the order of the plugins.
   * @example ["url-other", "url-imagekit"]
   */
  languages: z.array(z.string()).optional(),
  /**
   * Choose the output format by the client's `Accept`. `"smallest"`: encode each acceptable format and keep the one with the fewest bytes.
   * @default true
   * @example "smallest"
   */
  autoFormat: z.union([z.boolean(), z.literal("smallest")]).optional(),
  /**
   * Include AVIF in that choice.
   * @default false
   * @example true
   */
  autoAvif: z.boolean().optional(),
  /**
   * Quality of lossy output, 1–100. `"auto"`: for each image, the lowest quality that looks like the original.
   * @default 80
   * @example 70
   */
  quality: z.union([z.int().min(1).max(100), z.literal("auto")]).optional(),
  /**
   * How images are scaled down. `"high"`: opaque images in linear light, so that fine bright details keep their brightness, and others
   * without the decoder's shortcuts; for about twice the CPU.
   * @default "standard"
   * @example "high"
   */
  fidelity: z.enum(["standard", "high"]).optional(),
  /**
   * Widths that a URL can request, in pixels. Any other one becomes the next larger of them, or else the largest; a height beside it follows
   * in proportion. A device pixel ratio counts: 300 pixels at a ratio of 2 are 600. A height alone is compared with the same list. A
   * calculated width, such as half of the original's, is refused with 400. Layers, and windows that are cut out of an image without
   * scaling it, keep their sizes.
   * @example [320, 640, 1280, 1920]
   */
  widths: z.array(z.int().min(1).max(65535)).min(1, "Expected at least one width").max(100).optional(),
  /**
   * What happens to a URL that requests a width which is not in `widths`. `"snap"`: it gets the next one. `"refuse"`: it gets a 400, also
   * for a window that is cut out.
   * @default "snap"
   * @example "refuse"
   */
  otherWidths: z.enum(["snap", "refuse"]).optional(),
  /**
   * Scale images and videos up if a URL requests more pixels than they have. `false`: no URL can.
   * @default true
   * @example false
   */
  enlarge: z.boolean().optional(),
  /**
   * Pixels of the longest side of an image that is rendered. A larger result is scaled down in proportion, whatever the URL requests. SVGs
   * that stay SVGs, videos, and files that are delivered as they are, keep their size; `limits.outputSide` refuses instead.
   * @example 4096
   */
  maxSide: z.int().min(1).max(65535).optional(),
  /**
   * Remove scripts, event handlers and references to other documents from SVGs that stay SVGs, originals included. A URL cannot turn it
   * off. Needs a plugin that sanitises, such as `svg-dompurify`: without one, SVGs are refused.
   * @default false
   * @example true
   */
  sanitizeSvg: z.boolean().optional(),
  /**
   * Compress a video whose URL contains no transformation. Otherwise it is delivered as it is.
   * @default false
   * @example true
   */
  autoVideo: z.boolean().optional(),
  /**
   * Quality of videos, 1–100.
   * @default 50
   * @example 60
   */
  videoQuality: z.int().min(1).max(100).optional(),
  /**
   * Keep EXIF, XMP, IPTC and ICC metadata.
   * @default false
   * @example true
   */
  metadata: z.boolean().optional(),
  /**
   * Keep the ICC profile instead of converting to sRGB.
   * @default false
   * @example true
   */
  colorProfile: z.boolean().optional(),
  /**
   * Assets that need a signed URL. Needs a private key.
   * @default "none"
   * @example "all"
   */
  restrictUnsigned: restriction.optional(),
  /**
   * Allow only named transformations, and URLs without a transformation.
   * @default false
   * @example true
   */
  restrictUnnamed: z.boolean().optional(),
  /**
   * Renditions that one client address may have rendered per minute, all of them at once or one after the other; more are refused with 429
   * `EBUSY` and `Retry-After`. Free are what a cache has, what is being rendered already, and URLs with a valid signature. IPv6 addresses
   * count by their /64 network. Behind a CDN or proxy set `trustedProxies`, or all clients share one address. All workers of a machine have
   * one limit.
   * @example 120
   */
  missRate: z.int().min(1).max(60_000).optional(),
  /**
   * Client addresses or CIDR ranges that are refused.
   * @example ["192.0.2.0/24"]
   */
  blockedIps: z.array(address).max(100).optional(),
  /**
   * Host names, exact, whose pages may embed (`allow`) or must not embed (`block`) files.
   * @example { mode: "allow", domains: ["www.example.com"] }
   */
  referrer: z
    .strictObject({
      /** Whether the domains are the only ones that are allowed, or the ones that are refused. */
      mode: z.enum(["allow", "block"]),
      /** Host names of the pages. */
      domains: z.array(z.string()).max(30),
    })
    .optional(),
  /**
   * Substrings of user agents that are refused, case-insensitive.
   * @example ["badbot"]
   */
  blockedUserAgents: z.array(z.string().min(1)).max(10).optional(),
  /**
   * User agents that get a format whatever their `Accept` contains.
   * @example [{ match: "OldBrowser", accept: "basic" }]
   */
  userAgentAccept: z
    .array(
      z.strictObject({
        /** Substring of the user agent. */
        match: z.string().min(1),
        /** The best format that it gets; `basic`: JPEG or PNG. */
        accept: z.enum(["avif", "webp", "basic"]),
      }),
    )
    .max(10)
    .optional(),
  /**
   * Formats that a URL may request and that negotiation chooses from. Empty: all.
   * @example ["jpeg", "webp"]
   */
  allowedFormats: z.array(z.enum(["jpeg", "png", "webp", "avif", "gif", "svg"])).optional(),
  /**
   * `Cache-Control` of responses. Its shared lifetime (`s-maxage`, else `max-age`) is also the lifetime in the server's caches.
   * @default "public, s-maxage=15552000, max-age=15552000, must-revalidate"
   * @example "public, max-age=3600"
   */
  cacheControl: headerValue.optional(),
  /**
   * Effect of an origin's `Cache-Control`. `"restrict"`: what it marks `private` or `no-store` is not stored, everything else follows
   * `cacheControl`. `"follow"`: it and `Expires` replace `cacheControl`. `"ignore"`: none.
   * @default "restrict"
   * @example "follow"
   */
  originCacheControl: z.enum(["ignore", "restrict", "follow"]).optional(),
  /**
   * `CDN-Cache-Control` of responses: for shared caches in front of the server, in place of `Cache-Control` (RFC 9213).
   * @example "max-age=86400"
   */
  cdnCacheControl: headerValue.optional(),
  /**
   * Milliseconds after its lifetime in which a rendition is served immediately and revalidated in the background; at most
   * as long as its lifetime was. 0: the response waits for the revalidation.
   * @default 86400000
   * @example 0
   */
  staleWhileRevalidate: z.number().min(0).optional(),
  /**
   * Milliseconds after its lifetime in which a rendition is served if its origin fails.
   * @default 604800000
   * @example 0
   */
  staleIfError: z.number().min(0).optional(),
  /**
   * Tags of everything that the endpoint delivers; a purge can name a tag.
   * @example ["shop"]
   */
  tags: z
    .array(z.string().regex(TAG, "Expected up to 128 printable characters without space and comma"))
    .max(20)
    .optional(),
  /**
   * Response header that lists the tags for a CDN.
   * @example "Cache-Tag"
   */
  tagHeader: z.enum(TAG_HEADERS).optional(),
  /**
   * Include the cache key in `Cache-Status`, for debugging.
   * @default false
   * @example true
   */
  cacheStatusKey: z.boolean().optional(),
  /**
   * `Access-Control-Allow-Origin` of responses; `false`: no such header.
   * @default "*"
   * @example "https://www.example.com"
   */
  cors: z.union([headerValue, z.literal(false)]).optional(),
  /**
   * Key that signs and verifies URLs and opens the management API. Use 16 bytes or more.
   * @example process.env.MEDIATAP_PRIVATE_KEY
   */
  privateKey: secret(key).optional(),
  /**
   * Several keys, for rotation: the first one signs, all of them verify.
   * @example [process.env.NEW_KEY, process.env.OLD_KEY]
   */
  privateKeys: secret(z.array(key)).optional(),
  /**
   * Query parameters that are no part of the cache key and are not sent to origins.
   * @example ["utm_source"]
   */
  ignoreQuery: z.array(z.string()).optional(),
};
