import type { Readable } from "node:stream";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Command } from "commander";
import type { Logger } from "pino";
import type { CacheRegistration, OriginalsRegistration } from "./cache/backend.ts";
import type { PurgeCount } from "./cache/cache.ts";
import type { ConfigSections } from "./config/schema.ts";
import type { Hooks } from "./hooks.ts";
import type { Endpoint } from "./model/endpoint.ts";
import { MediaError } from "./model/errors.ts";
import type { Exchange } from "./model/exchange.ts";
import type { Size } from "./model/expression.ts";
import type { Job } from "./model/job.ts";
import type { LimitsOf } from "./model/limits.ts";
import type { Inspections, RawFrame, RenderContext } from "./model/render-context.ts";
import type { Obtained, Rendition } from "./model/rendition.ts";
import type { Source, Storage } from "./model/source.ts";
import type { StepRegistry } from "./model/steps/registry.ts";
import type { Op, StepOf, Transformation } from "./model/transformation.ts";
import type { UrlBuilder } from "./model/url-builder.ts";
import type { ReadUsage } from "./model/usage.ts";
import type { Fetcher } from "./origin/client/fetcher.ts";
import type { Explanation } from "./request/explain.ts";
import type { AccountState } from "./state/account.ts";
import type { AccountKeys } from "./state/api-keys.ts";
import type { AuditEntry, AuditListOptions } from "./state/audit.ts";
import type { Records, StateStoreRegistration } from "./state/store.ts";
import type { BreakerState } from "./util/breaker.ts";
import type { Bus } from "./util/bus.ts";
import type { ClusterLocks } from "./work/coalesce/cluster.ts";
import type { Load } from "./work/load.ts";

/** How a tap is known: its label, and its place among the hook's taps. */
export interface TapOptions {
  /** The plugin's name. */
  readonly name: string;
  /** One of `Stage`, or a number between two of them. @default Stage.normal */
  readonly stage?: number;
}

type ArgsOf<H> = H extends { tapPromise(options: never, fn: (...args: infer A) => Promise<infer R>): void }
  ? { args: A; result: R }
  : H extends { tap(options: never, fn: (...args: infer A) => infer R): void }
    ? { args: A; result: R }
    : never;

/** A hook as plugins see it: to be tapped, never to be called. */
export interface TapHook<H> {
  /** Adds a function that answers at once. In a bail hook anything but `undefined` and `null` ends the search. */
  tap(options: string | TapOptions, fn: (...args: ArgsOf<H>["args"]) => ArgsOf<H>["result"]): void;
  /** Adds a function that answers later. */
  tapPromise(
    options: string | TapOptions,
    fn: (...args: ArgsOf<H>["args"]) => Promise<ArgsOf<H>["result"]>,
  ): void;
}

/** A family of hooks, one a name. */
export interface TapMap<H> {
  for(name: string): TapHook<H>;
}

/** Hooks that carry out steps: a tap gets the step of its own operation. */
export interface StepTaps {
  for<K extends Op>(op: K): TapHook<TypedHook<[frame: RawFrame, step: StepOf<K>, size: Size], RawFrame>>;
}

/** Hooks that inspect sources: a tap returns what its own name stands for. */
export interface InspectTaps {
  for<K extends keyof Inspections>(
    name: K,
  ): TapHook<TypedHook<[source: Source, context: RenderContext], Inspections[K]>>;
}

/** What `TapHook` takes from a hook. */
interface TypedHook<A extends readonly unknown[], R> {
  tapPromise(options: never, fn: (...args: A) => Promise<R | undefined>): void;
}

/** The hooks as plugins see them; contracts: `createHooks`. */
export type PluginHooks = {
  readonly [K in Exclude<keyof Hooks, "step" | "inspect">]: Hooks[K] extends { for(key: string): infer H }
    ? TapMap<H>
    : TapHook<Hooks[K]>;
} & { readonly step: StepTaps; readonly inspect: InspectTaps };

/** A request to a route of a plugin. */
export interface RouteRequest {
  readonly method: string;
  /** Path without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly params: Readonly<Record<string, string>>;
  /** Address of the client, seen through trusted proxies only. */
  readonly ip: string;
  header(name: string): string | undefined;
  /** Where this process listens: the socket's own address, and its port. */
  readonly server: { readonly address: string; readonly port: number };
  /** The whole body; throws `EINVAL` for more than a megabyte. */
  body(): Promise<Uint8Array>;
  /** The body as it arrives, of any length, in place of `body`. It fails when the client disconnects. */
  stream(): Readable;
}

export interface RouteReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is destroyed when the client leaves. End it soon if `ServerState.isDraining`: the server waits for it. */
  readonly body?: string | Uint8Array | Readable;
}

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

export type RouteHandler = (request: RouteRequest) => RouteReply | Promise<RouteReply>;

