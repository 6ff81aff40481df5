import type { RawFrame } from "@mediatap/core";
import { reduced } from "./pixels.ts";

/** A colour of a picture. */
export interface DominantColor {
  /** sRGB, as CSS has it: `#c08040`. */
  readonly color: string;
  /** Share of the picture's opaque area, 0–1. */
  readonly share: number;
}

const SAMPLED_SIDE = 100;
const MAX_COLORS = 5;
/** Smallest share of the picture. */
const MIN_SHARE = 0.01;
/** Groups that are kept apart before the largest are chosen. */
const MAX_GROUPS = 32;
/** Colours that are nearer to each other in Oklab than this are one colour of the picture. */
const MAX_COLOR_DISTANCE = 0.12;
/** Bits of a channel by which pixels are counted. */
const BITS = 4;

interface Group {
  /** Of all its pixels, weighted by alpha. */
  weight: number;
  readonly sums: [red: number, green: number, blue: number];
  /** In Oklab; of the pixels that it began with. */
  readonly center: Oklab;
}

type Oklab = readonly [lightness: number, a: number, b: number];

/** The colours that cover most of a picture, the most frequent one first; none of a picture that is clear. */
export function dominantColors(frame: RawFrame): readonly DominantColor[] {
  const groups: Group[] = [];
  for (const bin of binsOf(frame)) {
    const nearest = groups.reduce<Group | undefined>(
      (best, group) => (best && distance(best, bin) <= distance(group, bin) ? best : group),
      undefined,
    );
    const isOwn = !nearest || (distance(nearest, bin) > MAX_COLOR_DISTANCE && groups.length < MAX_GROUPS);
    if (isOwn) groups.push(bin);
    else add(nearest, bin);
  }
  const total = groups.reduce((sum, { weight }) => sum + weight, 0);
  return groups
    .sort((a, b) => b.weight - a.weight)
    .map((group) => ({
      color: hexOf(meanOf(group)),
      share: Math.round((group.weight / total) * 1000) / 1000,
    }))
    .filter(({ share }) => share >= MIN_SHARE)
    .slice(0, MAX_COLORS);
}

/** Pixels whose colours share their first bits, the most frequent ones first. */
function binsOf(frame: RawFrame): Group[] {
  const { data } = reduced(frame, SAMPLED_SIDE);
  const bins = new Map<number, { weight: number; sums: Group["sums"] }>();
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue] = [data[at] as number, data[at + 1] as number, data[at + 2] as number];
    const weight = (data[at + 3] as number) / 255;
    if (weight === 0) continue;
    const shift = 8 - BITS;
    const name = ((red >> shift) << (2 * BITS)) | ((green >> shift) << BITS) | (blue >> shift);
    const bin = bins.get(name) ?? { weight: 0, sums: [0, 0, 0] };
    bins.set(name, bin);
    add(bin, { weight, sums: [red * weight, green * weight, blue * weight] });
  }
  const sorted = [...bins].sort(([nameA, a], [nameB, b]) => b.weight - a.weight || nameA - nameB);
  return sorted.map(([, bin]) => ({ ...bin, center: oklabOf(meanOf(bin)) }));
}

function add(to: Pick<Group, "weight" | "sums">, { weight, sums }: Pick<Group, "weight" | "sums">): void {
  to.weight += weight;
  for (const channel of [0, 1, 2] as const) to.sums[channel] += sums[channel];
}

const distance = ({ center: a }: Group, { center: b }: Group) =>
  Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

const meanOf = ({ weight, sums: [red, green, blue] }: Pick<Group, "weight" | "sums">): Oklab =>
  [red / weight, green / weight, blue / weight] as const;

const hexOf = (color: readonly number[]): string =>
  `#${color.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;

/** sRGB, 0–255, in Oklab (https://bottosson.github.io/posts/oklab/), where distances are as people see them. */
function oklabOf(color: readonly [number, number, number]): Oklab {
  const [r, g, b] = color.map((value) => {
    const channel = value / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}
