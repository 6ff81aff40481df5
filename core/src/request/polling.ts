import type { Polling } from "../model/endpoint.ts";
import type { ErrorCode, MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { Delivered } from "../model/rendition.ts";
import { createCoalescer } from "../util/coalescer.ts";
import { withTimeout } from "../util/timeout.ts";
import { wholeAndKept } from "../work/complete.ts";
import type { Made } from "../work/render.ts";
import type { Services } from "../work/services.ts";

/** Work that goes on in the background: the client is to ask again. */
export interface Pending {
  readonly pending: Job;
}

export type Answer = Delivered | Pending;

export function isPending(answer: Answer): answer is Pending {
  return "pending" in answer;
}

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

/** Holds requests for videos of endpoints with `videoPolling`. */
export function createPolling({ cache, limitsOf, log }: Pick<Services, "cache" | "limitsOf" | "log">) {
  const wholes = createCoalescer<Made>();

  return {
    /** How an exchange's endpoint polls. Without a cache nobody would ever get what is made behind an answer. */
    of({ endpoint }: Exchange): Polling | undefined {
      return cache.isUsed ? endpoint.videoPolling : undefined;
    },

    /**
     * What `fly` comes to, whole and in the caches; `undefined`: not within the time of `polling`, it goes on behind. No
     * waiter's leaving ends it. `failed` is told where it fails, whether anybody still waits or not.
     */
    async hold(
      { key, since }: { readonly key: string; readonly since: number },
      { signal, id }: Exchange,
      { interval, tries }: Polling,
      { fly, failed }: { fly: (signal: AbortSignal) => Promise<Made>; failed: (error: unknown) => void },
    ): Promise<Made | undefined> {
      const work = wholes.run(key, { signal: new AbortController().signal, since }, async (end) => {
        try {
          const made = await fly(end);
          return { ...made, ...(await wholeAndKept(made, end)) };
        } catch (error) {
          log.info({ err: error, id }, "a video could not be rendered");
          failed(error);
          throw error;
        }
      });
      const timeout = Math.min(interval * tries, LONGEST * limitsOf().request);
      return await withTimeout<Made | undefined>(timeout, work, { signal, onTimeout: () => undefined });
    },
  };
}

/** Part of a request's time for which it is held at most. */
const LONGEST = 0.9;
