import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Command } from "commander";
import type { Logger } from "pino";
import type { Endpoint } from "../model/endpoint.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { LimitsOf } from "../model/limits.ts";
import type { Obtained, Rendition } from "../model/rendition.ts";
import type { Storage } from "../model/source.ts";
import type { StepRegistry } from "../model/steps/registry.ts";
import type { Transformation } from "../model/transformation.ts";
import type { UrlBuilder } from "../model/url-builder.ts";
import type { ReadUsage } from "../model/usage.ts";
import type { BreakerState } from "../util/breaker.ts";
import type { Bus } from "../util/bus.ts";
import type { KeyRole } from "./account-keys.ts";
import type { CacheRegistration, OriginalsRegistration } from "./cache-backend.ts";
import type { CallDescription, CallHandler, CallWithoutKey, KeysApi, RouteHandler } from "./calls.ts";
import type { Explanation } from "./explanation.ts";
import type { Fetcher } from "./fetcher.ts";
import type { ClusterLocks } from "./locks.ts";
import type { Records, StateStoreRegistration } from "./state-store.ts";
import type { PluginHooks } from "./taps.ts";

/** Something that a plugin measures, for those who report it. */
export interface Metric {
  /**
   * Lower-case letters, digits and `_`, with its unit, and `_total` for a counter: `cache_bytes`. Several plugins may measure the
   * same, under other labels.
   */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** All workers measure the same thing, such as a folder: it is not added up. @default false */
  readonly shared?: boolean;
  /** The values at this moment, each with its labels: few, and nothing of a client. */
  read(): readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];
}

/** What a scheduler holds at a moment; costs in estimated milliseconds of one core. */
export interface Load {
  /** How many plans run at once at most. */
  readonly places: number;
  readonly running: number;
  readonly waiting: number;
  readonly waitingCost: number;
  /** Bytes that the plans which run take, by their estimates. */
  readonly memory: number;
}

/** What the server is doing at this moment. */
export interface ServerState {
  /** Version of the core. */
  readonly version: string;
  /** The plugins of this configuration, in its order. */
  readonly plugins: readonly Pick<Plugin, "name" | "version" | "urlBuilder">[];
  /** The plans of engines. */
  readonly work: Load;
  /** A cache stores renditions. */
  readonly stores: boolean;
  /** State of the circuit breaker of each configured origin, by the origin's name. */
  readonly breakers: Readonly<Record<string, BreakerState>>;
  /** Requests that are being answered, and open connections. */
  readonly traffic: { readonly requests: number; readonly connections: number };
  /** It is about to end: it waits for the requests that are being answered. */
  readonly isDraining: boolean;
  /** What plugins measure. */
  readonly metrics: readonly Metric[];
  /** Reports about past requests. Left out: no plugin counts them. */
  readonly usage?: ReadUsage;
}

/** What is to be forgotten: all that was made of an original, of all below a path, under a tag, or everything. */
export interface PurgeTarget {
  readonly kind: "source" | "prefix" | "tag" | "all";
  readonly value: string;
  readonly tenant?: string;
}

/** A request that is inspected and gets no response. */
export interface InspectedRequest {
  /** Absolute URL, or its path and query. */
  readonly url: string;
  /** By lower-case name. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The URL may lead to these; any other one is refused with `EFORBIDDEN`, before anything is asked. */
  readonly endpoints: readonly Endpoint[];
}

/** How a command names a running server. */
export interface ServerFlags {
  /** Its URL. @default the server of the configuration, on this machine */
  readonly server?: string;
  /** A private key. @default MEDIATAP_PRIVATE_KEY, else the configuration's */
  readonly key?: string;
}

/** A running server as commands see it. */
export interface RunningServer {
  /** Scheme, host and port, for messages. */
  readonly origin: string;
  /**
   * Makes a call of its management: `path` as a plugin adds it by `manage`. Resolves with the JSON of the answer; throws
   * `ECONFIG`, in words for people, where the server refuses or does not answer.
   */
  call(
    path: string,
    request?: { readonly method?: "GET" | "POST" | "DELETE"; readonly body?: unknown },
  ): Promise<Record<string, unknown>>;
}

/** Opens a folder with the plugins with which `mediatap serve FOLDER` serves it. Throws `ECONFIG` if there is none. */
export type OpenFolder = (path: string) => Promise<OpenedFolder>;

/** A folder of this machine as commands see it. */
export interface OpenedFolder {
  /** The paths of its files, those in folders included. */
  files(): AsyncIterable<string>;
  /** A rendition of a file; its body, if any, is to be closed. Throws what a request for it would be answered with. */
  render(path: string, transformation: Transformation): Promise<Rendition>;
  close(): Promise<void>;
}

