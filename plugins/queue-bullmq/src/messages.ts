import type { BackgroundWork, MediaError } from "@mediatap/core";
import { z } from "zod";

/** A job of the queue. */
export type QueuedWork = Omit<BackgroundWork, "since">;

/** A job as Redis returns it: anybody who can write to Redis can have changed it. The core checks the media job itself. */
const queued = z.object({
  job: z.looseObject({
    asset: z.looseObject({}),
    transformation: z.looseObject({ steps: z.array(z.unknown()) }),
  }),
  key: z.string(),
  trusted: z.boolean(),
});

export function parseWork(data: unknown): QueuedWork {
  return queued.parse(data) as unknown as QueuedWork;
}

/** Outcome of a job: empty if the caches contain the result. */
export interface Outcome {
  /** The work failed as it would have on the server. */
  readonly error?: {
    readonly code: MediaError["code"];
    readonly message: string;
    readonly status: number;
    readonly outage: boolean;
  };
  /** With the worker's configuration the rendition has another key. */
  readonly isOther?: boolean;
}

const CODES = /^(?:E[A-Z]+|UNIDENTIFIED)$/;

const outcome = z.object({
  error: z
    .object({
      code: z.string().regex(CODES),
      message: z.string(),
      status: z.int().min(400).max(599),
      outage: z.boolean(),
    })
    .exactOptional(),
  isOther: z.boolean().exactOptional(),
});

export function parseOutcome(value: unknown): Outcome {
  return outcome.parse(value) as Outcome;
}
