import type { Plan } from "@mediatap/core";
import type { Engine } from "../engine.ts";
import { NAME } from "../options.ts";
import { collect } from "../process/command.ts";
import { openInput } from "../read/input.ts";
import type { Gathering } from "./batch.ts";
import { type Parts, splitFragment } from "./boxes.ts";
import { CODECS } from "./codecs.ts";
import { pictureInitArgs, soundInitArgs } from "./encode.ts";
import { firstAt, framesAt, type Grid, picturesAt, secondsOf } from "./grid.ts";
import { codecOf, rungOf, trackNameOf } from "./ladder.ts";
import type { Pictures, Sound } from "./layout.ts";
import { type Asked, renditionOf } from "./part.ts";
import { type Copied, whyEncoded } from "./remux.ts";
import type { Rung } from "./rung.ts";
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
  const { job, source, context, layout } = asked;
  const { width, height, ladder, maxrate } = rung;
  const name = trackNameOf(rung);
  const {
    cost,
    memory: [base, pixel],
  } = CODECS[ladder];
  const quality = job.transformation.output.video?.quality ?? 50;
  const frames = picturesAt(grid, index);
  const { origin, path, etag, lastModified, size } = source.facts;
  const group = JSON.stringify([
    NAME,
    [origin, path, etag, lastModified, size],
    job.transformation.steps,
    [index, quality, grid.stills],
    // Others than those of H.264 take too much of a machine to be made together.
    ladder === "h264" ? ladder : name,
  ]);
  const obtain = gathering.announce(group, name, context.signal, context.limits.videoQueueWait);
  const { probe } = layout;
  const from = probe.video ?? pictures.size;
  const megapixels = (one: { readonly width: number; readonly height: number }) =>
    (one.width * one.height * frames) / 1e6;
  return {
    engine: NAME,
    lane: "video",
    cost: 150 + 6 * megapixels(from) + cost * megapixels(rung),
    memory: base * MB + 30 * from.width * from.height + pixel * width * height,
    explain: () => ({
      segment: index,
      track: name,
      size: { width, height },
      codec: codecOf(rung),
      ...(!grid.stills && { made: `encoded: ${whyEncoded(rung, pictures.remuxed)}` }),
      maxrate,
      quality,
      from: secondsOf(grid, firstAt(grid, index)),
      frames,
      rate: pictures.rate,
    }),
    async run(context) {
      const made = await obtain(async (names, signal) => {
        const rungs = names.map(
          (one) => rungOf(Number.parseInt(one, 10), pictures.size, pictures.rate, ladder) as Rung,
        );
        return encodeRungs({ engine, asked: { ...asked, context }, pictures, rungs, index, quality, signal });
      });
      return { ...renditionOf(made.segment, PICTURES, "m4s"), width, height };
    },
  };
}

/** What a player needs of a picture track before its segments: the same as each run writes, made without the source. */
export function pictureInit(engine: Engine, { job }: Asked, { grid, rung, pictures }: PictureTrack): Plan {
  const quality = job.transformation.output.video?.quality ?? 50;
  const { memory, init } = CODECS[rung.ladder];
  return initPlan(engine, {
    args: pictureInitArgs(rung, pictures.rate, grid, quality),
    type: PICTURES,
    memory: memory[0] * MB + memory[1] * rung.width * rung.height,
    explanation: { init: trackNameOf(rung), codec: codecOf(rung) },
    ...(init && { init }),
  });
}

export function soundInit(engine: Engine): Plan {
  return initPlan(engine, {
    args: soundInitArgs(),
    type: SOUND,
    memory: 40 * MB,
    explanation: { init: "audio" },
  });
}

/** How an initialisation is made. */
interface InitOptions {
  readonly args: readonly string[];
  readonly type: string;
  readonly memory: number;
  readonly explanation: object;
  /** Left out: it is as the run wrote it. */
  readonly init?: (parts: Parts) => Buffer;
}

function initPlan(engine: Engine, { args, type, memory, explanation, init }: InitOptions): Plan {
  return {
    engine: NAME,
    lane: "video",
    cost: 80,
    memory,
    explain: () => explanation,
    async run(context) {
      const { ffmpeg } = await engine.tools();
      const file = await collect({
        program: ffmpeg,
        args,
        signal: context.signal,
        timeout: context.limits.videoSegment,
        niceness: engine.settings.niceness,
      });
      const parts = splitFragment(file);
      return renditionOf(init?.(parts) ?? Buffer.from(parts.init), type, "mp4");
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
    async run(context) {
      const { ffmpeg } = await engine.tools();
      const input = await openInput(source, probe.format, context);
      try {
        const file = await collect({
          program: ffmpeg,
          args: soundArgs({ start, index, filters, channels: probe.audio?.channels ?? 2 }, grid, input.args),
          signal: context.signal,
          timeout: context.limits.videoSegment,
          niceness: engine.settings.niceness,
        });
        return renditionOf(splitFragment(file).segment, SOUND, "m4s");
      } finally {
        await input.close();
      }
    },
  };
}