/** Origins, for plugins that read and write files on their own. */
export interface OriginsApi {
  /** An origin's storage, by name; known once `start` runs. */
  storage(origin: string): Storage;
}

/** Jobs, for plugins that start work themselves; known once `start` runs. */
export interface JobsApi {
  /**
   * The job that a request would be for, in canonical form. `url`: absolute, or its path and query; `headers` by lower-case
   * name. No access rule is applied: the caller checks `asset.tenant` and `asset.endpoint`, and only then reports the job's
   * `problem`, which may say something about the endpoint. Throws if the URL names no asset.
   */
  resolve(url: string, headers?: Readonly<Record<string, string>>): Promise<Job>;
  /**
   * The job of a request, as `resolve` returns it, if the rules of its endpoint admit the request: those about clients, signatures
   * and names. `ip`: address of the client. Throws what the request would be answered with before an origin is asked; whether a
   * file is private is not known by then.
   */
  admit(url: string, headers?: Readonly<Record<string, string>>, ip?: string): Promise<Job>;
  /** What the server would do for a request, and why: what `mediatap explain` prints. An error in the URL is part of it. */
  explain(request: InspectedRequest): Promise<Explanation>;
  /**
   * Path and query of a URL with a valid signature by the endpoint's first key, as its language signs. `expires`: seconds since
   * 1970. @default never. Throws `EUNSUPPORTED` if the endpoint has no key, or the language no signatures.
   */
  sign(request: InspectedRequest, expires?: number): Promise<string>;
  /**
   * Path and query of a URL of another language that asks for the same, without a signature. Throws what is wrong with the URL, and
   * `EUNSUPPORTED` with all that the language cannot express, or if it prints no URLs.
   */
  rewrite(url: string, language: string): Promise<string>;
  /**
   * Why the signature of a request is not valid, in words for the author of its URL; `undefined`: it is valid, or there is none. It tries
   * out mistakes, so it is for operators and development only.
   */
  signatureFault(job: Job, exchange: Exchange): Promise<string | undefined>;
  /**
   * A rendition in the background, as a request with a valid signature would get it: from a cache, else made. Resolves once
   * caches have been handed it whole; its body, if any, is to be closed. Throws what the request would be answered with.
   * `trusted`: private files are open to it, as with a valid signature. @default true
   */
  obtain(
    job: Job,
    options?: { readonly signal?: AbortSignal; readonly trusted?: boolean },
  ): Promise<Obtained>;
  /**
   * What caches have of a job's rendition, by its metadata: no origin is asked. `stale`: an origin would be asked whether it still holds.
   * Throws what is wrong with the job, and the failure that a cache knows.
   */
  cached(job: Job): Promise<"fresh" | "stale" | "miss">;
  /** Makes a rendition in the background, for the caches; resolves when it is done. Its plan waits in the queue like any other. */
  enqueue(job: Job, options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** The other processes of this server, on this machine and on others. */
export interface ClusterApi {
  /** Processes that this server runs as: a budget of memory that a plugin has for the whole is divided by it. */
  readonly workers: number;
  /** Announcements to the other processes of this server; a plugin that has a way to them lays a line. */
  readonly bus: Bus;
  /**
   * Locks for work that is done once among several machines; a plugin that can reach them connects its own. A cache that
   * machines have in common may acquire locks for itself.
   */
  readonly locks: ClusterLocks;
  /**
   * A collection of small records that survive restarts, the same for all processes: hours of counters, entries of a log. `undefined`:
   * no plugin keeps state (`Plugin.stateStore`). A plugin begins the names of its collections with its own. Throws `TypeError` for a name,
   * key or value (at most a million characters) that not every store can keep.
   */
  records(name: string): Records | undefined;
}

/** Sections of the configuration that plugins add; open to declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: plugins fill it.
export interface ConfigSections {}

/** The loaded configuration. */
export interface ConfigApi {
  /** Folder of the configuration: relative paths in options start there. */
  readonly base: string;
  /** The value of a field that `Plugin.sections` has added to the configuration. */
  section<K extends keyof ConfigSections>(field: K): ConfigSections[K];
  /** Its private keys; known once `start` runs. */
  readonly keys: KeysApi;
}

/** What the core hands to a plugin: everything it may use. */
export interface PluginApi {
  readonly hooks: PluginHooks;
  readonly logger: Logger;
  /** The only way to make a request to an address that a client can influence. */
  readonly fetcher: Fetcher;
  readonly steps: StepRegistry;
  /**
   * The limits of a tenant (`asset.tenant`, `endpoint.tenant`); without a name the server's, for what all tenants share.
   * What gets a `RenderContext` finds those of its tenant in `render.limits`.
   */
  readonly limitsOf: LimitsOf;
  readonly config: ConfigApi;
  readonly origins: OriginsApi;
  readonly jobs: JobsApi;
  readonly cluster: ClusterApi;
  /** What the server is doing at this moment, for those who report it; known once `start` runs. */
  state(): ServerState;
  /** Adds something that is measured to what the server reports. Call in `apply`. */
  metric(metric: Metric): void;
  /** Adds a cache of renditions, or of originals. Call in `apply`. */
  cache(registration: CacheRegistration | OriginalsRegistration): void;
  /** Adds an HTTP route: a path below `/-/`, or exactly `/`. `:name` stands for one segment. For a page: `pageFile`. */
  route(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, handler: RouteHandler): void;
  /**
   * Adds a call to the management: a route below its path (`/-/api`), opened by a key as the purge calls are. There
   * is none where no private key is configured, or the management is switched off.
   */
  manage(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    handler: CallHandler,
    options?: {
      /** The role that a key needs for it. @default "configure" */
      readonly role?: KeyRole;
      /** Called for `/-/api/openapi.json`. */
      readonly describe?: () => CallDescription;
      /** `management.compatible` also serves it at `path` itself, on all hosts, as the service does whose API it has. @default false */
      readonly atRoot?: boolean;
      /** Takes requests without a key, which pages of other sites can send, too (CORS). Left out: they are refused. */
      readonly withoutKey?: CallWithoutKey;
    },
  ): void;
  /**
   * Adds a command to `mediatap`. `running`: a running server, for a command that asks it for something; it throws `ECONFIG`
   * if no key is known. `openFolder`: for a command that renders files of this machine.
   */
  command(
    define: (
      program: Command,
      running: (flags: ServerFlags) => RunningServer,
      openFolder: OpenFolder,
    ) => void,
  ): void;
  /**
   * Something that belongs to the process, not to one configuration: made once a key; its `close`, if any, is
   * called with its last user.
   */
  shared<T extends object>(key: string, create: () => T): T;
  /**
   * Purges what caches have, here and in the other processes. Resolves when the caches of this process have removed it, and no
   * other process serves anything older. Left out, `tenant` means all accounts.
   */
  purge(what: PurgeTarget): Promise<void>;
  /**
   * The plugins that make bytes, with versions; part of every record. Call in `apply`, before `start`, which waits for a
   * promise; one that rejects ends the start.
   */
  fingerprint(text: string | Promise<string>): void;
}

/**
 * Version of what plugins are written against: hooks, `PluginApi` and the model. It grows by one with every change that a
 * plugin may have to follow. A plugin declares the number that it was written for; any other one is refused at start.
 */
export const API_VERSION = 1;

/** A plugin: a plain object, made by a factory that checks its options. */
export interface Plugin {
  /** Kind first: `storage-fs`. Also its tap label, log label and timing label. */
  readonly name: string;
  readonly version: string;
  /** The `API_VERSION` that it was written for, as a number of its own: an import would always fit. */
  readonly apiVersion: number;
  /** Fields that it adds to the top level of the configuration, with their schemas; `api.config.section` reads them. */
  readonly sections?: Readonly<Record<string, StandardSchemaV1>>;
  /**
   * Fields that it adds to endpoints, with their schemas, for `endpoint.fields`. At the top level, or of a tenant, they are the
   * default of all its endpoints.
   */
  readonly endpointFields?: Readonly<Record<string, StandardSchemaV1>>;
  /**
   * Of a URL language: how it writes fields of steps and variables, by the model's names (`MediaError.subject`), for the messages
   * of the core and of engines: `{ "clip.start": "from" }`.
   */
  readonly parameterNames?: Readonly<Record<string, string>>;
  /** Of a URL language: how it writes URLs, for tools that help people to do so (`ServerState.plugins`). */
  readonly urlBuilder?: UrlBuilder;
  /** Keeps what changes while the server runs. A configuration has at most one such plugin; without one, nothing can change. */
  readonly stateStore?: StateStoreRegistration;
  /** Reports about past requests, for `ServerState.usage`. A configuration has at most one such plugin. */
  readonly usage?: ReadUsage;
  /** Taps hooks and registers the rest, at once. What takes time belongs into a tap of `start`. */
  apply(api: PluginApi): void;
}

/** What a configuration's `plugins` may hold: nested lists, and falsy entries that are ignored. */
export type PluginList = readonly (Plugin | PluginList | false | null | undefined | "")[];
