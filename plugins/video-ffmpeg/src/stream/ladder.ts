import { MediaError, type Size } from "@mediatap/core";
import type { Ladder } from "../options.ts";
import { CODECS, levelOf, type Rung } from "./codecs.ts";
import type { Rate } from "./grid.ts";

/** A rung as playlists describe it (RFC 8216 §4.3.4.2). */
export interface Variant extends Rung {
  /** Its codec string (RFC 6381). */
  readonly codec: string;
  /** Average bits a second. */
  readonly average: number;
  /** Bits a second of the largest segment. */
  readonly peak: number;
}

/** Box of each rung (ImageKit's), and bits a second of H.264 that fills it. */
const RUNG_BOXES: ReadonlyMap<number, readonly [width: number, height: number, maxrate: number]> = new Map([
  [240, [426, 240, 200_000]],
  [360, [640, 360, 400_000]],
  [480, [854, 480, 800_000]],
  [720, [1280, 720, 3_300_000]],
  [1080, [1920, 1080, 5_500_000]],
  [1440, [2560, 1440, 12_000_000]],
  [2160, [3840, 2160, 18_000_000]],
]);

/** The names of all rungs, from low to high. */
export const RUNG_NAMES: readonly number[] = [...RUNG_BOXES.keys()];

/** Bits a second follow the number of pixels to this power at the same quality: details of small frames cost more. */
const PIXEL_POWER = 0.75;

/**
 * A rung for frames of this size: fitted into its box, the ratio kept, even, never enlarged. `undefined`: no such rung, or one too
 * small for its codec.
 */
export function rungOf(name: number, picture: Size, rate: Rate, ladder: Ladder): Rung | undefined {
  const box = RUNG_BOXES.get(name);
  if (!box) return undefined;
  const codec = CODECS[ladder];
  const [maxWidth, maxHeight, maxBitrate] = box;
  const scale = Math.min(1, maxWidth / picture.width, maxHeight / picture.height);
  const size = {
    width: even(picture.width * scale, Math.min(maxWidth, picture.width)),
    height: even(picture.height * scale, Math.min(maxHeight, picture.height)),
  };
  if (Math.min(size.width, size.height) < codec.side) return undefined;
  const filled = (size.width * size.height) / (maxWidth * maxHeight);
  const boxRate = Math.round(maxBitrate * codec.bitrateRatio);
  const maxrate = Math.round(boxRate * Math.min(1, filled) ** PIXEL_POWER);
  return { name, ladder, ...size, maxrate, boxRate, level: levelOf(codec, size, rate) };
}

/** The rungs that a master playlist names, from low to high, without those that have the same size as a lower one. */
export function ladderOf(
  names: readonly number[],
  picture: Size,
  rate: Rate,
  ladder: Ladder,
): readonly Rung[] {
  const rungs: Rung[] = [];
  for (const name of [...new Set(names)].sort((a, b) => a - b)) {
    if (!RUNG_BOXES.has(name)) {
      throw new MediaError("EINVAL", `sr: Expected ${RUNG_NAMES.join(", ")} but received ${name}`);
    }
    const rung = rungOf(name, picture, rate, ladder);
    if (!rung) continue;
    const below = rungs.at(-1);
    if (below?.width !== rung.width || below.height !== rung.height) rungs.push(rung);
  }
  return rungs;
}

/** The codec string of a rung that is encoded (RFC 6381). */
export const codecOf = ({ ladder, level }: Rung) => CODECS[ladder].name(level);

/** Name of the track of a rung: `360`, `360-av1`. */
export const trackNameOf = ({ name, ladder }: Rung) =>
  ladder === "h264" ? String(name) : `${name}-${ladder}`;

/**
 * A rung that is encoded. Its rates are known before anything is encoded: each segment begins with a buffer of a second, so it has at
 * most that on top of the rate. Frames that need all that they can get used 36 to 48 % of the buffer (noise, segments of 1 to 10 s).
 */
export const encodedVariant = (rung: Rung, segmentSeconds: number): Variant => ({
  ...rung,
  codec: codecOf(rung),
  average: Math.ceil(rung.maxrate * (1 + 0.5 / segmentSeconds) * 1.02),
  peak: Math.ceil(rung.maxrate * (1 + 1 / segmentSeconds) * 1.02),
});

const even = (length: number, limit: number) =>
  Math.max(2, Math.min(Math.round(length / 2) * 2, Math.floor(limit / 2) * 2));
