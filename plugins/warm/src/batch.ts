import { codeOf, isMediaError, MediaError } from "@mediatap/core";

/** A URL to pre-render. */
export interface Item {
  readonly url: string;
  /** Headers of the clients for which it is rendered, one after the other. */
  readonly clients: readonly Readonly<Record<string, string>>[];
  /** For a stream: number of segments from its start, of each rung. */
  readonly segments: number;
}

/** A URL that could not be rendered. */
export interface Failure {
  readonly url: string;
  readonly code: string;
  readonly message: string;
}

/** Items of one request. */
export interface Batch {
  /** Ids of the endpoints for which the key of the call is valid: only keys for all of them can read the progress. */
  readonly endpoints: readonly string[];
  readonly items: readonly Item[];
  /** What was refused before it could be queued. */
  readonly refused: readonly Failure[];
}

export interface Progress {
  readonly total: number;
  /** URLs that are in the caches now. */
  readonly done: number;
  readonly failed: number;
  /** The first hundred failures. */
  readonly errors: readonly Failure[];
}

/** What rendering a batch would do. */
export interface Preview {
  readonly total: number;
  /** URLs that caches have for all clients. */
  readonly cached: number;
  /** Those of them that are stale for a client: they would be revalidated with their origin. */
  readonly stale: number;
  /** URLs that would be rendered. */
  readonly pending: number;
  readonly failed: number;
  /** The first hundred failures; without those that only an origin can report. */
  readonly errors: readonly Failure[];
}

/** The progress of a batch, for keys of its endpoints. */
export interface OwnProgress {
  readonly endpoints: readonly string[];
  /** When it was added, milliseconds since 1970. */
  readonly added: number;
  readonly progress: Progress;
}

/** Failures that are listed with their URLs. */
export const MAX_ERRORS = 100;

/** Renders one item. Throws MediaErrors. */
export type MakeItem = (item: Item, signal: AbortSignal) => Promise<void>;

/** Items that wait to be rendered. */
export interface Queue {
  /** Resolves with the batch's id. Throws `EBUSY` if too many URLs wait. */
  add(batch: Batch): Promise<string>;
  /** `undefined`: there is no such batch, or it has expired. */
  progress(id: string): Promise<OwnProgress | undefined>;
  /** The known batches, newest first; at most this many. */
  list(limit: number): Promise<readonly (readonly [id: string, batch: OwnProgress])[]>;
}

/** Whether a retry can succeed: the server was busy, or an origin failed. */
export function isTransient(error: unknown): boolean {
  return ["EBUSY", "ECONNREFUSED", "UNIDENTIFIED", "ETIMEDOUT"].includes(codeOf(error) ?? "");
}

export function failureOf(url: string, error: unknown): Failure {
  // Other errors can contain paths and hosts: those belong in the log.
  if (!isMediaError(error)) return { url, code: "EINTERNAL", message: "An internal error happened" };
  return { url, code: error.code, message: error.message };
}

export const queueFull = () =>
  new MediaError("EBUSY", "Too many URLs wait to be warmed", { retryAfterSeconds: 10 });
