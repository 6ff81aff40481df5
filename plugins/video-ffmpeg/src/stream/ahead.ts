import type { Exchange, Job, PluginApi, StreamPart } from "@mediatap/core";

/** Segments that are made before anybody has asked, all streams together. */
const MOST = 1;
/** Segments of which it is remembered that they were made ahead. */
const REMEMBERED = 1_000;
/** Milliseconds for which one may be under way that nobody has asked for. */
const PATIENCE = 20_000;
/** Milliseconds for which nothing is made ahead when what was made had not been kept. */
const REST = 60_000;

type Segment = Extract<StreamPart, { readonly kind: "segment" }>;

/**
 * Makes the segment behind the one that was just sent, so that who goes on watching never waits: one at a time, only on a server
 * that has nothing else to do, and only as far as somebody follows. Where no cache keeps what is made it stops.
 */
export function createAhead({ enqueue, state, logger }: PluginApi) {
  /** Those made ahead that nobody has asked for yet; `true` once they are there. */
  const made = new Map<string, boolean>();
  let running = 0;
  let restUntil = 0;

  /** A segment has been sent. */
  function sent({ job, cache }: Exchange): void {
    const part = job?.transformation.output.video?.part;
    if (!job || part?.kind !== "segment") return;
    const name = nameOf(job, part);
    const wasAhead = made.get(name);
    made.delete(name);
    const hit = cache?.hit === true;
    if (wasAhead === true && !hit) restUntil = Date.now() + REST;
    // One that has lain in a cache for long has others behind it that do, too.
    if (hit && wasAhead === undefined) return;
    if (!keeps() || running >= MOST || Date.now() < restUntil || isBusy()) return;
    make(job, { ...part, index: part.index + 1 });
  }

  /** Whether a cache of renditions is installed, by the names that plugins have. */
  function keeps(): boolean {
    return state().plugins.some(({ name }) => /cache/i.test(name) && name !== "cache-source");
  }

  function isBusy(): boolean {
    const { waiting, running, places } = state().work;
    return waiting > 0 || running * 2 >= places;
  }

  function make(job: Job, part: Segment): void {
    const { output } = job.transformation;
    const next: Job = {
      ...job,
      transformation: { ...job.transformation, output: { ...output, video: { ...output.video, part } } },
    };
    const name = nameOf(next, part);
    if (made.has(name)) return;
    made.set(name, false);
    for (const oldest of made.keys()) {
      if (made.size <= REMEMBERED) break;
      made.delete(oldest);
    }
    running++;
    enqueue(next, { signal: AbortSignal.timeout(PATIENCE) })
      .then(
        () => {
          if (made.has(name)) made.set(name, true);
        },
        (error: unknown) => {
          made.delete(name);
          // The last has none behind it, and a busy server says no.
          logger.debug({ err: error }, "a segment was not made ahead");
        },
      )
      .finally(() => {
        running--;
      });
  }

  return { sent };
}

const nameOf = ({ asset, transformation, query }: Job, { track, index }: Segment) =>
  JSON.stringify([asset, transformation.steps, query, track, index]);
