import type { Substitute } from "../hooks.ts";
import type { MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { Services } from "../work/services.ts";
import type { createAdmit } from "./admit.ts";

/** The job of a default image, and what a plugin said about it, if it is a plugin's. */
export interface Instead extends Partial<Omit<Substitute, "job">> {
  readonly job: Job;
}

/** What may stand in for a file that is missing, if a plugin or the URL names something. */
export function createSubstitute({ hooks }: Services, admit: ReturnType<typeof createAdmit>) {
  return async function substituteOf(
    exchange: Exchange,
    job: Job,
    error: MediaError,
  ): Promise<Instead | undefined> {
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
    return { job: named };
  };
}
