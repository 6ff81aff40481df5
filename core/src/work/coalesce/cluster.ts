import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { z } from "zod";
import type { ErrorCode } from "../../model/errors.ts";
import type { Rendition } from "../../model/rendition.ts";
import { loopKey } from "../../origin/loop.ts";
import type { ClusterLocks, Locks } from "../../plugin/locks.ts";
import { createSpans } from "../../util/spans.ts";
import { errorOf, failedSchema, failureOf } from "../failed.ts";
import type { Rendered } from "../render.ts";
import type { Handover } from "./locks.ts";

/** Without a connection each machine works for itself. */
export function createClusterLocks(log: Logger): ClusterLocks {
  const connections: { readonly name: string; readonly locks: Locks }[] = [];
  return {
    get isUsed() {
      return connections.length > 0;
    },
    async acquire(key, options) {
      const { name, locks } = connections.at(-1) ?? {};
      try {
        return await locks?.acquire(`${key}${loopKey()}`, options);
      } catch (err) {
        if (options.signal.aborted) throw options.signal.reason;
        log.warn({ err, plugin: name }, "acquiring a lock failed");
        return undefined;
      }
    },
    connect(name, locks) {
      const connection = { name, locks };
      connections.push(connection);
      return () => {
        const at = connections.indexOf(connection);
        if (at >= 0) connections.splice(at, 1);
      };
    },
  };
}

/** Milliseconds that caches have to store a rendition before the other machines are notified. */
const STORE_TIMEOUT_MS = 5_000;

/** Failures that may be those of one machine alone: another one tries for itself. */
const OWN_FAILURES: ReadonlySet<ErrorCode> = new Set(["EINTERNAL", "EUNSUPPORTED", "ETIMEDOUT"]);

/** What machines hand over: whether the rendition is in the caches, or why there is none. */
const outcomeSchema = z.union([
  z.strictObject({ kept: z.boolean() }),
  z.strictObject({ failed: failedSchema }),
]);

export interface ClusterHandoverParts {
  /** A complete and fresh entry, from the caches. */
  readonly find: () => Promise<Rendition | undefined>;
  /** Whether what began when the work did is still up to date. */
  readonly isCurrent: () => boolean;
  /** Another machine has stored it, and it was not found. */
  readonly onMissing: () => void;
}

/** Hands renditions over to other machines by the caches that they have in common. */
export function clusterHandover({
  find,
  isCurrent,
  onMissing,
}: ClusterHandoverParts): Handover<Rendered, string> {
  return {
    async encode({ written, body }) {
      // What is still streaming is not waited for: each machine sends it at once.
      if (!written || !body?.complete) return JSON.stringify({ kept: false });
      const controller = new AbortController();
      const timeout = delay(STORE_TIMEOUT_MS, undefined, { signal: controller.signal, ref: false });
      await Promise.race([written, timeout]).catch(() => {});
      controller.abort();
      return JSON.stringify({ kept: true });
    },
    encodeFailure(error) {
      const failed = failureOf(error);
      return failed && !OWN_FAILURES.has(failed.code) && isCurrent() ? JSON.stringify({ failed }) : undefined;
    },
    async decode(outcome) {
      const end = parse(outcome);
      if (!end) return undefined;
      if ("failed" in end) throw errorOf(end.failed);
      if (!end.kept) return undefined;
      const found = await find();
      if (found) return { ...found, spans: createSpans(), stored: true, joined: true };
      onMissing();
      return undefined;
    },
  };
}

function parse(outcome: string): z.output<typeof outcomeSchema> | undefined {
  try {
    return outcomeSchema.parse(JSON.parse(outcome));
  } catch {
    return undefined;
  }
}
