import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import {
  bodyOf,
  type Job,
  type Limits,
  MediaError,
  type Plan,
  type Probe,
  type RenderContext,
  type Rendition,
  type Size,
  type Source,
} from "@mediatap/core";
import type { Engine } from "../engine.ts";
import { NAME } from "../options.ts";
import { decoderArgs } from "../probe/colour.ts";
import { collect } from "../process/command.ts";
import { privateFolder } from "../process/temp.ts";
import type { Tools } from "../process/tools.ts";
import { demuxerOf, openInput, SNIFF_LENGTH } from "../read/input.ts";
import { QUIET } from "./arguments.ts";
import { before, cutOf } from "./cut.ts";
import { prepareExtras } from "./extras.ts";
import { openLayerFiles } from "./files.ts";
import { graphOf } from "./graph.ts";
import type { Graph } from "./model.ts";
import { removeFolder } from "./progressive.ts";
import { seconds } from "./units.ts";
import { probeOf } from "./whole.ts";

/** Longest moving picture in seconds, and most pictures a second: it is a preview, and formats of pictures are large. */
const LONGEST = 30;
const FASTEST = 15;

type Moving = "gif" | "webp" | "avif";

/** The least side that SVT-AV1 takes; smaller pictures are written by libaom. */
const SVT_SIDE = 64;

interface Writer {
  readonly needs: string;
  /** Filters behind all others, from one label to another. */
  readonly filters: (from: string, to: string) => string;
  readonly args: (quality: number, lossless: boolean, size: Size) => readonly string[];
  /** Milliseconds of one core for a megapixel. */
  readonly cost: number;
}

const plain = (format: string) => (from: string, to: string) => `[${from}]format=${format}[${to}]`;

const WRITERS: Readonly<Record<Moving, Writer>> = {
  gif: {
    needs: "gif",
    filters: (from, to) =>
      `[${from}]split[${from}1][${from}2];[${from}1]palettegen=stats_mode=diff[${from}p];[${from}2][${from}p]paletteuse=dither=bayer:bayer_scale=5:diff_mode=rectangle[${to}]`,
    args: () => ["-loop", "0", "-f", "gif"],
    cost: 80,
  },
  webp: {
    needs: "libwebp_anim",
    filters: plain("yuv420p"),
    args: (quality, lossless) => [
      ...["-c:v", "libwebp_anim", "-quality", String(quality), "-compression_level", "2"],
      ...["-lossless", lossless ? "1" : "0", "-loop", "0", "-f", "webp"],
    ],
    cost: 100,
  },
  avif: {
    needs: "libsvtav1",
    filters: plain("yuv420p"),
    args: (quality, _lossless, { width, height }) => [
      ...(Math.min(width, height) < SVT_SIDE
        ? ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-b:v", "0"]
        : ["-c:v", "libsvtav1", "-preset", "10", "-svtav1-params", "lp=4"]),
      ...["-crf", String(Math.round(57 - 0.42 * quality)), "-f", "avif"],
    ],
    cost: 60,
  },
};

/** Whether a job asks for a moving picture of a piece of a video. */
export function isPreview({ transformation: { steps, output } }: Job): boolean {
  return (
    !output.video &&
    output.format !== "original" &&
    steps[0]?.op === "clip" &&
    steps.every(({ op }) => op !== "frame")
  );
}

/** Plans a moving picture of a piece of a video. `undefined`: the source is none. Throws `ELIMIT` for one that is too long. */
export async function planPreview(
  engine: Engine,
  job: Job,
  source: Source,
  context: RenderContext,
): Promise<Plan | undefined> {
  const demuxer = demuxerOf(await source.peek(SNIFF_LENGTH));
  if (demuxer === undefined) return undefined;
  const { limits } = context;
  const probe = await probeOf(source, context);
  const tools = await engine.tools();
  const graph = graphOf(job.transformation.steps, probe, {
    limits,
    tools,
    files: await openLayerFiles(job, context),
  });
  if (!graph.picture || !probe.video) throw new MediaError("EINVAL", "Expected a source with a video track");
  const { size } = graph.picture;
  const format = formatOf(job, tools);
  const rate = rateOf(graph, limits);
  const frames = Math.ceil(graph.duration * rate);
  const written = (size.width * size.height * frames) / 1e6;
  if (written > limits.outputMegapixels) {
    throw new MediaError(
      "ELIMIT",
      `Expected at most ${limits.outputMegapixels} megapixels in all frames but received ${written.toFixed(1)}`,
    );
  }
  const { width, height, rate: speed } = probe.video;
  const read = ((width * height) / 1e6) * speed * graph.stretch.duration;
  return {
    engine: NAME,
    lane: "video",
    cost: Math.round(150 + 8 * read + WRITERS[format].cost * written),
    // Palettes look at all frames before the first is written.
    memory: 60e6 + width * height * 36 + (format === "gif" ? 4 : 2) * size.width * size.height * frames,
    explain: () => ({
      size: `${size.width}x${size.height}`,
      duration: Number(seconds(graph.duration)),
      rate,
      frames,
      steps: graph.words,
      format,
      passes: [`encode by ${WRITERS[format].needs}`],
    }),
    run: (context) => run({ engine, job, source, probe, tools, graph, format, rate, demuxer }, context),
  };
}

