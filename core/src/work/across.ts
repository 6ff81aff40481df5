import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import type { ErrorCode } from "../model/errors.ts";
import type { Delivered } from "../model/rendition.ts";
import { createSpans } from "../util/spans.ts";
import { errorOf, failedSchema, failureOf } from "./failed.ts";
import type { LeaseEnd } from "./locks.ts";
import type { Made, RenderRequest } from "./render.ts";
import type { Services } from "./services.ts";

/** Milliseconds that caches have to take a rendition before the other machines hear of it. */
const STORING = 5_000;

/** Failures that may be those of one machine alone: another one tries for itself. */
const OWN: ReadonlySet<ErrorCode> = new Set(["EINTERNAL", "EUNSUPPORTED", "ETIMEDOUT"]);

/** What work came to: it is in the caches · nothing that others could use · it cannot be done. */
const endSchema = z.union([z.strictObject({ kept: z.boolean() }), z.strictObject({ failed: failedSchema })]);

type End = z.output<typeof endSchema>;

export interface AcrossParts {
  readonly services: Pick<Services, "leases" | "bans" | "engines" | "cache" | "log">;
  /** A whole and fresh entry of a key, from the caches. */
  readonly find: (request: RenderRequest) => Promise<Delivered | undefined>;
}

/** Does work once among the machines that have a cache in common: the others find there what one has made. */
export function createAcross({ services, find }: AcrossParts) {
  const { leases, bans, engines, cache, log } = services;
  let isTold = false;

  /** `request` as one of those that are made once; `work` makes it. */
  return async function across(
    request: RenderRequest,
    signal: AbortSignal,
    work: () => Promise<Made>,
  ): Promise<Made> {
    const { job, key, trusted } = request;
    // Without a cache nobody could find what another one has made.
    if (!leases.isUsed || !cache.isUsed) return await work();
    const ban = bans.ofJob(job, key);
    const since = bans.timeOfJob(job, key);
    const claimed = await leases.claim(`rendition ${engines} ${key} ${trusted}`, { signal, since });
    if (!claimed) return await work();
    if ("end" in claimed) return (await elsewhere(request, claimed)) ?? (await work());
    try {
      const made = await work();
      void stored(made).then((kept) => claimed.release(written({ kept })));
      return made;
    } catch (error) {
      const failed = signal.aborted ? undefined : failureOf(error);
      const isShared = failed && !OWN.has(failed.code) && bans.ofJob(job, key) === ban;
      claimed.release(isShared ? written({ failed }) : undefined);
      throw error;
    }
  };

  /** Whether caches have the bytes, once they do. What still grows is not waited for: each machine sends it at once. */
  async function stored({ kept, body }: Made): Promise<boolean> {
    if (!kept || !body?.settled) return false;
    const late = new AbortController();
    await Promise.race([kept, delay(STORING, undefined, { signal: late.signal, ref: false })]).catch(
      () => {},
    );
    late.abort();
    return true;
  }

  /** What another machine has made. `undefined`: it is not to be had. */
  async function elsewhere(request: RenderRequest, claimed: LeaseEnd): Promise<Made | undefined> {
    const end = parseEnd(claimed);
    if (!end) return undefined;
    if ("failed" in end) throw errorOf(end.failed);
    if (!end.kept) return undefined;
    const found = await find(request);
    if (found) return { ...found, spans: createSpans(), stored: true, joined: true };
    if (!isTold) {
      isTold = true;
      log.info(
        { key: request.key },
        "the result of another machine is in no cache: do the machines share one?",
      );
    }
    return undefined;
  }
}

function written(end: End): string {
  return JSON.stringify(end);
}

function parseEnd({ end }: LeaseEnd): End | undefined {
  try {
    return endSchema.parse(JSON.parse(end));
  } catch {
    return undefined;
  }
}
