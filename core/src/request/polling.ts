import type { Logger } from "pino";
import type { Cache } from "../cache/cache.ts";
import type { ErrorCode, MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { IfNotStored, Job } from "../model/job.ts";
import type { LimitsOf } from "../model/limits.ts";
import { createCoalescer } from "../util/coalescer.ts";
import { withTimeout } from "../util/timeout.ts";
import { completeAndStored } from "../work/complete.ts";
import type { Rendered } from "../work/render.ts";
import type { CoalescedBy } from "../work/renders.ts";

/** Codes of an encoder that fails, not of a request that cannot be met. */
const ENCODING: ReadonlySet<ErrorCode> = new Set(["UNIDENTIFIED", "ETIMEDOUT", "EBUSY", "EINTERNAL"]);

/** Whether nothing could be rendered of a file that is there. */
export function isOfEncoding({ code, status }: MediaError): boolean {
  return ENCODING.has(code) && status !== 404;
}

/** What a job's clients get instead. Without a cache nobody would ever get what is rendered in the background. */
export function createPollingOf({ isUsed }: Pick<Cache, "isUsed">) {
  return ({ delivery }: Job): IfNotStored | undefined => (isUsed ? delivery.ifNotStored : undefined);
}

export type PollingOf = ReturnType<typeof createPollingOf>;

export interface PollParts {
  readonly limitsOf: LimitsOf;
  readonly log: Logger;
}

interface PollWork {
  readonly run: (signal: AbortSignal) => Promise<Rendered>;
  /** Is called if it fails, whether anybody still waits or not. */
  readonly failed: (error: unknown) => void;
}

/** Lets requests wait for a limited time. */
export function createPollRender({ limitsOf, log }: PollParts) {
  const completeRenders = createCoalescer<Rendered>();

  /**
   * What the work comes to, complete and in the caches; `undefined`: not within that time, it goes on in the
   * background. No waiter's leaving ends it.
   */
  return async function pollRender(
    { key, since }: CoalescedBy,
    { signal, id }: Exchange,
    afterMs: number,
    { run, failed }: PollWork,
  ): Promise<Rendered | undefined> {
    const work = completeRenders.run(key, { signal: new AbortController().signal, since }, async (end) => {
      try {
        const rendered = await run(end);
        return { ...rendered, ...(await completeAndStored(rendered, end)) };
      } catch (error) {
        log.info({ err: error, id }, "a video could not be rendered");
        failed(error);
        throw error;
      }
    });
    const timeout = Math.min(afterMs, MAX_WAIT_RATIO * limitsOf().request);
    return await withTimeout<Rendered | undefined>(timeout, work, { signal, onTimeout: () => undefined });
  };
}

export type PollRender = ReturnType<typeof createPollRender>;

/** Ratio of the request timeout for which a request waits at most. */
const MAX_WAIT_RATIO = 0.9;
