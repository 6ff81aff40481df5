import ipaddr from "ipaddr.js";
import { z } from "zod";
import type { EndpointFields } from "../model/endpoint.ts";
import { DEFAULT_LIMITS, type LimitName, SERVER_LIMITS, type TenantLimitName } from "../model/limits.ts";
import { TAG, TAG_HEADERS } from "../model/tags.ts";
import { secret } from "../options.ts";
import type { PluginList } from "../plugin.ts";

/** 180 days, ImageKit's lifetime of a delivered file. */
const CACHE_CONTROL = "public, s-maxage=15552000, max-age=15552000, must-revalidate";

const DAY = 24 * 60 * 60_000;

/** What an endpoint does where neither it nor the top level says. */
export const DEFAULT_RULES = {
  languages: [] as string[],
  autoFormat: true,
  autoAvif: false,
  quality: 80,
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
  allowedFormats: [] as string[],
  cacheControl: CACHE_CONTROL,
  originCacheControl: "restrict",
  staleWhileRevalidate: DAY,
  staleIfError: 7 * DAY,
  tags: [] as string[],
  cacheStatusKey: false,
  cors: "*",
  ignoreQuery: [] as string[],
} as const;

/** How long a request is held where `videoPolling` is `true`. */
export const POLLING = { interval: 5_000, tries: 3 } as const;

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

