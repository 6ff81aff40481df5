import { rm } from "node:fs/promises";
import type { Plan, RenderContext } from "@mediatap/core";
import type { Engine } from "../engine.ts";
import { NAME } from "../options.ts";
import { decoderArgs } from "../probe/colour.ts";
import { collect } from "../process/command.ts";
import { privateFolder } from "../process/temp.ts";
import { openInput } from "../read/input.ts";
import { type Extras, prepareExtras } from "../transcode/extras.ts";
import { graphOf } from "../transcode/graph.ts";
import { QUIET, seekArgs, seekTo } from "./encode.ts";
import type { Pictures } from "./layout.ts";
import { type Asked, renditionOf } from "./part.ts";
import { COLUMNS, countOn, type Previews, ROWS } from "./previews.ts";

const MB = 1024 * 1024;
/** Estimated milliseconds up to which a stretch is decoded whole; of others the key frames have to do. */
const BRIEF = 3_000;

/** A sheet of small pictures, by one run; where decoding all would take long, only of key frames, and only they are read. */
export function sheetPlan(
  engine: Engine,
  asked: Asked,
  pictures: Pictures,
  previews: Previews,
  sheet: number,
): Plan {
  const { video } = asked.layout.probe;
  const count = countOn(previews, sheet);
  const megapixels = ((video?.width ?? 0) * (video?.height ?? 0)) / 1e6;
  const whole = 3 * megapixels * (video?.rate ?? 25) * previews.interval * count;
  const exact = whole <= BRIEF;
  const size = {
    width: previews.width * Math.min(COLUMNS, count),
    height: previews.height * Math.ceil(count / COLUMNS),
  };
  return {
    engine: NAME,
    lane: "video",
    cost: 100 + (exact ? whole : 20 * megapixels * count),
    memory: 40 * MB + 30e6 * megapixels,
    explain: () => ({ sheet, pictures: count, interval: previews.interval, frames: exact ? "all" : "key" }),
    async run(context) {
      const bytes = await draw({ engine, asked, pictures, previews, sheet, count, exact, context });
      return { ...renditionOf(bytes, "image/jpeg", "jpeg"), ...size };
    },
  };
}

interface Drawing {
  readonly engine: Engine;
  readonly asked: Asked;
  readonly pictures: Pictures;
  readonly previews: Previews;
  readonly sheet: number;
  readonly count: number;
  readonly exact: boolean;
  readonly context: RenderContext;
}

async function draw({
  engine,
  asked,
  pictures,
  previews,
  sheet,
  count,
  exact,
  context,
}: Drawing): Promise<Buffer> {
  const { job, source, layout } = asked;
  const { probe, start } = layout;
  const tools = await engine.tools();
  const rate = `1/${previews.interval}`;
  const graph = graphOf(job.transformation.steps, probe, { limits: context.limits, tools, rate });
  const from = sheet * COLUMNS * ROWS * previews.interval;
  const folder = await privateFolder();
  let extras: Extras | undefined;
  try {
    extras = await prepareExtras(graph, { job, renderContext: context, tools, folder, first: 1 });
    const { label } = extras;
    // The last that is not behind its time; of key frames the one that is near.
    const fps = `fps=${rate}:round=${exact ? "up" : "near"}`;
    const frames = [
      ...(start > 0 ? [`setpts=PTS-${start.toFixed(6)}/TB`] : []),
      fps,
      "tpad=stop_mode=clone:stop=-1",
      `fps=${rate}:start_time=${from}`,
      `trim=end_frame=${count}`,
      "setpts=PTS-STARTPTS",
    ];
    const { width, height } = previews;
    const matrix = pictures.matrix ? `:in_color_matrix=${pictures.matrix}` : "";
    const small = `scale=${width}:${height}:flags=bicubic${matrix}:out_color_matrix=bt601:out_range=pc,setsar=1`;
    const tile = `tile=${Math.min(COLUMNS, count)}x${Math.ceil(count / COLUMNS)}:nb_frames=${count}`;
    const steps = graph.picture?.wire({ from: "cut", to: "drawn", extra: (one) => label(one), offset: from });
    const input = await openInput(source, probe.format, context);
    try {
      return await collect({
        program: tools.ffmpeg,
        args: [
          ...QUIET,
          ...["-threads", "2", ...(exact ? [] : ["-skip_frame", "nokey", "-discard:v", "nokey"])],
          ...(probe.video ? decoderArgs(probe.video, tools) : []),
          ...seekArgs(seekTo(start + from, probe.format)),
          ...input.args,
          ...extras.args,
          "-filter_complex",
          `[0:V:0]${frames.join(",")}[cut];${steps};[drawn]${small},format=yuvj420p,${tile}[sheet]`,
          ...["-map", "[sheet]", "-frames:v", "1", "-c:v", "mjpeg", "-q:v", "5", "-threads:v", "1"],
          ...["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"],
          ...["-f", "image2pipe", "pipe:1"],
        ],
        signal: context.signal,
        timeout: context.limits.videoSegment,
        niceness: engine.settings.niceness,
        folder,
      });
    } finally {
      await input.close();
    }
  } finally {
    await extras?.close();
    await rm(folder, { recursive: true, force: true });
  }
}
