import type { Readable } from "node:stream";
import type { Endpoint } from "../model/endpoint.ts";
import type { MediaRequest } from "../model/exchange.ts";
import type { AccountState } from "./account.ts";
import type { AccountKeys, KeyRole } from "./account-keys.ts";
import type { AuditEntry, AuditListOptions } from "./audit.ts";
import type { PurgeCount } from "./cache-state.ts";

/** A request to a route of a plugin. */
export interface RouteRequest extends Pick<MediaRequest, "method" | "ip" | "isSecure"> {
  /** Path without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly params: Readonly<Record<string, string>>;
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

export type RouteHandler = (request: RouteRequest) => RouteReply | Promise<RouteReply>;

/** What a call of the management is answered with, as JSON. */
export interface CallReply {
  /** @default 200 */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

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

/** Answers a call that had no key with the rights of one. Throws as `KeysApi.open`. */
export type OpenCall = (key: string, handler: CallHandler) => Promise<CallReply>;

/** Answers requests to a call that have no key, such as forms that are signed by one. */
export type CallWithoutKey = (request: RouteRequest, open: OpenCall) => CallReply | Promise<CallReply>;

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
