import { type DecodeOptions, MediaError, type RenderContext, type Source } from "@mediatap/core";
import { createTiff, memorySource } from "@mediatap/core/decode";
import type { Engine } from "../engine.ts";
import { decoderArgs, matrixOf, toSdr } from "../probe/colour.ts";
import type { FileProbe } from "../probe/probe.ts";
import { QUIET_ARGS, start } from "../process/command.ts";
import { SNIFF_LENGTH, videoDemuxerOf } from "../read/demuxer.ts";
import { openInput } from "../read/input.ts";
import { exactSeconds } from "./units.ts";

/** Seconds of which a smart poster is chosen, and frames of each that are compared. */
const POSTER_SECONDS = 10;
const POSTER_RATE = 5;

/** Containers whose times are numbers of frames. */
const COUNTS_FRAMES: readonly string[] = ["avi", "ogg"];

/** The frame of a video at a time, as pixels: upright, in its own size, of square pixels and full range. */
export async function still(
  engine: Engine,
  source: Source,
  { time, page = 1 }: DecodeOptions,
  context: RenderContext,
): Promise<Source | undefined> {
  const demuxer = videoDemuxerOf(await source.peek(SNIFF_LENGTH));
  if (!demuxer) return undefined;
  if (page > 1) {
    throw new MediaError("EINVAL", "Expected a page from 1 to 1: stills of videos are chosen by time");
  }
  const tools = await engine.tools();
  const probe: FileProbe | undefined = await context.inspect("probe", source);
  const video = probe?.video;
  if (!video) throw noPicture();
  const { width, height, alpha } = video;
  const smart = time === undefined && engine.settings.poster === "smart";
  const exact = engine.settings.stillSeek === "exact";
  // Where time is counted in frames, seeking may round up: half a frame earlier nothing is missed.
  const early =
    exact && COUNTS_FRAMES.includes(demuxer) ? Math.min(time ?? 0, Math.floor(500 / video.rate) / 1000) : 0;
  const matrix = probe.matrix ? "" : `:in_color_matrix=${matrixOf(video)}`;
  const filters = [
    ...(smart ? posterFilters() : exact ? frameFilters(early, tools.filters) : ["setpts=PTS-STARTPTS"]),
    `scale=${width}:${height}${matrix}:flags=bicubic+accurate_rnd+full_chroma_int`,
    ...toSdr(video, tools),
  ];
  using input = await openInput(source, demuxer, context);
  const { file, pixels } = createTiff({ width, height, colors: "rgb", alpha });
  const { outputs, done, kill } = start({
    program: tools.ffmpeg,
    args: [
      ...[...QUIET_ARGS, "-threads", "2"],
      ...(exact || smart ? [] : ["-skip_frame", "nokey"]),
      ...decoderArgs(video, tools),
      // Decoding begins at the key frame before, and the filters drop what is not needed.
      ...(time ? ["-noaccurate_seek", "-ss", exactSeconds(time - early)] : []),
      ...(smart ? ["-t", String(POSTER_SECONDS)] : []),
      ...input.args,
      ...["-map", "0:V:0", "-frames:v", "1", "-vf", filters.join(",")],
      ...["-f", "rawvideo", "-pix_fmt", alpha ? "rgba" : "rgb24", "pipe:1"],
    ],
    signal: context.signal,
    timeout: Math.min(context.limits.imageWork, context.limits.videoSegment),
    niceness: engine.settings.niceness,
  });
  let length = 0;
  for await (const chunk of outputs[0] as AsyncIterable<Buffer>) {
    if (length + chunk.length > pixels.length) break;
    pixels.set(chunk, length);
    length += chunk.length;
  }
  if (length === pixels.length) kill();
  else await done;
  if (length < pixels.length) throw noPicture();
  return memorySource(source.metadata, file);
}

/** Chooses the last frame that is not after a time; a video that ends before it continues to show its last. */
const frameFilters = (time: number, filters: ReadonlySet<string>): readonly string[] => [
  ...(filters.has("tpad") ? ["tpad=stop=-1:stop_mode=clone"] : []),
  // It counts in units of its input, which may be whole frames.
  "settb=AVTB",
  `fps=1000:start_time=${exactSeconds(time)}`,
];

const posterFilters = (): readonly string[] => [
  `fps=${POSTER_RATE}`,
  `thumbnail=${POSTER_SECONDS * POSTER_RATE}`,
];

const noPicture = () => new MediaError("UNIDENTIFIED", "The source has no video track", { status: 400 });
