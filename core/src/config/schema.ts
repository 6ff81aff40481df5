import ipaddr from "ipaddr.js";
import { z } from "zod";
import type { EndpointFields } from "../model/endpoint.ts";
import { DEFAULT_LIMITS, type LimitName, SERVER_LIMITS, type TenantLimitName } from "../model/limits.ts";
import { TAG, TAG_HEADERS } from "../model/tags.ts";
import type { ImageFormat } from "../model/transformation.ts";
import type { PluginList } from "../plugin.ts";
import { secret } from "./options.ts";

/** 180 days. */
const CACHE_CONTROL = "public, s-maxage=15552000, max-age=15552000, must-revalidate";

const DAY = 24 * 60 * 60_000;

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
  staleWhileRevalidate: DAY,
  staleIfError: 7 * DAY,
  tags: [] as string[],
  cacheStatusKey: false,
  cors: "*",
  ignoreQuery: [] as string[],
} as const;

const restriction = z.enum(["none", "images", "videos", "all"]);
const headerValue = z.string().regex(/^[\x20-\x7e]*$/, "Expected printable ASCII");
/** Short forms such as `10.1` mean other things to other programs. */
const isAddress = (text: string) =>
  text.includes(":") ? ipaddr.IPv6.isValid(text) : ipaddr.IPv4.isValidFourPartDecimal(text);
const address = z
  .string()
  .refine(
    (text) => isAddress(text.split("/", 1)[0] as string) && (!text.includes("/") || ipaddr.isValidCIDR(text)),
    {
      error: "Expected an IP address or CIDR",
    },
  );
const key = z.string().min(1, "Expected a key that is not empty");

/** Rules of an endpoint; each may also be set at the top level and for a tenant, as the default of all endpoints there. */
const rules = {
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

const hostName = z
  .string()
  .regex(
    /^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])$/,
    "Expected a host name without scheme, port and path",
  );

const origin = z.looseObject({
  /**
   * Type of the origin. It selects the storage plugin, which defines and checks the other fields.
   * @example "FOLDER"
   */
  type: z.string(),
  /**
   * Milliseconds after which a second request is sent if the first one has not been answered. Without it, none is sent.
   * @example 400
   */
  hedge: z.int().positive().optional(),
});

export const endpointSchema = z.strictObject({
  /**
   * Names of origins, in the order in which they are tried.
   * @example ["photos", "site"]
   */
  origins: z.array(z.string()).min(1, "Expected at least one origin"),
  /**
   * Host names whose requests go to this endpoint, without its identifier in the path.
   * @example ["img.example.com"]
   */
  hosts: z.array(hostName).optional(),
  ...rules,
});

const identifier = z
  .string()
  .regex(/^(?!-$)[A-Za-z0-9-]{1,100}$/, "Expected up to 100 letters, digits and hyphens, not - alone,");

const named = z.union([
  z.string(),
  z.strictObject({
    /** The transformation, in the URL language of the endpoint. */
    transformation: z.string(),
    /**
     * Whether URLs may use it.
     * @default true
     */
    enabled: z.boolean().default(true),
  }),
]);

const limit = z.number().min(0).optional();

const limits = z.strictObject(
  Object.fromEntries(Object.keys(DEFAULT_LIMITS).map((name) => [name, limit])) as Record<
    LimitName,
    typeof limit
  >,
);

const noLimit = z
  .undefined("Expected no value, because only the server as a whole can have this limit,")
  .optional();

const tenantLimits = z.strictObject({
  ...(limits.shape as Record<TenantLimitName, typeof limit>),
  ...(Object.fromEntries(SERVER_LIMITS.map((name) => [name, noLimit])) as Record<
    (typeof SERVER_LIMITS)[number],
    typeof noLimit
  >),
});

/** What belongs to one account: its origins, endpoints and named transformations. */
const account = {
  /**
   * Places that hold originals, by name.
   * @example { photos: { type: "FOLDER", path: "./photos" } }
   */
  origins: z.record(z.string(), origin).optional(),
  /**
   * URL spaces, by identifier, which is the first segment of their paths. `default` serves every path that no other endpoint serves.
   * @example { default: { origins: ["photos"] } }
   */
  endpoints: z.record(identifier, endpointSchema).optional(),
  /**
   * Stored transformations, by name, for `tr:n-<name>`; with `enabled: false` URLs cannot use one.
   * @example { thumb: "w-150,h-150,fo-auto" }
   */
  namedTransformations: z
    .record(z.string().regex(/^\w+$/, "Expected letters, digits and underscores"), named)
    .optional(),
};

export const tenantSchema = z.strictObject({
  /**
   * Host names of the tenant. Without any, the first segment of the path is its name.
   * @example ["img.acme.example"]
   */
  hosts: z.array(hostName).optional(),
  ...account,
  /**
   * Limits that differ from the server's.
   * @example { megapixels: 25 }
   */
  limits: tenantLimits.optional(),
  ...rules,
});

