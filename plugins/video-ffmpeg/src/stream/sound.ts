import { muxArgs, QUIET, SOUND_ARGS } from "./encode.ts";
import { AAC_FRAME, framesAt, type Grid, SAMPLES } from "./grid.ts";

/**
 * Frames that are encoded before a segment and left out, so that each that is kept follows on its true predecessor. With 4 the first
 * two frames of every second segment differed from one continuous encode, with 5 none.
 */
const RUN_UP = 8;
/** Seconds that decoders need to be themselves. */
const DECODER_MARGIN = 0.3;

/** One segment of sound. */
export interface SoundCut {
  /** Seconds of the source at which the stream begins. */
  readonly start: number;
  readonly index: number;
  /** Of the source. */
  readonly channels: number;
  /** What is done to it. */
  readonly filters: readonly string[];
}

/**
 * Encodes one segment of sound without a click at its borders: tried against one continuous encode, from which it differs at most
 * at them. `input`: what opens the source.
 */
export function soundArgs(
  { start, index, channels, filters: steps }: SoundCut,
  grid: Grid,
  input: readonly string[],
): readonly string[] {
  const first = index * grid.frames;
  const runUp = first === 0 ? 1 : RUN_UP;
  const kept = framesAt(grid, index);
  const from = first === 0 ? 0 : (first + 1 - runUp) * AAC_FRAME;
  const to = (first + kept + 2) * AAC_FRAME;
  const seek = start + from / SAMPLES - DECODER_MARGIN;
  const shift = Math.round(start * SAMPLES);
  const filters = [
    // ffmpeg's own mixing takes 3 dB from a single channel.
    ...(channels === 1
      ? [`aresample=${SAMPLES}`, "pan=stereo|c0=c0|c1=c0"]
      : [`aresample=${SAMPLES}:ochl=stereo`]),
    `asettb=1/${SAMPLES}`,
    ...steps,
    `atrim=start_pts=${shift + from}:end_pts=${shift + to}`,
    `asetpts=PTS-${shift + from}`,
    // Nothing where the source has sound; where it has none, silence.
    "aresample=async=1:first_pts=0",
    "apad",
    `atrim=end_sample=${to - from}`,
    "asetpts=N",
  ];
  return [
    ...QUIET,
    ...(seek > 0 ? ["-ss", seek.toFixed(6)] : []),
    ...["-copyts", "-start_at_zero"],
    ...input,
    ...["-map", "0:a:0", "-af", filters.join(",")],
    ...SOUND_ARGS,
    "-bsf:a",
    `noise=drop=lt(n\\,${runUp})+gte(n\\,${runUp + kept})`,
    ...muxArgs(from / SAMPLES, "pipe:1"),
  ];
}
