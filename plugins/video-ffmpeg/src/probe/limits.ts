import { type Limits, MediaError, type Probe } from "@mediatap/core";
import type { FileProbe } from "./probe.ts";

/** Throws `ELIMIT` for a video that is more than the limits let through. */
export function assertBounds(probe: Probe, limits: Limits): void {
  const { duration, video } = probe;
  const { streams = 0 } = probe as Partial<FileProbe>;
  const round = (value: number) => Number(value.toFixed(2));
  assertAtMost(limits.videoSeconds, round(duration), "of", "seconds");
  assertAtMost(limits.videoStreams, streams, "of", "streams");
  if (!video) return;
  assertAtMost(limits.videoSide, Math.max(video.width, video.height), "of", "pixels a side");
  assertAtMost(limits.videoRate, round(video.rate), "of", "frames a second");
}

function assertAtMost(most: number, received: number, of: string, unit: string): void {
  if (received > most) {
    throw new MediaError("ELIMIT", `Expected a video ${of} at most ${most} ${unit} but received ${received}`);
  }
}
