import type { Exchange, Job, PluginApi, StreamPart } from "@mediatap/core";
import { SOUND } from "./playlists.ts";

/** Pieces of work before anybody has asked, all streams together. */
const MOST = 1;
/** Parts of which it is remembered that they were made ahead. */
const REMEMBERED = 1_000;
/** Milliseconds for which a part may be under way that nobody has asked for. */
const PATIENCE = 20_000;
/** Milliseconds for which nothing is made ahead when what was made had not been kept. */
const REST = 60_000;

type Part = Extract<StreamPart, { readonly kind: "segment" | "init" }>;

/** What players ask for when they have the first pictures: browsers that play HLS themselves ask for one after the other. */
const FIRST_SOUND: readonly Part[] = [
  { kind: "segment", track: SOUND, index: 0 },
  { kind: "init", track: SOUND },
];

/**
 * Makes the segment behind the one that was just sent, so that who goes on watching never waits, and the first sound when a playlist
 * of pictures was sent: one at a time, only on a server that has nothing else to do, and only as far as somebody follows. Where no
 * cache keeps what is made it stops. `isPictures`: of a track's name.
 */
export function createAhead(
  { jobs: { enqueue }, state, logger }: PluginApi,
  isPictures: (track: string) => boolean,
) {
  /** Those made ahead that nobody has asked for yet; `true` once they are there. */
  const made = new Map<string, boolean>();
  let running = 0;
  let restUntil = 0;

  /** A part of a stream has been sent. */
  function sent({ job, cache }: Exchange): void {
    const part = job?.transformation.output.video?.part;
    if (!job) return;
    if (part?.kind === "playlist" && isPictures(part.track) && cache?.hit !== true) begin(job, FIRST_SOUND);
    if (part?.kind !== "segment") return;
    const name = nameOf(job, part);
    const wasAhead = made.get(name);
    made.delete(name);
    const hit = cache?.hit === true || cache?.revalidated === true;
    if (wasAhead === true && !hit) restUntil = performance.now() + REST;
    // A cache may ask the origin each time: it has kept the segment all the same. One that has lain in a cache for long has others behind it that do, too.
    if (hit && wasAhead === undefined) return;
    begin(job, [{ ...part, index: part.index + 1 }]);
  }

  function begin(job: Job, parts: readonly Part[]): void {
    if (!keeps() || running >= MOST || performance.now() < restUntil || isBusy()) return;
    running++;
    Promise.all(parts.map((part) => make(job, part))).finally(() => {
      running--;
    });
  }

  /** Whether a cache of renditions is installed, by the names that plugins have. */
  function keeps(): boolean {
    return state().plugins.some(({ name }) => /cache/i.test(name) && name !== "cache-source");
  }

  function isBusy(): boolean {
    const { waiting, running, places } = state().work;
    return waiting > 0 || running * 2 >= places;
  }

  async function make(job: Job, part: Part): Promise<void> {
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
    try {
      await enqueue(next, { signal: AbortSignal.timeout(PATIENCE) });
      if (made.has(name)) made.set(name, true);
    } catch (error) {
      made.delete(name);
      // The last segment has none behind it, a silent stream has no sound, and a busy server says no.
      logger.debug({ err: error }, "prefetching a part of a stream failed");
    }
  }

  return { sent };
}

const nameOf = ({ asset, transformation, query }: Job, part: Part) =>
  JSON.stringify([asset, transformation.steps, query, part]);
