import { MediaError, type Probe, type Size } from "@mediatap/core";
import type { Ladder } from "../options.ts";
import { CODECS, levelOf } from "./codecs.ts";
import type { Rate } from "./grid.ts";
import type { Rung } from "./rung.ts";

/** A rung as players are told of it. */
export interface Offer extends Rung {
  /** As codec strings name it (RFC 6381). */
  readonly codec: string;
  /** Bits a second, about … */
  readonly average: number;
  /** … and at most. */
  readonly peak: number;
}

/** Box of each rung (ImageKit's), and bits a second of H.264 that fills it. */
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

/** Bits a second follow the number of pixels to this power at the same quality: details of small pictures cost more of them. */
const PIXEL_POWER = 0.75;

/**
 * A rung of a picture of this size: fitted into its box, its ratio kept, even, never larger. `undefined`: no such rung, or one too
 * small for its codec.
 */
export function rungOf(name: number, picture: Size, rate: Rate, ladder: Ladder = "h264"): Rung | undefined {
  const box = BOXES.get(name);
  if (!box) return undefined;
  const codec = CODECS[ladder];
  const [mostWidth, mostHeight, most] = box;
  const scale = Math.min(1, mostWidth / picture.width, mostHeight / picture.height);
  const size = {
    width: even(picture.width * scale, Math.min(mostWidth, picture.width)),
    height: even(picture.height * scale, Math.min(mostHeight, picture.height)),
  };
  if (Math.min(size.width, size.height) < codec.side) return undefined;
  const filled = (size.width * size.height) / (mostWidth * mostHeight);
  const boxRate = Math.round(most * codec.share);
  const maxrate = Math.round(boxRate * Math.min(1, filled) ** PIXEL_POWER);
  return { name, ladder, ...size, maxrate, boxRate, level: levelOf(codec, size, rate) };
}

/** The rungs that a master names, from low to high. Those that would show the same size as a lower one are left out. */
export function ladderOf(
  names: readonly number[],
  picture: Size,
  rate: Rate,
  ladder: Ladder = "h264",
): readonly Rung[] {
  const rungs: Rung[] = [];
  for (const name of [...new Set(names)].sort((a, b) => a - b)) {
    if (!BOXES.has(name)) {
      throw new MediaError("EINVAL", `sr: Expected ${NAMES.join(", ")} but received ${name}`);
    }
    const rung = rungOf(name, picture, rate, ladder);
    if (!rung) continue;
    const below = rungs.at(-1);
    if (below?.width !== rung.width || below.height !== rung.height) rungs.push(rung);
  }
  return rungs;
}

/** As codec strings name it (RFC 6381). */
export const codecOf = ({ ladder, level }: Rung) => CODECS[ladder].name(level);

/** Name of the track that it is: `360`, `360-av1`. */
export const trackNameOf = ({ name, ladder }: Rung) =>
  ladder === "h264" ? String(name) : `${name}-${ladder}`;

/** What players know before anything is encoded: one buffer of a second can come on top of the rate. */
const peakOf = ({ maxrate }: Rung, segmentSeconds: number) =>
  Math.ceil(maxrate * (1 + 1 / segmentSeconds) * 1.02);

/**
 * What a track has on average at most: each segment begins with a buffer of a second, of which pictures that need all they can get
 * used 36 to 48 % (noise, segments of 1 to 10 s).
 */
const averageOf = ({ maxrate }: Rung, segmentSeconds: number) =>
  Math.ceil(maxrate * (1 + 0.5 / segmentSeconds) * 1.02);

/** A rung that is encoded. */
export const encoded = (rung: Rung, segmentSeconds: number): Offer => ({
  ...rung,
  codec: codecOf(rung),
  average: averageOf(rung, segmentSeconds),
  peak: peakOf(rung, segmentSeconds),
});

/** The picture itself, upright: never more than what its source has. */
export const pictureOf = ({ width, height }: NonNullable<Probe["video"]>): Size => ({ width, height });

const even = (length: number, most: number) =>
  Math.max(2, Math.min(Math.round(length / 2) * 2, Math.floor(most / 2) * 2));
