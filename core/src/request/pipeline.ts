import type { RateLimiter } from "../util/rate-limiter.ts";
import { createRenders, type RendersParts } from "../work/renders.ts";
import { createAdmit, createAuthorize } from "./admit.ts";
import { createAnswer } from "./answer.ts";
import { createBackground } from "./background.ts";
import { createExplain } from "./explain.ts";
import { createLookup, type LookupParts } from "./lookup.ts";
import { createMiss } from "./miss.ts";
import { createMissRate } from "./miss-rate.ts";
import { createCacheFailure } from "./negative.ts";
import { createOffload } from "./offload.ts";
import { createPollingOf, createPollRender } from "./polling.ts";
import { createResolve, type ResolveParts } from "./resolve.ts";
import { createRevalidateForClient } from "./revalidate.ts";
import { createSubstitute } from "./substitute.ts";

/** What the parts of the pipeline work with; each one's own interface names what it needs of it. */
export interface PipelineParts extends RendersParts, ResolveParts, LookupParts {
  readonly hooks: RendersParts["hooks"];
  readonly cache: RendersParts["cache"];
  readonly purgeRules: RendersParts["purgeRules"];
  readonly rates: RateLimiter;
}

/** The way of requests, and of work that no request waits for. */
export function createPipeline(parts: PipelineParts) {
  const { hooks, cache } = parts;
  const resolve = createResolve(parts);
  const admit = createAdmit(parts);
  const authorize = createAuthorize(hooks);
  const lookups = createLookup(parts);
  const { lookup, lookupComplete, withOriginal, peek, peekTiers } = lookups;
  const substitute = createSubstitute({ hooks, admit, complete: resolve.complete });
  const cacheFailure = createCacheFailure(parts);
  const find = async ({ key }: { readonly key: string }) => (await lookupComplete(key)).found;
  const renders = createRenders(parts, { find });
  const offload = createOffload({ ...parts, lookupComplete });
  const background = createBackground({
    ...parts,
    complete: resolve.complete,
    lookupComplete,
    peek,
    renders,
    cacheFailure,
    offload,
  });
  const pollingOf = createPollingOf(cache);
  const pollRender = createPollRender(parts);
  const revalidateForClient = createRevalidateForClient(parts);
  const miss = createMiss({
    ...parts,
    ...{
      renders,
      authorize,
      revalidateForClient,
      pollingOf,
      pollRender,
      cacheFailure,
      withOriginal,
      offload,
    },
    missRate: createMissRate(parts.rates),
  });
  return {
    answer: createAnswer({
      ...parts,
      ...{ resolve, admit, authorize, lookup, miss, background, pollingOf, substitute },
    }),
    explain: createExplain({ ...parts, resolve, admit, authorize, substitute, peek, peekTiers }),
    resolve,
    admit,
    background: background.make,
    obtain: background.obtain,
    cached: background.cached,
    renders,
    /** A fresh rendition whose bytes are in memory, for another worker. */
    async inMemory(key: string) {
      const { record, body } = (await lookupComplete(key)).found ?? {};
      return record && body?.bytes && { record, bytes: body.bytes };
    },
  };
}

export type Pipeline = ReturnType<typeof createPipeline>;
