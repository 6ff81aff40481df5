import { rm } from "node:fs/promises";
import type { Engine } from "../engine.ts";
import { decoderArgs, toSdr } from "../probe/colour.ts";
import { privateFolder } from "../process/temp.ts";
import type { Tools } from "../process/tools.ts";
import { openInput } from "../read/input.ts";
import { type Extras, prepareExtras } from "../transcode/extras.ts";
import { type Parts, splitFragment } from "./boxes.ts";
import {
  type Cut,
  cutFilters,
  isBlind,
  LAST_FILTERS,
  muxArgs,
  pictureArgs,
  pictureSeek,
  QUIET,
  seekArgs,
  tailFilters,
} from "./encode.ts";
import { firstAt, framesAt, picturesAt, secondsOf } from "./grid.ts";
import { trackNameOf } from "./ladder.ts";
import type { Pictures } from "./layout.ts";
import type { Asked } from "./part.ts";
import { collectAll } from "./run.ts";
import type { Rung } from "./rung.ts";

/** Rungs of a segment to be made together. */
export interface Encoding {
  readonly engine: Engine;
  readonly asked: Asked;
  readonly pictures: Pictures;
  readonly rungs: readonly Rung[];
  readonly index: number;
  readonly quality: number;
  readonly signal: AbortSignal;
}

/** Several rungs of a segment by one process, which decodes once; by their names. */
export async function encodeRungs(encoding: Encoding): Promise<ReadonlyMap<string, Parts>> {
  const { engine, asked, pictures, rungs, index, signal } = encoding;
  const { job, source, context, layout } = asked;
  const { format } = layout.probe;
  const { grid, graph } = pictures;
  const tools = await engine.tools();
  const cut = { start: layout.start, first: firstAt(grid, index), frames: picturesAt(grid, index) };
  const seek = pictureSeek(cut, grid, format);
  // What is clear in a picture has to lie on something.
  const isPlain = graph.picture?.plain && !layout.probe.video?.alpha;
  const folder = isPlain ? undefined : await privateFolder();
  try {
    const extras = folder
      ? await prepareExtras(graph, { job, renderContext: context, tools, folder, first: 1 })
      : undefined;
    const input = await openInput(source, format, context);
    const run = (from: number) =>
      collectAll({
        program: tools.ffmpeg,
        args: argsOf(encoding, cut, [...seekArgs(from), ...input.args], extras, tools),
        signal,
        timeout: context.limits.videoSegment,
        niceness: engine.settings.niceness,
        pipes: rungs.length - 1,
        ...(folder && { folder }),
      });
    try {
      const files = await run(seek).catch((error: unknown) => {
        if (signal.aborted || !isBlind(seek, format)) throw error;
        return run(0);
      });
      return new Map(rungs.map((rung, at) => [trackNameOf(rung), splitFragment(files[at] as Buffer)]));
    } finally {
      await input.close();
      await extras?.close();
    }
  } finally {
    if (folder) await rm(folder, { recursive: true, force: true });
  }
}

function argsOf(
  encoding: Encoding,
  cut: Cut,
  input: readonly string[],
  extras: Extras | undefined,
  tools: Tools,
): readonly string[] {
  const { asked, pictures, rungs, quality, index } = encoding;
  const { grid } = pictures;
  const { video } = asked.layout.probe;
  return [
    ...QUIET,
    ...["-threads", "2"],
    ...(video ? decoderArgs(video, tools) : []),
    ...input,
    ...(extras?.args ?? []),
    ...["-filter_complex", filtersOf(encoding, cut, extras, tools)],
    ...rungs.flatMap((rung, at) => [
      ...["-map", `[v${at}]`],
      ...pictureArgs(rung, grid, quality),
      ...(grid.stills ? ["-bsf:v", `setts=duration=${framesAt(grid, index)}`] : []),
      ...muxArgs(secondsOf(grid, cut.first), `pipe:${at === 0 ? 1 : at + 2}`),
    ]),
  ];
}

/** Makes one picture of lines of two moments. */
const DEINTERLACE = "bwdif=mode=send_frame:deint=interlaced";

/** Cuts the frames of a segment out, takes the steps, and scales to each rung. */
function filtersOf(
  { asked, pictures, rungs }: Encoding,
  cut: Cut,
  extras: Extras | undefined,
  tools: Tools,
): string {
  const { grid, rate, graph } = pictures;
  const { video } = asked.layout.probe;
  const { interlaced } = asked.layout.probe;
  const weave = interlaced && !extras && tools.filters.has("bwdif") ? [DEINTERLACE] : [];
  const frames = [...weave, ...cutFilters(cut, rate, grid)].join(",");
  const split = `split=${rungs.length}${rungs.map((_, at) => `[s${at}]`).join("")}`;
  const stepped =
    extras &&
    graph.picture?.wire({
      from: "cut",
      to: "drawn",
      extra: (extra) => extras.label(extra),
      offset: secondsOf(grid, cut.first),
    });
  // Steps bring pictures to common colours by themselves.
  const sdr = video && !stepped ? toSdr(video, tools) : [];
  const matrix = stepped ? undefined : pictures.matrix;
  return [
    ...(stepped ? [`[0:V:0]${frames}[cut]`, stepped, `[drawn]${split}`] : [`[0:V:0]${frames},${split}`]),
    ...rungs.map(
      (rung, at) => `[s${at}]${[...tailFilters(rung, matrix), ...sdr, ...LAST_FILTERS].join(",")}[v${at}]`,
    ),
  ].join(";");
}
