import { MediaError, type Size } from "@mediatap/core";
import type { Ladder } from "../options.ts";
import type { Tools } from "../process/tools.ts";
import { type Fragment, withSequence } from "./fmp4.ts";
import { type Grid, longestOf, type Rate } from "./grid.ts";

/** One quality of the video that players choose from. */
export interface Rung {
  /** Its height as ImageKit names it: 240, 360 … */
  readonly name: number;
  readonly ladder: Ladder;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Highest bits a second. */
  readonly maxrate: number;
  /** The same of frames that fill its box: what a viewer of this rung is ready for. */
  readonly boxRate: number;
  /** Level of its codec times ten. */
  readonly level: number;
}

/** How rungs of one codec are encoded, and how playlists describe them. */
export interface Codec {
  /** As ffmpeg names it. */
  readonly encoder: string;
  /** Bits a second, as a ratio of the bit rate of H.264. */
  readonly bitrateRatio: number;
  /** Level times ten, its units per second and per frame; its bit rate never decides. */
  readonly levels: readonly (readonly [level: number, second: number, frame: number])[];
  /** Pixels of a unit's side. */
  readonly unit: number;
  /** Pixels that each side must have. */
  readonly side: number;
  /** Milliseconds of one core for a megapixel. */
  readonly cost: number;
  /** Megabytes of memory, and bytes more for each pixel of the rung. */
  readonly memory: readonly [base: number, pixel: number];
  /** As codec strings name it (RFC 6381), of a level. */
  name(level: number): string;
  args(rung: Rung, grid: Grid, quality: number): readonly string[];
  /** The initialisation after a run. Left out: it is as the run wrote it. */
  readonly init?: (fragment: Fragment) => Buffer;
}

/** `middle` is the CRF of quality 50 of 100, and `points` of quality are one of CRF. */
const crfOf = (middle: number, points: number, quality: number) =>
  String(Math.round(middle - (quality - 50) / points));

/** The rate with one second of buffer. */
const rateArgs = (rate: number) => ["-maxrate:v", String(rate), "-bufsize:v", String(rate)];

const H264: Codec = {
  encoder: "libx264",
  bitrateRatio: 1,
  // ITU-T H.264, table A-1.
  levels: [
    [30, 40_500, 1_620],
    [31, 108_000, 3_600],
    [32, 216_000, 5_120],
    [40, 245_760, 8_192],
    [42, 522_240, 8_704],
    [50, 589_824, 22_080],
    [51, 983_040, 36_864],
    [52, 2_073_600, 36_864],
  ],
  unit: 16,
  side: 2,
  cost: 9.5,
  memory: [40, 60],
  // High profile, no constraints.
  name: (level) => `avc1.6400${level.toString(16).padStart(2, "0")}`,
  args: ({ name, maxrate, level }, { frames }, quality) => [
    ...["-c:v", "libx264", "-preset", "veryfast", "-crf", crfOf(23, 3, quality)],
    ...["-profile:v", "high", "-level:v", (level / 10).toFixed(1)],
    ...rateArgs(maxrate),
    ...["-g:v", String(frames), "-keyint_min:v", String(frames), "-sc_threshold:v", "0", "-bf:v", "2"],
    // Threads are pinned, since other numbers give other bytes; and of large pictures by slices, since with frames in parallel
    // the bound of the rate has x264 give other bytes each time.
    ...(name < 720 ? ["-threads:v", "1"] : ["-threads:v", "4", "-x264-params:v", "sliced-threads=1"]),
  ],
};

/** Part of the rate that SVT-AV1 gets, since it exceeds its limit by as much. */
const AV1_BITRATE_RATIO = 0.9;