/** Pictures a second: fewer where there would be too many in all. */
function rateOf({ picture, duration }: Graph, limits: Limits): number {
  if (duration > LONGEST) {
    throw new MediaError(
      "ELIMIT",
      `Expected an animated image of at most ${LONGEST} seconds but received ${seconds(duration)}`,
    );
  }
  const most = Math.min(FASTEST, picture?.fps ?? FASTEST, limits.frames / duration);
  return most < FASTEST ? Math.max(1, Math.floor(most)) : FASTEST;
}

/** WebP for those who can show it, else GIF: AVIF only where it is asked for, since it takes longest. */
function formatOf({ transformation: { output }, accept }: Job, { encoders }: Tools): Moving {
  const { format = "auto", allowed } = output;
  if (format === "gif" || format === "webp" || format === "avif") {
    if (encoders.has(WRITERS[format].needs)) return format;
    throw new MediaError("EUNSUPPORTED", `Not supported here: this server's ffmpeg cannot write ${format}`);
  }
  if (format !== "auto" && format !== "source") {
    throw new MediaError("EINVAL", `Expected gif, webp or avif for an animated image but received ${format}`);
  }
  const isOpen = accept !== "basic" && (allowed?.includes("webp") ?? true);
  return isOpen && encoders.has(WRITERS.webp.needs) ? "webp" : "gif";
}

interface RunParts {
  readonly engine: Engine;
  readonly job: Job;
  readonly source: Source;
  readonly probe: Probe;
  readonly tools: Tools;
  readonly graph: Graph;
  readonly format: Moving;
  readonly rate: number;
  readonly demuxer: string;
}

async function run(parts: RunParts, context: RenderContext): Promise<Rendition> {
  const { engine, job, source, probe, tools, graph, format, rate, demuxer } = parts;
  const { limits, signal } = context;
  const size = graph.picture?.size ?? { width: 0, height: 0 };
  const { quality = 80, lossless = false } = job.transformation.output;
  const writer = WRITERS[format];
  const cut = cutOf(graph, demuxer);
  const { from, chains } = before("0:V:0", cut.picture, "cut");
  const folder = await privateFolder();
  try {
    const extras = await prepareExtras(graph, { job, renderContext: context, folder, tools, first: 1 });
    const input = await openInput(source, demuxer, context);
    const path = join(folder, "moving");
    try {
      await collect({
        program: tools.ffmpeg,
        args: [
          ...QUIET,
          ...cut.args,
          ...(probe.video ? decoderArgs(probe.video, tools) : []),
          ...input.args,
          ...extras.args,
          "-filter_complex",
          [
            ...chains,
            graph.picture?.wire({ from, to: "pictures", extra: extras.label, more: [`fps=${rate}`] }),
            writer.filters("pictures", "out"),
          ].join(";"),
          ...["-map", "[out]", "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"],
          ...["-threads:v", "4"],
          ...writer.args(quality === "auto" ? 75 : quality, lossless, size),
          `file:${path}`,
        ],
        signal,
        timeout: Math.max(limits.videoSegment, limits.videoTime * graph.duration * 1_000),
        niceness: engine.settings.niceness,
        folder,
        fileBytes: limits.videoOutput,
      });
    } finally {
      await Promise.all([input.close(), extras.close()]);
    }
    const body = bodyOf(await readFile(path), (bytes) => Readable.from([bytes]));
    return { body, type: `image/${format}`, format, ...graph.picture?.size };
  } finally {
    await removeFolder(folder);
  }
}
