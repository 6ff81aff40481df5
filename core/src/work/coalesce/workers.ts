import type { Cache } from "../../cache/cache.ts";
import type { PurgeRules } from "../../cache/purge-rules.ts";
import { bodyOf, completeBody, type RenditionRecord } from "../../model/rendition.ts";
import type { Locks } from "../../plugin/locks.ts";
import { createSpans } from "../../util/spans.ts";
import { errorOf, type Failed, failureOf } from "../failed.ts";
import type { Rendered } from "../render.ts";
import type { Handover } from "./locks.ts";

/** Largest body that is sent to another worker, in bytes; each reads larger originals itself. */
const MAX_BYTES = 16 * 1024 * 1024;

/** What workers hand over: a rendition whose bytes are in memory, or why there is none. */
export type WorkerOutcome = { readonly record: RenditionRecord; readonly bytes: Uint8Array } | Failed;

/** Locks among the workers of one server; their primary process arbitrates. */
export type WorkerLocks = Locks<WorkerOutcome>;

export interface HandoverParts {
  readonly cache: Pick<Cache, "isUsed" | "store">;
  readonly purgeRules: Pick<PurgeRules, "now" | "isPurged">;
}

/** Hands renditions over to other workers, whose caches in memory store them, too. */
export function workerHandover({ cache, purgeRules }: HandoverParts): Handover<Rendered, WorkerOutcome> {
  const since = purgeRules.now();
  return {
    encode({ record, body, degraded }) {
      if (degraded || !body?.complete || !body.bytes || body.length > MAX_BYTES) return undefined;
      return { record, bytes: body.bytes };
    },
    encodeFailure: failureOf,
    decode(outcome) {
      if ("code" in outcome) throw errorOf(outcome);
      const { record, bytes } = outcome;
      const body = bodyOf(bytes);
      const stored = cache.isUsed && !purgeRules.isPurged(record, since);
      if (stored) void cache.store(record, completeBody(body), since);
      return { record, body, spans: createSpans(), stored, joined: true };
    },
  };
}