const AV1: Codec = {
  encoder: "libsvtav1",
  bitrateRatio: 0.65,
  // AV1 specification, A.3.
  levels: [
    [30, 19_975_680, 665_856],
    [31, 31_950_720, 1_065_024],
    [40, 70_778_880, 2_359_296],
    [41, 141_557_760, 2_359_296],
    [50, 267_386_880, 8_912_896],
    [51, 534_773_760, 8_912_896],
  ],
  unit: 1,
  side: 64,
  cost: 11,
  memory: [140, 120],
  // Main profile, main tier, 8 bits; the colours left out are the usual ones.
  name(level) {
    const index = (Math.floor(level / 10) - 2) * 4 + (level % 10);
    return `av01.0.${String(index).padStart(2, "0")}M.08`;
  },
  args: ({ maxrate, level }, grid, quality) => [
    ...["-c:v", "libsvtav1", "-preset", "12", "-crf", crfOf(33, 2, quality)],
    ...rateArgs(Math.round(maxrate * AV1_BITRATE_RATIO)),
    ...["-g:v", String(longestOf(grid))],
    // With more threads the bound of the rate has it give other bytes each time.
    ...["-svtav1-params:v", `lp=1:level=${level}`],
    // It copies the chroma position of the source, and the initialisation, made without the source, must contain the same.
    ...["-bsf:v", "av1_metadata=chroma_sample_position=vertical"],
  ],
  init: withSequence,
};

const HEVC: Codec = {
  encoder: "libx265",
  bitrateRatio: 0.65,
  // ITU-T H.265, tables A.8 and A.9.
  levels: [
    [30, 16_588_800, 552_960],
    [31, 33_177_600, 983_040],
    [40, 66_846_720, 2_228_224],
    [41, 133_693_440, 2_228_224],
    [50, 267_386_880, 8_912_896],
    [51, 534_773_760, 8_912_896],
  ],
  unit: 1,
  side: 16,
  cost: 18,
  memory: [140, 120],
  // Main profile and tier, progressive frames.
  name: (level) => `hvc1.1.6.L${level * 3}.90`,
  args: ({ name, maxrate, level }, grid, quality) => {
    const own = [`level-idc=${level}`, `keyint=${longestOf(grid)}`, `pools=${name < 720 ? 1 : 4}`];
    return [
      ...["-c:v", "libx265", "-tag:v", "hvc1", "-preset", "superfast", "-crf", crfOf(26, 3, quality)],
      ...rateArgs(maxrate),
      ...["-x265-params:v", [...own, ...X265].join(":")],
      // As for AV1.
      ...["-bsf:v", "hevc_metadata=chroma_sample_loc_type=0"],
    ];
  },
};

/** Key frames nowhere but at the beginning. Without `const-vbv` the bound of the rate has it give other bytes each time. */
const X265 = [
  ...["scenecut=0", "open-gop=0", "high-tier=0", "info=0", "log-level=error"],
  ...["frame-threads=1", "const-vbv=1"],
];

export const CODECS: Readonly<Record<Ladder, Codec>> = { h264: H264, av1: AV1, hevc: HEVC };

/** The lowest level for frames of this size, at this rate. */
export function levelOf({ levels, unit }: Codec, { width, height }: Size, { n, d }: Rate): number {
  const [across, down] = [Math.ceil(width / unit), Math.ceil(height / unit)];
  const fits = levels.find(
    ([, second, frame]) =>
      across * down <= frame && (across * down * n) / d <= second && Math.max(across, down) ** 2 <= frame * 8,
  );
  return (fits ?? (levels.at(-1) as readonly [number, number, number]))[0];
}

/** Throws `EUNSUPPORTED` if this server's ffmpeg lacks the encoder of a ladder. Without H.264 ffmpeg fails by itself, and not all is encoded. */
export function assertWritable(ladder: Ladder, { encoders }: Tools): void {
  const { encoder } = CODECS[ladder];
  if (ladder === "h264" || encoders.has(encoder)) return;
  const lack = `this server's ffmpeg cannot write ${ladder}: it has no ${encoder}`;
  throw new MediaError("EUNSUPPORTED", `Not supported here (option ladders): ${lack}`);
}
