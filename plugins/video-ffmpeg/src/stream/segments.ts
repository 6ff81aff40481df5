import type { Plan } from "@mediatap/core";

import { collect } from "../command.ts";
import type { Engine } from "../engine.ts";
import { openInput } from "../input.ts";
import { NAME } from "../options.ts";

import { type Asked, renditionOf } from "./asked.ts";
import { initOf, type Parts, splitFragment } from "./boxes.ts";
import { type Copied, whyEncoded } from "./copy/index.ts";
import { pictureInitArgs, soundInitArgs } from "./encode.ts";
import type { Gathering } from "./gather.ts";
import { firstAt, framesAt, type Grid, picturesAt, secondsOf } from "./grid.ts";
import { codecOf, type Rung, rungOf } from "./ladder.ts";
import type { Pictures, Sound } from "./layout.ts";
import { encodeRungs } from "./rungs.ts";
import { soundArgs } from "./sound.ts";

const PICTURES = "video/mp4";
const SOUND = "audio/mp4";
const MB = 1024 * 1024;

/** A track of pictures. */
export interface PictureTrack {
  readonly grid: Grid;
  readonly rung: Rung;
  readonly pictures: Pictures;
  /** Left out: it is encoded. */
  readonly copied?: Copied;
}

/** One segment of pictures, made along with those of other rungs that wait for their turn. */
export function picturePlan(
  engine: Engine,
  gathering: Gathering<Parts>,
  asked: Asked,
  { grid, rung, pictures }: PictureTrack,
  index: number,
): Plan {
  const { job, source, flight, layout } = asked;
  const { width, height, name, maxrate } = rung;
  const quality = job.transformation.output.video?.quality ?? 50;
  const frames = picturesAt(grid, index);
  const { origin, path, etag, lastModified, size } = source.facts;
  const group = JSON.stringify([
    NAME,
    [origin, path, etag, lastModified, size],
    job.transformation.steps,
    [index, quality, grid.stills],
  ]);
  const obtain = gathering.announce(group, String(name), flight.signal, flight.limits.videoQueueWait);
  const { probe } = layout;
  const from = probe.video ?? pictures.size;
  const megapixels = (one: { readonly width: number; readonly height: number }) =>
    (one.width * one.height * frames) / 1e6;
  return {
    engine: NAME,
    lane: "video",
    cost: 150 + 6 * megapixels(from) + 9.5 * megapixels(rung),
    memory: 40 * MB + 30 * from.width * from.height + 60 * width * height,
    group,
    explain: () => ({
      segment: index,
      track: String(name),
      size: { width, height },
      codec: codecOf(rung),
      ...(!grid.stills && { made: `encoded: ${whyEncoded(rung, pictures.copying)}` }),
      maxrate,
      quality,
      from: secondsOf(grid, firstAt(grid, index)),
      frames,
      rate: pictures.rate,
    }),
    async run(flight) {
      const made = await obtain(async (names, signal) => {
        const rungs = names.map((one) => rungOf(Number(one), pictures.size, pictures.rate) as Rung);
        return encodeRungs({ engine, asked: { ...asked, flight }, pictures, rungs, index, quality, signal });
      });
      return { ...renditionOf(made.segment, PICTURES, "m4s"), width, height };
    },
  };
}

/** What a player needs of a picture track before its segments: the same as each run writes, made without the source. */
export function pictureInit(engine: Engine, { job }: Asked, { grid, rung, pictures }: PictureTrack): Plan {
  const quality = job.transformation.output.video?.quality ?? 50;
  const args = pictureInitArgs(rung, pictures.rate, grid, quality);
  return initPlan(engine, args, PICTURES, { init: String(rung.name), codec: codecOf(rung) });
}

export function soundInit(engine: Engine): Plan {
  return initPlan(engine, soundInitArgs(), SOUND, { init: "audio" });
}

function initPlan(engine: Engine, args: readonly string[], type: string, explanation: object): Plan {
  return {
    engine: NAME,
    lane: "video",
    cost: 80,
    memory: 40 * MB,
    explain: () => explanation,
    async run(flight) {
      const { ffmpeg } = await engine.tools();
      const file = await collect({
        program: ffmpeg,
        args,
        signal: flight.signal,
        timeout: flight.limits.videoSegment,
        niceness: engine.settings.niceness,
      });
      return renditionOf(initOf(file), type, "mp4");
    },
  };
}

/** One segment of sound. */
export function soundPlan(
  engine: Engine,
  { source, layout }: Asked,
  { grid, filters }: Sound,
  index: number,
): Plan {
  const { start, probe } = layout;
  return {
    engine: NAME,
    lane: "video",
    cost: 100 + 15 * secondsOf(grid, framesAt(grid, index)),
    memory: 40 * MB,
    explain: () => ({
      segment: index,
      track: "audio",
      from: secondsOf(grid, firstAt(grid, index)),
      frames: framesAt(grid, index),
    }),
    async run(flight) {
      const { ffmpeg } = await engine.tools();
      const input = await openInput(source, probe.format, flight);
      try {
        const file = await collect({
          program: ffmpeg,
          args: soundArgs({ start, index, filters, channels: probe.audio?.channels ?? 2 }, grid, input.args),
          signal: flight.signal,
          timeout: flight.limits.videoSegment,
          niceness: engine.settings.niceness,
        });
        return renditionOf(splitFragment(file).segment, SOUND, "m4s");
      } finally {
        await input.close();
      }
    },
  };
}
