import { z } from "zod";
import type { EndpointFields } from "../model/endpoint.ts";
import { DEFAULT_LIMITS, SERVER_LIMITS, type TenantLimitName } from "../model/limits.ts";
import type { ConfigSections, PluginList } from "../plugin/plugin.ts";
import { address, headerValue, rules } from "./rules.ts";

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

const limits = z.strictObject(sameFor(DEFAULT_LIMITS, limit));

const noLimit = z
  .undefined("Expected no value, because only the server as a whole can have this limit,")
  .optional();

const tenantLimits = z.strictObject({
  ...(limits.shape as Record<TenantLimitName, typeof limit>),
  ...sameFor(SERVER_LIMITS, noLimit),
});

/** One schema for each of these names. */
function sameFor<K extends string, S>(names: Readonly<Record<K, unknown>>, schema: S): Record<K, S> {
  return Object.fromEntries(Object.keys(names).map((name) => [name, schema])) as Record<K, S>;
}

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
   * Addresses or CIDR ranges of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted.
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
