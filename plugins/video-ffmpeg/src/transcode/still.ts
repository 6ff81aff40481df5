import { type DecodeOptions, MediaError, type RenderContext, type Source } from "@mediatap/core";
import { createTiff, memorySource } from "@mediatap/core/decode";
import type { Engine } from "../engine.ts";
import { decoderArgs, matrixOf, toSdr } from "../probe/colour.ts";
import type { FileProbe } from "../probe/probe.ts";
import { start } from "../process/command.ts";
import { openInput, SNIFF_LENGTH, videoDemuxerOf } from "../read/input.ts";

/** Seconds from which a poster is chosen, and how many frames of each are looked at. */
const POSTER_SECONDS = 10;
const POSTER_RATE = 5;

const COUNTS_FRAMES: readonly string[] = ["avi", "ogg"];

/** What a video shows at a time, as pixels: upright, in its own size, of square pixels and common range. */
export async function still(
  engine: Engine,
  source: Source,
  { time, page = 1 }: DecodeOptions,
  context: RenderContext,
): Promise<Source | undefined> {
  const demuxer = videoDemuxerOf(await source.peek(SNIFF_LENGTH));
  if (!demuxer) return undefined;
  if (page > 1)
    throw new MediaError("EINVAL", "Expected a page from 1 to 1: stills of videos are chosen by time");
  const tools = await engine.tools();
  const probe = (await context.inspect("probe", source)) as FileProbe | undefined;
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
  const pixels = alpha ? "rgba" : "rgb24";
  const input = await openInput(source, demuxer, context);
  try {
    const { file, pixels: room } = createTiff({ width, height, colors: "rgb", alpha });
    const running = start({
      program: tools.ffmpeg,
      args: [
        ...["-nostdin", "-v", "error", "-threads", "2"],
        ...(exact || smart ? [] : ["-skip_frame", "nokey"]),
        ...decoderArgs(video, tools),
        // Decoding begins at the key frame before, and what is not wanted is left out by the filters.
        ...(time ? ["-noaccurate_seek", "-ss", seconds(time - early)] : []),
        ...(smart ? ["-t", String(POSTER_SECONDS)] : []),
        ...input.args,
        ...["-map", "0:V:0", "-frames:v", "1", "-vf", filters.join(",")],
        ...["-f", "rawvideo", "-pix_fmt", pixels, "pipe:1"],
      ],
      signal: context.signal,
      timeout: Math.min(context.limits.imageWork, context.limits.videoSegment),
      niceness: engine.settings.niceness,
    });
    let length = 0;
    for await (const chunk of running.stdout as AsyncIterable<Buffer>) {
      if (length + chunk.length > room.length) break;
      room.set(chunk, length);
      length += chunk.length;
    }
    if (length === room.length) running.kill();
    else await running.done;
    if (length < room.length) throw noPicture();
    return memorySource(source.facts, file);
  } finally {
    await input.close();
  }
}

/** Chooses the last frame that is not behind a time; what ends before it goes on showing its last. */
const frameFilters = (time: number, filters: ReadonlySet<string>): readonly string[] => [
  ...(filters.has("tpad") ? ["tpad=stop=-1:stop_mode=clone"] : []),
  // It counts in units of its input, which may be whole frames.
  "settb=AVTB",
  `fps=1000:start_time=${seconds(time)}`,
];

const posterFilters = (): readonly string[] => [
  `fps=${POSTER_RATE}`,
  `thumbnail=${POSTER_SECONDS * POSTER_RATE}`,
];

/** As ffmpeg reads it: never with an exponent. */
const seconds = (time: number) => time.toFixed(6);

const noPicture = () => new MediaError("UNIDENTIFIED", "The source has no video track", { status: 400 });
