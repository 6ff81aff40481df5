import type { Exchange, Job, PluginApi, StreamPart } from "@mediatap/core";
import { AUDIO_TRACK } from "./playlists.ts";

/** Prefetched parts that are kept in the map at most. */
const MAX_PREFETCHED = 1_000;
/** Timeout of one prefetch. */
const TIMEOUT_MS = 20_000;
/** Time without prefetching after a prefetched part was not in a cache. */
const COOLDOWN_MS = 60_000;

type Part = Extract<StreamPart, { readonly kind: "segment" | "init" }>;

/** Browsers that play HLS request these after the first video segment, one by one. */
const FIRST_AUDIO: readonly Part[] = [
  { kind: "segment", track: AUDIO_TRACK, index: 0 },
  { kind: "init", track: AUDIO_TRACK },
];

/**
 * Prefetches the segment after the one that was just sent, so that a viewer who continues never waits, and the first audio after a
 * playlist of video: one at a time, only on a server that is idle, and only while somebody continues to watch. Without a
 * cache that stores them it stops. `isVideo`: of a track's name. Returns a function to call when a part of a stream has been sent.
 */
export function createPrefetch(
  { jobs: { enqueue }, state, logger }: PluginApi,
  isVideo: (track: string) => boolean,
): (exchange: Exchange) => void {
  /** Prefetched parts that nobody has requested yet; `true`: ready. */
  const prefetched = new Map<string, boolean>();
  let isRunning = false;
  let cooldownUntil = 0;

  function isIdle(): boolean {
    const { work, stores } = state();
    const { waiting, running, places } = work;
    return (
      stores && !isRunning && performance.now() >= cooldownUntil && waiting === 0 && running * 2 < places
    );
  }

  function startPrefetch(job: Job, parts: readonly Part[]): void {
    if (!isIdle()) return;
    isRunning = true;
    Promise.all(parts.map((part) => prefetch(job, part))).finally(() => {
      isRunning = false;
    });
  }

  async function prefetch(job: Job, part: Part): Promise<void> {
    const { transformation } = job;
    const output = { ...transformation.output, video: { ...transformation.output.video, part } };
    const next: Job = { ...job, transformation: { ...transformation, output } };
    const name = nameOf(next, part);
    if (prefetched.has(name)) return;
    prefetched.set(name, false);
    const [oldest] = prefetched.keys();
    if (prefetched.size > MAX_PREFETCHED && oldest !== undefined) prefetched.delete(oldest);
    try {
      await enqueue(next, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (prefetched.has(name)) prefetched.set(name, true);
    } catch (error) {
      prefetched.delete(name);
      // There is none after the last segment, a silent stream has no audio, and a busy server refuses.
      logger.debug({ err: error }, "prefetching a part of a stream failed");
    }
  }

  return ({ job, cache }) => {
    const part = job?.transformation.output.video?.part;
    if (part?.kind === "playlist" && isVideo(part.track) && cache?.hit !== true)
      startPrefetch(job as Job, FIRST_AUDIO);
    if (!job || part?.kind !== "segment") return;
    const name = nameOf(job, part);
    const wasReady = prefetched.get(name);
    prefetched.delete(name);
    // A cache that revalidates each time has stored the segment nevertheless.
    const hit = cache?.hit === true || cache?.revalidated === true;
    if (wasReady === true && !hit) cooldownUntil = performance.now() + COOLDOWN_MS;
    // After a segment that has been in a cache for long, the next one is cached too.
    if (!hit || wasReady !== undefined) startPrefetch(job, [{ ...part, index: part.index + 1 }]);
  };
}

const nameOf = ({ asset, transformation, query }: Job, part: Part) =>
  JSON.stringify([asset, transformation.steps, query, part]);
