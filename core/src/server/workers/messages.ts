import type { RenditionRecord } from "../../model/rendition.ts";
import type { Failed } from "../../work/failed.ts";

/** A rendition whose bytes are in memory. */
export interface Made {
  readonly record: RenditionRecord;
  readonly bytes: Uint8Array;
}

/** What work that was done once came to. */
export type Outcome = Made | Failed;

/** What a worker tells the primary process. */
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
  /** May it do this work? Work that began before `since`, as of `monotonicNow()`, is out of date. */
  | { readonly mediatap: "ask"; readonly id: number; readonly name: string; readonly since: number }
  /** Nobody waits for the answer any more. */
  | { readonly mediatap: "leave"; readonly id: number; readonly name: string }
  /** Work has ended, the one that was asked for under this number; `kept`: its outcome can be asked for for a while. */
  | {
      readonly mediatap: "done";
      readonly id: number;
      readonly name: string;
      readonly kept: boolean;
      readonly outcome?: Outcome;
    }
  /** For all other workers; answered by `delivered` with the same number. */
  | { readonly mediatap: "announce"; readonly id: number; readonly text: string }
  /** It has received an announcement, and may have a reply. */
  | { readonly mediatap: "received"; readonly id: number; readonly reply?: string };

/** What the primary process tells a worker. */
export type ToWorker =
  /** Its listening socket is wanted by the worker that replaces it; until it drains, both accept connections. */
  | { readonly mediatap: "pass on" }
  /** The listening socket, sent along; without one it opens its own. */
  | { readonly mediatap: "socket" }
  | { readonly mediatap: "ping" }
  | { readonly mediatap: "drain"; readonly accept: boolean }
  /** Somebody waits for the outcome of this work. */
  | { readonly mediatap: "wanted"; readonly id: number; readonly name: string }
  /** Without an outcome: it may do the work itself. */
  | { readonly mediatap: "answer"; readonly id: number; readonly outcome?: Outcome }
  | { readonly mediatap: "announcement"; readonly id: number; readonly text: string }
  /** All other workers have received an announcement of this one. */
  | { readonly mediatap: "delivered"; readonly id: number; readonly replies: readonly string[] };