/** Rules of an endpoint; each may also stand at the top level, as the default of all endpoints. */
const rules = {
  /** Origin that is always tried first. */
  library: z.string().optional(),
  /** URL languages in order, by plugin name. Default: all that are installed. */
  languages: z.array(z.string()).optional(),
  /**
   * Choose the output format by what the client accepts; "smallest": write each format that comes into question, and keep
   * the one with the fewest bytes. @default true
   */
  autoFormat: z.union([z.boolean(), z.literal("smallest")]).optional(),
  /** AVIF takes part in that choice. @default false */
  autoAvif: z.boolean().optional(),
  /** Quality of lossy output, 1–100; "auto": for each picture the least that looks as it should. @default 80 */
  quality: z.union([z.int().min(1).max(100), z.literal("auto")]).optional(),
  /**
   * SVGs that stay SVGs are delivered without scripts, event handlers and references to other documents, originals included; a
   * URL cannot turn it off. Needs a plugin that sanitises, such as `svg-dompurify`: without one SVGs are refused. @default false
   */
  sanitizeSvg: z.boolean().optional(),
  /** A video whose URL asks for nothing is made small, too; else it is delivered as it is. @default false */
  autoVideo: z.boolean().optional(),
  /** Quality of videos, 1–100. @default 50 */
  videoQuality: z.int().min(1).max(100).optional(),
  /**
   * Videos as ImageKit gives them: a request for one that is not made yet is held for `interval` milliseconds (5,000), `tries`
   * times (3), no longer than most of `limits.request`; then it is sent to the original (302) while the work goes on. The first
   * request for a stream's playlist gets 202 without a body. Needs a cache that keeps what is made. @default false
   */
  videoPolling: z
    .union([
      z.boolean(),
      z.strictObject({
        interval: z.int().positive().max(60_000).default(POLLING.interval),
        tries: z.int().positive().max(100).default(POLLING.tries),
      }),
    ])
    .optional(),
  /** Keep EXIF, XMP, IPTC and ICC. @default false */
  metadata: z.boolean().optional(),
  /** Keep the ICC profile instead of converting to sRGB. @default false */
  colorProfile: z.boolean().optional(),
  /** Which assets need a signed URL. @default "none" */
  restrictUnsigned: restriction.optional(),
  /** Only named transformations, and URLs without any. @default false */
  restrictUnnamed: z.boolean().optional(),
  /** Addresses or CIDR ranges that are refused. */
  blockedIps: z.array(address).max(100).optional(),
  /** Exact host names that may, or may not, embed. */
  referrer: z
    .strictObject({ mode: z.enum(["allow", "block"]), domains: z.array(z.string()).max(30) })
    .optional(),
  /** Parts of user agents that are refused, in any case. */
  blockedUserAgents: z.array(z.string().min(1)).max(10).optional(),
  /** Parts of user agents that are answered as if they accepted this format. */
  userAgentAccept: z
    .array(z.strictObject({ match: z.string().min(1), accept: z.enum(["avif", "webp", "basic"]) }))
    .max(10)
    .optional(),
  /** Formats that a URL may ask for, and that negotiation chooses from. Default: all. */
  allowedFormats: z.array(z.enum(["jpeg", "png", "webp", "avif", "gif", "svg"])).optional(),
  /** `Cache-Control` of what is delivered; its shared lifetime is also ours. */
  cacheControl: headerValue.optional(),
  /**
   * What an origin's `Cache-Control` counts: "restrict": what it calls `private` or `no-store` is kept nowhere, all else
   * is by the endpoint's rule; "follow": it and `Expires` take the place of that rule; "ignore": nothing. @default "restrict"
   */
  originCacheControl: z.enum(["ignore", "restrict", "follow"]).optional(),
  /** `CDN-Cache-Control` of what is delivered: for shared caches before us, in the place of `Cache-Control` (RFC 9213). */
  cdnCacheControl: headerValue.optional(),
  /**
   * Milliseconds past its time for which a rendition is served at once, while its origin is asked behind the answer; no
   * longer than its lifetime was. 0: the answer waits. @default one day
   */
  staleWhileRevalidate: z.number().min(0).optional(),
  /** Milliseconds past its time for which a rendition stands in for an origin that fails. @default seven days */
  staleIfError: z.number().min(0).optional(),
  /** Names under which all of it may be purged. */
  tags: z
    .array(z.string().regex(TAG, "Expected up to 128 printable characters without space and comma"))
    .max(20)
    .optional(),
  /** Header that tells the CDN under which tags it may be purged. Default: none */
  tagHeader: z.enum(TAG_HEADERS).optional(),
  /** `Cache-Status` names the cache key, too: for finding out. @default false */
  cacheStatusKey: z.boolean().optional(),
  /** `Access-Control-Allow-Origin`; `false`: none. @default "*" */
  cors: z.union([headerValue, z.literal(false)]).optional(),
  /** Key that signs and verifies URLs. */
  privateKey: secret(key).optional(),
  /** Several keys, for rotation: the first signs, all verify. */
  privateKeys: secret(z.array(key)).optional(),
  /** Query parameters that do not count as another version of a file. */
  ignoreQuery: z.array(z.string()).optional(),
};

const hostName = z
  .string()
  .regex(
    /^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])$/,
    "Expected a host name without scheme, port and path",
  );

const origin = z.looseObject({
  /** What kind of place it is; a storage plugin serves it and checks the other fields. */
  type: z.string(),
  /** Milliseconds after which a second request is sent beside one that has not answered. Default: never. */
  hedge: z.int().positive().optional(),
});

export const endpointSchema = z.strictObject({
  /** Names of origins in order of preference. */
  origins: z.array(z.string()).min(1, "Expected at least one origin"),
  /** Host names that lead straight to this endpoint. */
  hosts: z.array(hostName).optional(),
  ...rules,
});

const identifier = z
  .string()
  .regex(/^(?!-$)[A-Za-z0-9-]{1,100}$/, "Expected up to 100 letters, digits and hyphens, not - alone,");

