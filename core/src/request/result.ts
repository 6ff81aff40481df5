import type { MediaError } from "../model/errors.ts";
import type { CacheOutcome, Outcome } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { Rendition } from "../model/rendition.ts";
import { wrap } from "../plugin/errors.ts";

/** Work that goes on in the background: the client should repeat its request. */
export interface Pending {
  readonly pending: Job;
}

export type Answer = Rendition | Pending;

/** A rendition, pending work or a failure, with the outcome of the request. */
export type Result = (Outcome & { readonly answer: Answer; readonly failure?: undefined }) | Failure;

export type Failure = Outcome & { readonly answer?: undefined; readonly failure: MediaError };

export function isPending(answer: Answer): answer is Pending {
  return "pending" in answer;
}

/** The requested rendition. */
export function real(answer: Rendition, cache: CacheOutcome): Result {
  return { answer, provenance: "real", cache };
}

export function failed(error: unknown, cache?: CacheOutcome): Failure {
  return { failure: wrap(error, "answer", "core"), provenance: "real", ...(cache && { cache }) };
}

export function pending(job: Job, cache?: CacheOutcome): Result {
  return { answer: { pending: job }, provenance: "placeholder", ...(cache && { cache }) };
}
