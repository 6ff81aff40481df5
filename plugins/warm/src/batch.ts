import { codeOf, isMediaError, MediaError } from "@mediatap/core";

/** One URL that is to be warm. */
export interface Item {
  readonly url: string;
  /** Headers of the clients for which it is made, each in turn. */
  readonly clients: readonly Readonly<Record<string, string>>[];
  /** Of a stream: how many segments from its start on, of each rung. */
  readonly segments: number;
}

/** A URL that could not be made. */
export interface Failure {
  readonly url: string;
  readonly code: string;
  readonly message: string;
}

/** Items that were asked for together. */
export interface Batch {
  /** Ids of the endpoints for which the key of the call was good: only keys for all of them may read the progress. */
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
  /** Of those that failed, the first hundred. */
  readonly errors: readonly Failure[];
}

/** What a batch would come to. */
export interface Preview {
  readonly total: number;
  /** URLs that caches have for all clients. */
  readonly cached: number;
  /** Those of them that are stale for a client: an origin would be asked whether they still hold. */
  readonly stale: number;
  /** URLs that would be rendered. */
  readonly pending: number;
  readonly failed: number;
  /** Of those that would fail, the first hundred. What only an origin knows is not among them. */
  readonly errors: readonly Failure[];
}

/** The progress of a batch, for keys of its endpoints. */
export interface OwnProgress {
  readonly endpoints: readonly string[];
  /** When it was added, milliseconds since 1970. */
  readonly added: number;
  readonly progress: Progress;
}

/** Failures that are told one by one. */
export const TOLD = 100;

/** Makes one item. Throws MediaErrors. */
export type MakeItem = (item: Item, signal: AbortSignal) => Promise<void>;

/** Where items wait for their turn. */
export interface Queue {
  /** Resolves with the batch's id. Throws `EBUSY` where too much waits. */
  add(batch: Batch): Promise<string>;
  /** `undefined`: not known, or not any more. */
  progress(id: string): Promise<OwnProgress | undefined>;
  /** The batches that are known, the newest first; at most this many. */
  list(limit: number): Promise<readonly (readonly [id: string, batch: OwnProgress])[]>;
}

/** Whether another try makes sense: the place was busy, or an origin in trouble. */
export function isPassing(error: unknown): boolean {
  return ["EBUSY", "ECONNREFUSED", "UNIDENTIFIED", "ETIMEDOUT"].includes(codeOf(error) ?? "");
}

export function failureOf(url: string, error: unknown): Failure {
  // What is no MediaError may tell of paths and hosts: that is for the log.
  if (!isMediaError(error)) return { url, code: "EINTERNAL", message: "An internal error happened" };
  return { url, code: error.code, message: error.message };
}

export const full = () =>
  new MediaError("EBUSY", "Too many URLs wait to be warmed", { retryAfterSeconds: 10 });