/** What a call of the management is answered with, as JSON. */
export interface CallReply {
  /** @default 200 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** What a key may do, each role more than the one before it: read; purge and warm caches, too; change what the server serves, too. */
export type KeyRole = "read" | "operate" | "configure";

/** A limit of calls; times in milliseconds. */
export interface CallRate {
  readonly limit: number;
  readonly interval: number;
  readonly reset: number;
}

/** What a call of the management may do with the rights of its key. */
export interface CallRights {
  readonly role: KeyRole;
  /** Describes what the call has changed, for the audit log; left out: its method and path. Not for secrets. */
  note(what: string): void;
  /**
   * Begins a purge of `{ url }`, `{ source }`, `{ prefix }`, `{ tag }` or `{ all: true }`. Resolves when no process serves anything
   * older. Throws `EINVAL` for anything else, `EFORBIDDEN` if the key or its role is not good for it, and `EBUSY` with status 429 for
   * more than `management.purgesPerMinute`.
   */
  purge(target: unknown): Promise<{ readonly id: string }>;
  /**
   * What such a purge would remove from the caches that this process sees, without a purge. Counts for at most 5 seconds. Throws as
   * `purge`, but needs no role.
   */
  purgePreview(target: unknown): Promise<PurgeCount>;
  /** `undefined`: there is no such purge, or it is one of another account. */
  purgeState(id: string): "pending" | "completed" | undefined;
  /** How many purges the key may begin in `interval`, and in how many milliseconds the next interval begins. */
  purgeRate(): CallRate;
  /** The same of changes. */
  changeRate(): CallRate;
  /** Counts a change of what no state contains, such as a file. Throws `EBUSY` with status 429 after `management.changesPerMinute`. */
  countChange(): void;
  /**
   * Origins, endpoints and named transformations of the account that the key is good for. Throws `EUNSUPPORTED` with status 501 if no plugin
   * keeps state, and `EFORBIDDEN` if the key is not good for the whole account. Changes need the role `configure`; more than
   * `management.changesPerMinute` get `EBUSY` with status 429.
   */
  state(): AccountState;
  /** The keys of that account. Throws as `state`. */
  keys(): AccountKeys;
  /** Changes of that account and keys that were refused, newest first. Throws as `state`. */
  audit(options: AuditListOptions): Promise<readonly AuditEntry[]>;
}

/** What a call takes and returns, for the OpenAPI document: JSON Schemas (2020-12), made from the schemas that check requests. */
export interface CallDescription {
  /** What it does, in a few words. */
  readonly summary: string;
  /** An object, whose properties are the query parameters. */
  readonly query?: Readonly<Record<string, unknown>>;
  /** The JSON of the body. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** In place of it: the fields of a form, `multipart/form-data`. */
  readonly form?: Readonly<Record<string, unknown>>;
  /** Of a success; of a call that is never supported 501. @default 200 */
  readonly status?: number;
  /** Left out: there is no body. */
  readonly response?: Readonly<Record<string, unknown>>;
}

/** `endpoints`: those that the private key of the call is good for. What it throws below 500, and `EBUSY`, the caller reads. */
export type CallHandler = (
  request: RouteRequest,
  endpoints: readonly Endpoint[],
  rights: CallRights,
) => CallReply | Promise<CallReply>;

/** What a key opens: a private key of the configuration, or a key that was created by a call. */
export interface KeyAccess {
  /** Names the key without revealing it; the same in all processes with the same configuration. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** Those that the key is good for. */
  readonly endpoints: readonly Endpoint[];
  readonly rights: CallRights;
  /**
   * A message authentication code (HMAC-SHA-256, base64url) by a secret that is derived from the key: every process with the same
   * configuration makes the same one, and it is void as soon as the key is not configured any more, or has another secret. Compare in
   * constant time.
   */
  seal(text: string): string;
  /**
   * A call of the management with the rights of the key: `path` as a plugin adds it by `manage`, method, query and body those of
   * `request`. Throws what the call throws; `ENOENT` if there is no such call, `EFORBIDDEN` if it needs another role.
   */
  call(path: string, request: RouteRequest): Promise<CallReply>;
}

/** The keys of the server, for pages that people sign in to. `ip`: address of the client, for the audit log. */
export interface KeysApi {
  /**
   * What a key opens. Throws `ESIGNATURE` for a wrong one, after a moment, and `EBUSY` with status 429 for an address that has
   * sent ten wrong ones within a minute, to this or to the management, until the minute is over.
   */
  open(key: string, ip: string): Promise<KeyAccess>;
  /** What the key of an id opens; `undefined`: there is no such key any more. */
  find(id: string, ip: string): Promise<KeyAccess | undefined>;
  /** All endpoints and their rights, without a key: for a page that is open to nobody but this machine's user. */
  all(ip: string): Pick<KeyAccess, "endpoints" | "rights" | "call">;
  /** The account of somebody whom the plugin has identified without a key; `undefined`: there is no such account. */
  person(person: Person, ip: string): Pick<KeyAccess, "endpoints" | "rights" | "call"> | undefined;
}

/** Somebody whom a plugin has identified, such as by OpenID Connect. */
export interface Person {
  /** In the audit log, as the id of a key is. */
  readonly id: string;
  /** For people, in the audit log and in revisions. */
  readonly name: string;
  readonly role: KeyRole;
  /** The account, of which all endpoints are opened; empty: the server's own. */
  readonly tenant: string;
}

/** A request that is looked into instead of being answered. */
export interface AskedRequest {
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
  explain(request: AskedRequest): Promise<Explanation>;
  /**
   * Path and query of a URL with a valid signature by the endpoint's first key, as its language signs. `expires`: seconds since
   * 1970. @default never. Throws `EUNSUPPORTED` if the endpoint has no key, or the language no signatures.
   */
  sign(request: AskedRequest, expires?: number): Promise<string>;
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

/** An error about a plugin, for whoever configures the server: it names the plugin, and what to do. */
export function pluginError(plugin: string, text: string, cause?: unknown): MediaError {
  const message = `plugins: ${plugin}: ${text}`;
  return new MediaError("ECONFIG", message, { plugin, ...(cause === undefined ? {} : { cause }) });
}

/** What a configuration's `plugins` may hold: nested lists, and falsy entries that are ignored. */
export type PluginList = readonly (Plugin | PluginList | false | null | undefined | "")[];
