import { readFile, rm } from "node:fs/promises";
import {
  type Job,
  type Limits,
  MediaError,
  type Plan,
  type RenderContext,
  type Size,
  type Source,
} from "@mediatap/core";
import { type Engine, renditionOf } from "../engine.ts";
import { NAME } from "../options.ts";
import { decoderArgs } from "../probe/colour.ts";
import { collect, QUIET_ARGS } from "../process/command.ts";
import { temp } from "../process/temp.ts";
import type { Tools } from "../process/tools.ts";
import { demuxerOf, SNIFF_LENGTH } from "../read/demuxer.ts";
import { cutOf, wireCut } from "./cut.ts";
import { BITEXACT } from "./encode.ts";
import { withInputs } from "./extras.ts";
import { openLayerFiles } from "./files.ts";
import { graphOf } from "./graph.ts";
import type { Graph } from "./model.ts";
import { seconds } from "./units.ts";
import { probeOf, timeoutOf } from "./video.ts";

/** Bounds of an animated image: it is a preview, and image formats are large. */
const MAX_SECONDS = 30;
const MAX_RATE = 15;

type AnimatedFormat = "gif" | "webp" | "avif";

/** The shortest side that SVT-AV1 accepts; smaller images are written by libaom. */
const SVT_SIDE = 64;

interface Writer {
  readonly needs: string;
  /** Filters after all others, from one label to another. */
  readonly filters: (from: string, to: string) => string;
  readonly args: (quality: number, lossless: boolean, size: Size) => readonly string[];
  /** Milliseconds of one core for a megapixel. */
  readonly cost: number;
}

const plain = (format: string) => (from: string, to: string) => `[${from}]format=${format}[${to}]`;

const WRITERS: Readonly<Record<AnimatedFormat, Writer>> = {
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

/** Whether a job requests an animated image of a part of a video. */
export function isPreview({ transformation: { steps, output } }: Job): boolean {
  return (
    !output.video &&
    output.format !== "original" &&
    steps[0]?.op === "clip" &&
    steps.every(({ op }) => op !== "frame")
  );
}

/** Plans an animated image of a part of a video. `undefined`: the source is none. Throws `ELIMIT` for one that is too long. */
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
  const { picture } = graph;
  const { video } = probe;
  if (!picture || !video) throw new MediaError("EINVAL", "Expected a source with a video track");
  const { size } = picture;
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
  const { width, height } = video;
  const read = ((width * height) / 1e6) * video.rate * graph.stretch.duration;
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
    async run(context) {
      const { quality = 80, lossless = false } = job.transformation.output;
      const writer = WRITERS[format];
      const cut = cutOf(graph, demuxer);
      const path = temp().newPath();
      try {
        await withInputs({ source, demuxer, graph }, { job, context, tools }, (input, extras) => {
          const frames = wireCut(graph, cut, { to: "frames", extra: extras.label, more: [`fps=${rate}`] });
          return collect({
            program: tools.ffmpeg,
            args: [
              ...QUIET_ARGS,
              ...cut.args,
              ...decoderArgs(video, tools),
              ...input,
              ...extras.args,
              ...["-filter_complex", `${frames};${writer.filters("frames", "out")}`, "-map", "[out]"],
              ...[...BITEXACT, "-threads:v", "4"],
              ...writer.args(quality === "auto" ? 75 : quality, lossless, size),
              `file:${path}`,
            ],
            signal: context.signal,
            timeout: timeoutOf(graph, context),
            niceness: engine.settings.niceness,
            folder: extras.folder,
            fileBytes: context.limits.videoOutput,
          });
        });
        return { ...renditionOf(await readFile(path), `image/${format}`, format), ...size };
      } finally {
        await rm(path, { force: true });
      }
    },
  };
}

/** Frames a second: fewer if there would be too many in all. */
function rateOf({ picture, duration }: Graph, limits: Limits): number {
  if (duration > MAX_SECONDS) {
    throw new MediaError(
      "ELIMIT",
      `Expected an animated image of at most ${MAX_SECONDS} seconds but received ${seconds(duration)}`,
    );
  }
  const most = Math.min(MAX_RATE, picture?.fps ?? MAX_RATE, limits.frames / duration);
  return most < MAX_RATE ? Math.max(1, Math.floor(most)) : MAX_RATE;
}

/** WebP for clients that accept it, else GIF; AVIF only on request, since it takes longest. */
function formatOf({ transformation: { output }, accept }: Job, { encoders }: Tools): AnimatedFormat {
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
