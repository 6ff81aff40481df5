import type { Rgba } from "@mediatap/core/steps";
import { mostCommonColor, type Rgb } from "../pixels/palette.ts";
import { inColor, type Samples } from "./samples.ts";

// sRGB (IEC 61966-2-1) → CIELAB under its own white, D65.

const LINEAR = Float64Array.from({ length: 256 }, (_, value) => {
  const channel = value / 255;
  return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
});

const LAB_EPSILON = 216 / 24389;
const LAB_KAPPA = 24389 / 27;

const curve = (t: number) => (t > LAB_EPSILON ? Math.cbrt(t) : (LAB_KAPPA * t + 16) / 116);
const uncurve = (f: number) => (f ** 3 > LAB_EPSILON ? f ** 3 : (116 * f - 16) / LAB_KAPPA);
const encode = (channel: number) =>
  255 * (channel <= 0.0031308 ? channel * 12.92 : 1.055 * channel ** (1 / 2.4) - 0.055);

interface Lab {
  l: number;
  a: number;
  b: number;
}

/** Writes the colour into `into`, so that none is made for each pixel. */
function toLab(red: number, green: number, blue: number, into: Lab): Lab {
  const r = LINEAR[red] as number;
  const g = LINEAR[green] as number;
  const b = LINEAR[blue] as number;
  const x = curve((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = curve(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = curve((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  into.l = 116 * y - 16;
  into.a = 500 * (x - y);
  into.b = 200 * (y - z);
  return into;
}

/** Writes three samples; what sRGB cannot show is cut off. */
function fromLab(l: number, a: number, b: number, data: Uint8ClampedArray, at: number): void {
  const f = (l + 16) / 116;
  const x = uncurve(f + a / 500) * 0.95047;
  const y = uncurve(f);
  const z = uncurve(f - b / 200) * 1.08883;
  data[at] = encode(3.2404542 * x - 1.5371385 * y - 0.4985314 * z);
  data[at + 1] = encode(-0.969266 * x + 1.8760108 * y + 0.041556 * z);
  data[at + 2] = encode(0.0556434 * x - 0.2040259 * y + 1.0572252 * z);
}

/** Share of the tolerance over which the effect fades, so that soft edges stay soft. */
const FADE_SHARE = 0.25;
/** Distance below which two colours are one: what rounding to 8 bits does. */
const EQUAL_DISTANCE = 0.5;

const labOf = ({ r, g, b }: Rgb) => toLab(Math.round(r), Math.round(g), Math.round(b), { l: 0, a: 0, b: 0 });

interface Options {
  readonly to: Rgba;
  readonly tolerance: number;
  readonly from?: Rgba;
}

/** Moves the colours around `from` as `from` moves to `to`. Left out, `from` is the most common colour of the first frame. */
export function pixels(picture: Samples, options: Options): Samples {
  const colored = inColor(picture, options.to.alpha < 1);
  recolor(colored, options);
  return colored;
}

/** In place, in a picture of three or four channels. */
function recolor(picture: Samples, { to, tolerance, from }: Options): void {
  const { channels } = picture;
  const { buffer, byteOffset, byteLength } = picture.data;
  const data = new Uint8ClampedArray(buffer, byteOffset, byteLength);
  const old = labOf(from ?? mostCommonColor(picture));
  const target = labOf(to);
  const shift = { l: target.l - old.l, a: target.a - old.a, b: target.b - old.b };
  const reach = Math.max(tolerance, EQUAL_DISTANCE);
  const fade = Math.max(tolerance * FADE_SHARE, EQUAL_DISTANCE);
  const lab: Lab = { l: 0, a: 0, b: 0 };
  for (let at = 0; at < data.length; at += channels) {
    toLab(data[at] as number, data[at + 1] as number, data[at + 2] as number, lab);
    const [l, a, b] = [lab.l - old.l, lab.a - old.a, lab.b - old.b];
    const distance = Math.sqrt(l * l + a * a + b * b);
    if (distance >= reach) continue;
    const weight = Math.min(1, (reach - distance) / fade);
    fromLab(lab.l + weight * shift.l, lab.a + weight * shift.a, lab.b + weight * shift.b, data, at);
    if (channels === 4 && to.alpha < 1) {
      data[at + 3] = (data[at + 3] as number) * (1 - weight * (1 - to.alpha));
    }
  }
}
