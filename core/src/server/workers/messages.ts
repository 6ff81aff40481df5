import type { WorkerOutcome } from "../../work/coalesce/workers.ts";

/** Messages from a worker to the primary process. */
export type ToPrimary =
  /** It wants the listening socket of the worker that it replaces. */
  | { readonly mediatap: "inherit" }
  /** The listening socket, sent along, if it has one. */
  | { readonly mediatap: "socket" }
  /** Its event loop turns. */
  | { readonly mediatap: "pong" }
  | { readonly mediatap: "ready"; readonly port: number; readonly host?: string; readonly drain: number }
  /** It takes no new connections any more, for a reason of its own. */
  | { readonly mediatap: "leaving" }
  /** It acquires the lock of a key. Work that began before `since`, as of `monotonicNow()`, is out of date. */
  | { readonly mediatap: "acquire"; readonly id: number; readonly key: string; readonly since: number }
  /** Nobody waits for the lock, or for an outcome, any longer. */
  | { readonly mediatap: "leave"; readonly id: number; readonly key: string }
  /** It releases the lock that it acquired under this number; `hasOutcome`: for a while it can send the outcome to others. */
  | {
      readonly mediatap: "release";
      readonly id: number;
      readonly key: string;
      readonly hasOutcome: boolean;
      readonly outcome?: WorkerOutcome;
    }
  /** It counts an event of a key, of which so many are allowed per minute; the reply is `taken` with the same number. */
  | { readonly mediatap: "take"; readonly id: number; readonly key: string; readonly perMinute: number }
  /** For all other workers; the reply is `delivered` with the same number. */
  | { readonly mediatap: "announce"; readonly id: number; readonly text: string }
  /** It has received an announcement, and may have a reply. */
  | { readonly mediatap: "received"; readonly id: number; readonly reply?: string };

/** Messages from the primary process to a worker. */
export type ToWorker =
  /** Its listening socket is wanted by the worker that replaces it; until it drains, both accept connections. */
  | { readonly mediatap: "pass on" }
  /** The listening socket, sent along; without one it opens its own. */
  | { readonly mediatap: "socket" }
  | { readonly mediatap: "ping" }
  | { readonly mediatap: "drain"; readonly accept: boolean }
  /** Others wait for an outcome that it has: it should send it. */
  | { readonly mediatap: "wanted"; readonly id: number; readonly key: string }
  /** The end of a wait: with the outcome; else it has the lock, or does the work without. */
  | { readonly mediatap: "acquired"; readonly id: number; readonly outcome?: WorkerOutcome }
  /** Milliseconds after which the event would be allowed; 0: it was counted. */
  | { readonly mediatap: "taken"; readonly id: number; readonly wait: number }
  | { readonly mediatap: "announcement"; readonly id: number; readonly text: string }
  /** All other workers have received an announcement of this one. */
  | { readonly mediatap: "delivered"; readonly id: number; readonly replies: readonly string[] };