const named = z.union([
  z.string(),
  z.strictObject({ transformation: z.string(), enabled: z.boolean().default(true) }),
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

/** What belongs to one account: its places, its URL spaces, its stored chains. */
const account = {
  /** Places where originals lie, by name; further fields belong to the type. */
  origins: z.record(z.string(), origin).optional(),
  /** URL spaces, by identifier; `default` answers what no other does. */
  endpoints: z.record(identifier, endpointSchema).optional(),
  /** Stored chains for `n-<name>`. */
  namedTransformations: z
    .record(z.string().regex(/^\w+$/, "Expected letters, digits and underscores"), named)
    .optional(),
};

export const tenantSchema = z.strictObject({
  /** Host names of the account; without any it is found by its name as the first segment of the path. */
  hosts: z.array(hostName).optional(),
  ...account,
  /** Limits that differ from the server's. */
  limits: tenantLimits.optional(),
  ...rules,
});

export const configSchema = z.strictObject({
  /** Configurations to start from, by package name, `[name, options]`, or as objects; later ones win. */
  presets: z.array(z.unknown()).optional(),
  /** Plugins, by package name, `[name, options]`, or as objects; lists may nest, falsy entries are left out. */
  plugins: z.array(z.unknown()).optional(),
  ...account,
  limits: limits.optional(),
  /** Accounts with endpoints, origins, keys and named transformations of their own; none sees another's. */
  tenants: z.record(identifier, tenantSchema).optional(),
  /** Addresses or CIDR ranges of proxies whose `X-Forwarded-For` counts. */
  trustedProxies: z.array(address).optional(),
  /** Value of `x-req-from` in requests to origins. @default "mediatap" */
  requestFrom: headerValue.optional(),
  network: z
    .strictObject({
      /** Private addresses that client-given URLs may reach. */
      allow: z.array(z.string()).optional(),
      /**
       * HTTP proxy through which public addresses are asked, such as the environment's: `process.env.HTTPS_PROXY`.
       * Empty: none. @default none, whatever the environment says
       */
      proxy: z.string().optional(),
    })
    .optional(),
  /** Where to listen. `PORT` and `HOST`, and the command's flags, win. @default 3000, all interfaces */
  server: z
    .strictObject({
      port: z.int().min(0).max(65535).optional(),
      host: z.string().optional(),
      /** Takes a changed configuration file by itself; `--watch` and `--no-watch` win. @default false */
      watch: z.boolean().optional(),
      /** `/-/explain?url=…` says what would be done for a URL: for you, not for the public. @default false */
      explain: z.boolean().optional(),
    })
    .optional(),
  /**
   * Purges over HTTP, as ImageKit's management API takes them; only where a private key is configured. `false`: none.
   * @default below `/-/api`
   */
  management: z
    .union([
      z.literal(false),
      z.strictObject({
        /** Path below `/-/` behind which the calls lie. @default "/-/api" */
        path: z
          .string()
          .regex(/^\/-\/[\w/-]+$/, "Expected a path below /-/")
          .optional(),
        /** `/v1/files/purge` itself is answered, too, on all hosts. @default false */
        compatible: z.boolean().optional(),
        /** @default 600 */
        purgesPerMinute: z.int().positive().optional(),
      }),
    ])
    .optional(),
  /** Least level that is logged, and whether for people or for programs. @default "info", pretty on a terminal */
  log: z
    .strictObject({
      level: z.enum(["trace", "debug", "info", "warn", "error", "silent"]).optional(),
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

/** A configuration as people write it. */
export interface MediatapConfig
  extends Omit<Fields, "presets" | "plugins" | "endpoints" | "tenants">,
    Partial<ConfigSections>,
    Partial<EndpointFields> {
  /** URL spaces, by identifier; `default` answers what no other does. */
  readonly endpoints?: Readonly<Record<string, EndpointConfig>> | undefined;
  /** Accounts with endpoints, origins, keys and named transformations of their own; none sees another's. */
  readonly tenants?: Readonly<Record<string, TenantConfig>> | undefined;
  readonly presets?: readonly (MediatapConfig | Named | false | null | undefined)[];
  readonly plugins?: readonly (PluginList[number] | Named)[];
}

/** Checks nothing: gives a configuration in TypeScript its type. */
export function defineConfig(config: MediatapConfig): MediatapConfig {
  return config;
}

export type CheckedConfig = z.output<typeof configSchema>;
