import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import type { Cache } from "../cache/cache.ts";
import type { PurgeRules } from "../cache/purge-rules.ts";
import type { Rendition } from "../model/rendition.ts";
import { loopKey } from "../origin/loop.ts";
import type { ClusterLocks } from "../plugin/locks.ts";
import { type CoalesceOptions, createCoalescer } from "../util/coalescer.ts";
import { createSpans } from "../util/spans.ts";
import { clusterHandover } from "./coalesce/cluster.ts";
import { createLockCoalescer } from "./coalesce/locks.ts";
import { type WorkerLocks, workerHandover } from "./coalesce/workers.ts";
import { createRender, type Rendered, type RenderParts, type RenderRequest } from "./render.ts";

/** Renders whose end is recorded. */
const MAX_ENDED = 1_000;

export type Renders = ReturnType<typeof createRenders>;

export interface RendersParts extends RenderParts {
  readonly cache: Cache;
  readonly purgeRules: PurgeRules;
  readonly log: Logger;
  /** Who does which work, among machines. */
  readonly locks: ClusterLocks;
  /** The same among the workers of this server. Left out: there are none. */
  readonly workerLocks?: WorkerLocks;
}

/** What a render is coalesced by. */
export interface CoalescedBy {
  readonly key: string;
  readonly since: number;
}

interface Lookup {
  /** A complete and fresh entry of a key, from the caches. */
  readonly find: (request: RenderRequest) => Promise<Rendition | undefined>;
}

/**
 * By what a render is coalesced. What a purge has made out of date is not joined, and no client joins work in the background, which
 * waits for all other work.
 */
export function coalescedBy(
  { job, key, trusted, isBackground = false }: Omit<RenderRequest, "stale">,
  { purgeRules, engines }: { readonly purgeRules: Pick<PurgeRules, "timeOfJob">; readonly engines: string },
): CoalescedBy {
  const kind = isBackground ? "background" : trusted;
  return { key: `${engines} ${key} ${kind}${loopKey()}`, since: purgeRules.timeOfJob(job, key) };
}

/** Renders, fetch to cache write; concurrent requests for one key share a run: in this process, in this server, among machines. */
export function createRenders(parts: RendersParts, { find }: Lookup) {
  const { cache, purgeRules, log, workerLocks, locks } = parts;
  const render = createRender(parts);
  const own = createCoalescer<Rendered>(untilStored);
  /** Those that were stored last. Whoever looked in the caches before has not found them. */
  const ended = new LRUCache<string, true>({ max: MAX_ENDED });
  let isReported = false;

  /** Renders, or waits for the same render. `background`: no client waits for it. */
  function run(request: RenderRequest, signal: AbortSignal, { background = false } = {}): Promise<Rendered> {
    const { key, since } = coalescedBy(request, parts);
    return own.run(key, { signal, since }, async (signal) => {
      const found = !request.stale && ended.get(key) ? await find(request) : undefined;
      if (found) return { ...found, spans: createSpans(), stored: true, joined: true };
      const rendered = await amongProcesses(request, key, { signal, since }, background);
      untilStored(rendered)?.then(
        () => ended.set(key, true),
        () => {},
      );
      return rendered;
    });
  }

  function amongProcesses(
    request: RenderRequest,
    key: string,
    options: CoalesceOptions,
    background: boolean,
  ): Promise<Rendered> {
    // To revalidate a rendition costs less than to wait for another process.
    if (request.stale && !background) return render(request, options.signal);
    if (!workerLocks || request.stale) return amongMachines(request, key, options);
    const workers = createLockCoalescer(workerLocks, workerHandover(parts));
    return workers.run(key, options, () => amongMachines(request, key, options));
  }

  async function amongMachines(
    request: RenderRequest,
    key: string,
    options: CoalesceOptions,
  ): Promise<Rendered> {
    const work = () => render(request, options.signal);
    // Without a cache no machine could find what another one has rendered.
    if (!locks.isUsed || !cache.isUsed) return await work();
    const handover = clusterHandover({
      find: () => find(request),
      isCurrent: () => purgeRules.timeOfJob(request.job, request.key) === options.since,
      onMissing() {
        if (isReported) return;
        isReported = true;
        log.info(
          { key: request.key },
          "the result of another machine is in no cache: do the machines share one?",
        );
      },
    });
    return await createLockCoalescer(locks, handover).run(`rendition ${key}`, options, work);
  }

  return {
    run,
    /** Whether this process is rendering it. */
    isRunning(request: RenderRequest): boolean {
      const { key, since } = coalescedBy(request, parts);
      return own.has(key, since);
    },
    /** Renders that are running in this process. */
    get size() {
      return own.size;
    },
    /** Resolves once none is running in this process. */
    idle: own.idle,
  };
}

/** A result may be joined until caches have it: else whoever comes in between would have it rendered again. */
function untilStored({ written, completion }: Rendered): Promise<unknown> | undefined {
  return written ?? completion?.then(({ written }) => written);
}