export const configSchema = z.strictObject({
  /**
   * Configurations to start from, by package name, as `[name, options]`, or as objects; later ones take precedence.
   * @example ["@mediatap/preset-imagekit"]
   */
  presets: z.array(z.unknown()).optional(),
  /**
   * Plugins, by package name, as `[name, options]`, or as objects. Lists can be nested; falsy entries are ignored.
   * @example ["cache-memory", ["cache-disk", { path: "./cache" }]]
   */
  plugins: z.array(z.unknown()).optional(),
  ...account,
  /**
   * Limits of the server.
   * @example { megapixels: 50 }
   */
  limits: limits.optional(),
  /**
   * Accounts with their own endpoints, origins, keys and named transformations. None can access another's.
   * @example { acme: { endpoints: { default: { origins: ["photos"] } } } }
   */
  tenants: z.record(identifier, tenantSchema).optional(),
  /**
   * Addresses or CIDR ranges of proxies whose `X-Forwarded-For` is trusted.
   * @example ["10.0.0.0/8"]
   */
  trustedProxies: z.array(address).optional(),
  /**
   * Value of the header `x-req-from` in requests to origins.
   * @default "mediatap"
   * @example "imagekit"
   */
  requestFrom: headerValue.optional(),
  /** How the server reaches the network. */
  network: z
    .strictObject({
      /**
       * Private addresses or CIDR ranges that URLs from clients may reach.
       * @example ["10.1.2.0/24"]
       */
      allow: z.array(z.string()).optional(),
      /**
       * HTTP proxy for requests to public addresses. The environment is ignored; an empty text means no proxy.
       * @example process.env.HTTPS_PROXY
       */
      proxy: z.string().optional(),
    })
    .optional(),
  /** Where the server listens, and what it does for its operator. */
  server: z
    .strictObject({
      /**
       * TCP port; `PORT` and `--port` take precedence. 0: any free port.
       * @default 3000
       * @example 8080
       */
      port: z.int().min(0).max(65535).optional(),
      /**
       * Address to listen on; `HOST` and `--host` take precedence. Without it: all interfaces.
       * @example "127.0.0.1"
       */
      host: z.string().optional(),
      /**
       * Reload the configuration when its file changes; `--watch` and `--no-watch` take precedence.
       * @default false
       * @example true
       */
      watch: z.boolean().optional(),
      /**
       * Serve `/-/explain?url=…`, which shows what the server would do for a URL. For operators, not for the public.
       * @default false
       * @example true
       */
      explain: z.boolean().optional(),
    })
    .optional(),
  /**
   * The management API. It needs a private key. `false`: no such API.
   * @example false
   */
  management: z
    .union([
      z.literal(false),
      z.strictObject({
        /**
         * Path of the API, below `/-/`.
         * @default "/-/api"
         * @example "/-/admin"
         */
        path: z
          .string()
          .regex(/^\/-\/[\w/-]+$/, "Expected a path below /-/")
          .optional(),
        /**
         * Also serve the calls of another product, such as those of `manage-imagekit`, at that product's own paths, on all hosts.
         * @default false
         * @example true
         */
        compatible: z.boolean().optional(),
        /**
         * Purge calls that are accepted per minute.
         * @default 600
         * @example 60
         */
        purgesPerMinute: z.int().positive().optional(),
        /**
         * Changes of the managed state and of keys that are accepted per account and minute.
         * @default 300
         * @example 30
         */
        changesPerMinute: z.int().positive().optional(),
      }),
    ])
    .optional(),
  /** The server's own log. */
  log: z
    .strictObject({
      /**
       * Lowest level that is logged.
       * @default "info"
       * @example "debug"
       */
      level: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).optional(),
      /**
       * Text for people instead of JSON. Without it: text on a terminal, JSON elsewhere.
       * @example false
       */
      pretty: z.boolean().optional(),
    })
    .optional(),
  ...rules,
});

type Fields = z.input<typeof configSchema>;

/** A preset or plugin named in JSON or YAML. */
export type Named = string | readonly [name: string, options?: unknown];

/** Sections of the configuration that plugins add; open to declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: plugins fill it.
export interface ConfigSections {}

type Extended<T> = T & Partial<EndpointFields>;
type EndpointConfig = Extended<z.input<typeof endpointSchema>>;
type TenantConfig = Extended<Omit<z.input<typeof tenantSchema>, "endpoints">> & {
  readonly endpoints?: Readonly<Record<string, EndpointConfig>> | undefined;
};

/** A configuration as it is written by people. */
export interface MediatapConfig
  extends Omit<Fields, "presets" | "plugins" | "endpoints" | "tenants">,
    Partial<ConfigSections>,
    Partial<EndpointFields> {
  /** URL spaces, by identifier; `default` serves every path that no other endpoint serves. */
  readonly endpoints?: Readonly<Record<string, EndpointConfig>> | undefined;
  /** Accounts with their own endpoints, origins, keys and named transformations; none can access another's. */
  readonly tenants?: Readonly<Record<string, TenantConfig>> | undefined;
  readonly presets?: readonly (MediatapConfig | Named | false | null | undefined)[];
  readonly plugins?: readonly (PluginList[number] | Named)[];
}

/** Returns `config` unchanged; its only effect is the type. */
export function defineConfig(config: MediatapConfig): MediatapConfig {
  return config;
}

export type CheckedConfig = z.output<typeof configSchema>;
