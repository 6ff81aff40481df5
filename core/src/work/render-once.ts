import { type Delivered, settled } from "../model/rendition.ts";
import { loopKey } from "../origin/loop.ts";
import { createSingleFlight } from "../util/single-flight.ts";
import { createSpans } from "../util/spans.ts";
import { createAcross } from "./across.ts";
import { createMake, type Made, type RenderRequest } from "./render.ts";
import type { Services } from "./services.ts";

export type MakeOnce = ReturnType<typeof createMakeOnce>;

export interface MakeOnceParts {
  readonly services: Services;
  /** A whole and fresh entry of a key, from the caches. */
  readonly find: (request: RenderRequest) => Promise<Delivered | undefined>;
}

/** Work under one name is one render: what a purge has made out of date is not joined. */
export function nameOf({ job, key, trusted }: RenderRequest, bans: Services["bans"]): string {
  return `${key} ${trusted} ${bans.ofJob(job, key)}${loopKey()}`;
}

/** The lower half of the picture, once however many ask: in this process, in this server, among machines. */
export function createMakeOnce({ services, find }: MakeOnceParts) {
  const { cache, engines, bans, once } = services;
  const make = createMake(services);
  const across = createAcross({ services, find });
  const renders = createSingleFlight<Made>(untilKept);

  /** The same request may come at once to several processes of this server, and to several machines. */
  function makeOnce(request: RenderRequest, signal: AbortSignal): Promise<Made> {
    const { job, key, trusted } = request;
    // To confirm a rendition costs less than to wait for another process.
    if (request.stale) return make(request, signal);
    if (!once) return makeAcross(request, signal);
    const since = bans.now();
    return once(
      `${engines} ${key} ${trusted}${loopKey()}`,
      { signal, since: bans.timeOfJob(job, key) },
      () => makeAcross(request, signal),
      ({ record, body }) => {
        const stored = cache.isUsed && !bans.isBanned(record, since);
        if (stored) void cache.store(record, settled(body), since);
        return { record, ...(body ? { body } : {}), spans: createSpans(), stored, joined: true };
      },
    );
  }

  /** Once among machines alone. */
  function makeAcross(request: RenderRequest, signal: AbortSignal): Promise<Made> {
    return across(request, signal, () => make(request, signal));
  }

  return {
    /** What is under way in this process, by `nameOf`. */
    renders,
    makeOnce,
    makeAcross,
  };
}

/** What grows may be joined until caches have it: else whoever comes in between would have it made again. */
function untilKept(made: Made): Promise<unknown> | undefined {
  return made.grown?.then(({ kept }) => kept);
}
