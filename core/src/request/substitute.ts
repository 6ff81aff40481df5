import type { Hooks } from "../hooks.ts";
import type { MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import { isMediaName } from "../model/media.ts";
import type { Provenance } from "../model/rendition.ts";
import type { Admit } from "./admit.ts";
import type { Resolve, Resolved } from "./resolve.ts";

/** How long a default image may be stored, in milliseconds. */
const FALLBACK_LIFETIME_MS = 60_000;

/** How what stands in is obtained, or only planned. */
export interface Serving<R> {
  serve(instead: Resolved): Promise<R>;
  /** Whether what was obtained is, or will be, an image, a video or sound. */
  isMedia(served: R): boolean;
  /** Lets go of what is not served after all. */
  discard?(served: R): Promise<void>;
}

export interface Instead<R> {
  readonly served: R;
  readonly provenance: Provenance;
  readonly lifetime: number;
}

/** Serves what stands in for a file that is missing. `undefined`: nothing does, the failure stays. */
export type Substitute = <R extends { readonly failure?: MediaError | undefined }>(
  exchange: Exchange,
  job: Job,
  error: MediaError,
  serving: Serving<R>,
) => Promise<Instead<R> | undefined>;

export interface SubstituteParts {
  readonly hooks: Pick<Hooks, "substitute">;
  readonly admit: Admit;
  readonly complete: Resolve["complete"];
}

export function createSubstitute({ hooks, admit, complete }: SubstituteParts): Substitute {
  /** Another job, if a plugin or the URL names one. */
  async function insteadOf(exchange: Exchange, job: Job, error: MediaError) {
    if (error.status !== 404) return undefined;
    const offered = await hooks.substitute.promise(job, { error });
    if (offered) return offered;
    const { fallback, ...delivery } = job.delivery;
    if (!fallback) return undefined;
    const named = { ...job, asset: fallback, delivery };
    try {
      // It may belong to another endpoint, or be of another kind.
      admit.ofAsset(exchange, named);
    } catch {
      return undefined;
    }
    return { job: named, provenance: "fallback" as const, lifetime: FALLBACK_LIFETIME_MS };
  }

  return async function substitute(exchange, job, error, { serve, isMedia, discard }) {
    const instead = await insteadOf(exchange, job, error);
    if (!instead) return undefined;
    const served = await serve(complete(instead.job));
    // One that could not be opened now may be there: "not here" would be wrong, and be kept.
    if (served.failure && served.failure.status < 500) return undefined;
    // Text is no default image.
    if (!served.failure && isMediaName(job.asset.path) && !isMedia(served)) {
      await discard?.(served);
      return undefined;
    }
    return { served, provenance: instead.provenance, lifetime: instead.lifetime };
  };
}
