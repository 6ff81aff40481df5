import type { Delivered } from "../model/rendition.ts";
import { loopKey } from "../origin/loop.ts";
import { type CoalesceOptions, createCoalescer } from "../util/coalescer.ts";
import { clusterHandover } from "./coalesce/cluster.ts";
import { createLockCoalescer } from "./coalesce/locks.ts";
import { workerHandover } from "./coalesce/workers.ts";
import { createMake, type Made, type RenderRequest } from "./render.ts";
import type { Services } from "./services.ts";

export type Renders = ReturnType<typeof createRenders>;

export interface RendersParts {
  readonly services: Services;
  /** A complete and fresh entry of a key, from the caches. */
  readonly find: (request: RenderRequest) => Promise<Delivered | undefined>;
}

/** What a render is coalesced by: what a purge has made out of date is not joined. */
export function coalescedBy(
  { job, key, trusted }: Omit<RenderRequest, "stale">,
  { bans, engines }: Pick<Services, "bans" | "engines">,
): { readonly key: string; readonly since: number } {
  return { key: `${engines} ${key} ${trusted}${loopKey()}`, since: bans.timeOfJob(job, key) };
}

/** The lower half of the picture, once however many ask: in this process, in this server, among machines. */
export function createRenders({ services, find }: RendersParts) {
  const { cache, bans, log, workerLocks, locks } = services;
  const render = createMake(services);
  const process = createCoalescer<Made>(untilStored);
  let isReported = false;

  /** Renders, or waits for the same render. `background`: no client waits for it. */
  function run(request: RenderRequest, signal: AbortSignal, { background = false } = {}): Promise<Made> {
    const { key, since } = coalescedBy(request, services);
    return process.run(key, { signal, since }, (signal) => {
      // To revalidate a rendition costs less than to wait for another process.
      if (request.stale && !background) return render(request, signal);
      const options = { signal, since };
      if (!workerLocks || request.stale) return amongMachines(request, key, options);
      const workers = createLockCoalescer(workerLocks, workerHandover(services));
      return workers.run(key, options, () => amongMachines(request, key, options));
    });
  }

  async function amongMachines(request: RenderRequest, key: string, options: CoalesceOptions): Promise<Made> {
    const work = () => render(request, options.signal);
    // Without a cache nobody could find what another one has rendered.
    if (!locks.isUsed || !cache.isUsed) return await work();
    const handover = clusterHandover({
      find: () => find(request),
      isCurrent: () => bans.timeOfJob(request.job, request.key) === options.since,
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
      const { key, since } = coalescedBy(request, services);
      return process.has(key, since);
    },
    /** Renders that are running in this process. */
    get size() {
      return process.size;
    },
    /** Resolves once none is running in this process. */
    idle: process.idle,
  };
}

/** What is still streaming may be joined until caches have it: else whoever comes in between would have it rendered again. */
function untilStored(made: Made): Promise<unknown> | undefined {
  return made.grown?.then(({ kept }) => kept);
}
