import type { ErrorCode } from "../model/errors.ts";
import type { RenditionRecord } from "../model/rendition.ts";

/** What work that was done once came to: a rendition whose bytes are in memory, or a failure. */
export type Outcome =
  | { readonly record: RenditionRecord; readonly bytes: Uint8Array }
  | { readonly code: ErrorCode; readonly message: string; readonly status: number; readonly outage: boolean };

/** What a worker tells the primary process. */
export type ToPrimary =
  | { readonly mediatap: "ready"; readonly port: number; readonly host?: string; readonly drain: number }
  /** It takes no new connections any more, for a reason of its own. */
  | { readonly mediatap: "leaving" }
  /** May it do this work? */
  | { readonly mediatap: "ask"; readonly id: number; readonly name: string }
  /** Nobody waits for the answer any more. */
  | { readonly mediatap: "leave"; readonly id: number; readonly name: string }
  /** The work has ended. */
  | { readonly mediatap: "done"; readonly name: string; readonly outcome?: Outcome }
  /** For all other workers. */
  | { readonly mediatap: "say"; readonly text: string };

/** What the primary process tells a worker. */
export type ToWorker =
  | { readonly mediatap: "drain"; readonly accept: boolean }
  /** Somebody waits for the outcome of this work. */
  | { readonly mediatap: "wanted"; readonly name: string }
  /** Without an outcome: it may do the work itself. */
  | { readonly mediatap: "answer"; readonly id: number; readonly outcome?: Outcome }
  | { readonly mediatap: "heard"; readonly text: string };
