import { MediaError, type Probe } from "@mediatap/core";
import type { Rate } from "./grid.ts";

/** One quality of the pictures that players choose from. */
export interface Rung {
  /** Its height as ImageKit names it: 240, 360 … */
  readonly name: number;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Bits a second, at most. */
  readonly maxrate: number;
  /** H.264 level times ten. */
  readonly level: number;
}

/** A rung as players are told of it. */
export interface Offer extends Rung {
  /** As codec strings name it (RFC 6381). */
  readonly codec: string;
  /** Bits a second, about … */
  readonly average: number;
  /** … and at most. */
  readonly peak: number;
}

/** Box and bits a second of each rung. */
const BOXES: ReadonlyMap<number, readonly [width: number, height: number, maxrate: number]> = new Map([
  [240, [426, 240, 200_000]],
  [360, [640, 360, 400_000]],
  [480, [854, 480, 800_000]],
  [720, [1280, 720, 3_300_000]],
  [1080, [1920, 1080, 5_500_000]],
  [1440, [2560, 1440, 12_000_000]],
  [2160, [3840, 2160, 18_000_000]],
]);

/** All of them, from low to high. */
export const NAMES: readonly number[] = [...BOXES.keys()];

/** Level times ten, macroblocks a second and a picture (ITU-T H.264, table A-1); bits a second are never what decides. */
const LEVELS: readonly (readonly [level: number, second: number, picture: number])[] = [
  [30, 40_500, 1_620],
  [31, 108_000, 3_600],
  [32, 216_000, 5_120],
  [40, 245_760, 8_192],
  [42, 522_240, 8_704],
  [50, 589_824, 22_080],
  [51, 983_040, 36_864],
  [52, 2_073_600, 36_864],
];

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A rung of a picture of this size: fitted into its box, its ratio kept, even, never larger. `undefined`: no such rung. */
export function rungOf(name: number, picture: Size, rate: Rate): Rung | undefined {
  const box = BOXES.get(name);
  if (!box) return undefined;
  const [mostWidth, mostHeight, maxrate] = box;
  const scale = Math.min(1, mostWidth / picture.width, mostHeight / picture.height);
  const width = even(picture.width * scale, Math.min(mostWidth, picture.width));
  const height = even(picture.height * scale, Math.min(mostHeight, picture.height));
  return { name, width, height, maxrate, level: levelOf(width, height, rate) };
}

/** The rungs that a master names, from low to high. Those that would show the same size as a lower one are left out. */
export function ladderOf(names: readonly number[], picture: Size, rate: Rate): readonly Rung[] {
  const rungs: Rung[] = [];
  for (const name of [...new Set(names)].sort((a, b) => a - b)) {
    const rung = rungOf(name, picture, rate);
    if (!rung) throw new MediaError("EINVAL", `sr: Expected ${NAMES.join(", ")} but received ${name}`);
    const below = rungs.at(-1);
    if (below?.width !== rung.width || below.height !== rung.height) rungs.push(rung);
  }
  return rungs;
}

/** As codec strings name it (RFC 6381): High profile, no constraints. */
export const codecOf = ({ level }: Rung) => `avc1.6400${level.toString(16).padStart(2, "0")}`;

/** What players know before anything is encoded: one buffer of a second can come on top of the rate. */
const peakOf = ({ maxrate }: Rung, segmentSeconds: number) =>
  Math.ceil(maxrate * (1 + 1 / segmentSeconds) * 1.02);

/** A rung that is encoded. */
export const encoded = (rung: Rung, segmentSeconds: number): Offer => ({
  ...rung,
  codec: codecOf(rung),
  average: rung.maxrate,
  peak: peakOf(rung, segmentSeconds),
});

/** The picture itself, upright: never more than what its source has. */
export const pictureOf = ({ width, height }: NonNullable<Probe["video"]>): Size => ({ width, height });

const even = (length: number, most: number) =>
  Math.max(2, Math.min(Math.round(length / 2) * 2, Math.floor(most / 2) * 2));

function levelOf(width: number, height: number, { n, d }: Rate): number {
  const blocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  return (LEVELS.find(([, second, picture]) => blocks <= picture && (blocks * n) / d <= second) ?? [52])[0];
}
