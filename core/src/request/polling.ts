import type { Logger } from "pino";
import type { Cache } from "../cache/cache.ts";
import type { Polling } from "../model/endpoint.ts";
import type { ErrorCode, MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { LimitsOf } from "../model/limits.ts";
import { createCoalescer } from "../util/coalescer.ts";
import { withTimeout } from "../util/timeout.ts";
import { wholeAndKept } from "../work/complete.ts";
import type { Made } from "../work/render.ts";
import type { CoalescedBy } from "../work/renders.ts";

/** A whole video, which a request waits for no longer than its endpoint says. */
export function isHeldVideo({ transformation }: Job): boolean {
  const { video } = transformation.output;
  return video !== undefined && !video.part;
}

/** The playlist that a player begins with. */
export function isFirstPlaylist({ transformation }: Job): boolean {
  return transformation.output.video?.part?.kind === "master";
}

/** Codes of an encoder that fails, not of a request that cannot be met. */
const ENCODING: ReadonlySet<ErrorCode> = new Set(["UNIDENTIFIED", "ETIMEDOUT", "EBUSY", "EINTERNAL"]);

/** Whether a video could not be made of a file that is there. */
export function isOfEncoding({ code, status }: MediaError): boolean {
  return ENCODING.has(code) && status !== 404;
}

/** How an exchange's endpoint polls. Without a cache nobody would ever get what is made in the background. */
export function createPollingOf({ isUsed }: Pick<Cache, "isUsed">) {
  return ({ endpoint }: Exchange): Polling | undefined => (isUsed ? endpoint.videoPolling : undefined);
}

export type PollingOf = ReturnType<typeof createPollingOf>;

export interface PollParts {
  readonly limitsOf: LimitsOf;
  readonly log: Logger;
}

interface PollWork {
  readonly run: (signal: AbortSignal) => Promise<Made>;
  /** Is called if it fails, whether anybody still waits or not. */
  readonly failed: (error: unknown) => void;
}

/** Lets requests wait for videos of endpoints with `videoPolling`. */
export function createPollVideo({ limitsOf, log }: PollParts) {
  const wholes = createCoalescer<Made>();

  /**
   * What the work comes to, complete and in the caches; `undefined`: not within the time of `polling`, it goes on in the
   * background. No waiter's leaving ends it.
   */
  return async function pollVideo(
    { key, since }: CoalescedBy,
    { signal, id }: Exchange,
    { interval, tries }: Polling,
    { run, failed }: PollWork,
  ): Promise<Made | undefined> {
    const work = wholes.run(key, { signal: new AbortController().signal, since }, async (end) => {
      try {
        const made = await run(end);
        return { ...made, ...(await wholeAndKept(made, end)) };
      } catch (error) {
        log.info({ err: error, id }, "a video could not be rendered");
        failed(error);
        throw error;
      }
    });
    const timeout = Math.min(interval * tries, LONGEST * limitsOf().request);
    return await withTimeout<Made | undefined>(timeout, work, { signal, onTimeout: () => undefined });
  };
}

export type PollVideo = ReturnType<typeof createPollVideo>;

/** Part of a request's time for which it is held at most. */
const LONGEST = 0.9;
