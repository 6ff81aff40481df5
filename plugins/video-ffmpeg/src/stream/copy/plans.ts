import { MediaError, type Plan } from "@mediatap/core";
import { NAME } from "../../options.ts";
import { type Bytes, openBytes } from "../../read/bytes.ts";
import { firstAt, type Grid, secondsOf } from "../grid.ts";
import type { Rung } from "../ladder.ts";
import { type Asked, renditionOf } from "../part.ts";
import { isWhole } from "./avc.ts";
import type { Copied } from "./index.ts";
import { type Run, runOf, stretchesOf } from "./pieces.ts";
import type { Track } from "./track.ts";
import { copiedHeader, copiedInit } from "./write.ts";

const TYPE = "video/mp4";

/** What a player needs before the segments of a rung that is packaged as it is. */
export function copiedInitPlan({ name }: Rung, { track, offer }: Copied): Plan {
  return {
    engine: NAME,
    lane: "light",
    cost: 1,
    memory: track.avc.record.length + 1_000,
    explain: () => ({ init: String(name), codec: offer.codec, made: "copied" }),
    run: async () => renditionOf(copiedInit(track), TYPE, "mp4"),
  };
}

/** One segment of it: read from the file, and written with times of its own. */
export function copiedPlan(
  { source }: Asked,
  grid: Grid,
  { name, width, height }: Rung,
  { track, pieces, offer }: Copied,
  index: number,
): Plan {
  const cut = runOf(grid, pieces, index);
  const bytes = track.sizes.subarray(cut.from, cut.from + cut.samples).reduce((sum, size) => sum + size, 0);
  const read = stretchesOf(track, cut.from, cut.samples).reduce((sum, { length }) => sum + length, 0);
  return {
    engine: NAME,
    lane: "light",
    cost: 5 + bytes / 1e6,
    memory: bytes + read,
    explain: () => ({
      segment: index,
      track: String(name),
      size: { width, height },
      codec: offer.codec,
      made: "copied",
      from: secondsOf(grid, firstAt(grid, index)),
      frames: cut.samples,
      bytes,
    }),
    async run(context) {
      const file = await openBytes(source, context);
      try {
        const media = await samplesFrom(file, track, cut);
        const segment = Buffer.concat([copiedHeader(track, pieces, cut, index + 1), ...media]);
        return { ...renditionOf(segment, TYPE, "m4s"), width, height };
      } finally {
        await file.close();
      }
    },
  };
}

/** The bytes of samples that follow each other. Throws `UNIDENTIFIED` where they are not what the file's index says. */
async function samplesFrom(file: Bytes, track: Track, { from, samples }: Run): Promise<readonly Buffer[]> {
  const media: Buffer[] = [];
  for (const { start, length, samples: count } of stretchesOf(track, from, samples)) {
    const stretch = await file.read(start, length);
    for (let row = 0; row < count; row++) {
      const at = from + media.length;
      const offset = (track.offsets[at] as number) - start;
      const sample = stretch.subarray(offset, offset + (track.sizes[at] as number));
      if (!isWhole(sample, track.avc)) {
        throw new MediaError("UNIDENTIFIED", "The video's index does not fit its pictures", { status: 400 });
      }
      media.push(sample);
    }
  }
  return media;
}
