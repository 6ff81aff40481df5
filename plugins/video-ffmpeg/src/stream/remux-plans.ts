import type { Plan } from "@mediatap/core";
import { NAME } from "../options.ts";
import { withRanges } from "../read/ranges.ts";
import { firstAt, type Grid, secondsOf } from "./grid.ts";
import { type Asked, renditionOf } from "./part.ts";
import type { Copied } from "./remux.ts";
import type { Rung } from "./rung.ts";

const TYPE = "video/mp4";

/** What a player needs before the segments of a rung that is packaged without encoding. */
export function copiedInitPlan({ name }: Rung, { cut, offer }: Copied): Plan {
  const init = cut.init();
  return {
    engine: NAME,
    lane: "light",
    cost: 1,
    memory: init.length,
    explain: () => ({ init: String(name), codec: offer.codec, made: "copied" }),
    run: async () => renditionOf(init, TYPE, "mp4"),
  };
}

/** One segment of it: read from the file, and written with times of its own. */
export function copiedPlan(
  { source }: Asked,
  grid: Grid,
  { name, width, height }: Rung,
  { cut, offer }: Copied,
  index: number,
): Plan {
  const segment = cut.segment(index);
  const { frames, bytes, read } = segment;
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
      frames,
      bytes,
    }),
    run: (context) =>
      withRanges(source, context, async (file) => {
        const written = await segment.write(file, context.signal);
        return { ...renditionOf(written, TYPE, "m4s"), width, height };
      }),
  };
}
