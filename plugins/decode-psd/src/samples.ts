import type { PsdFile } from "./file.ts";

/** Channels as they are in a file → interleaved samples of 8 bits, as a TIFF has them. */
export function convert(file: PsdFile, planes: Uint8Array, row: number, pixels: Uint8Array): void {
  const { width, height, mode, colorChannels, transparent } = file;
  if (mode === "indexed") {
    fromPalette(file, planes, row, pixels);
    return;
  }
  const samples = colorChannels + (transparent ? 1 : 0);
  for (let channel = 0; channel < samples; channel++) {
    const read = readerOf(file, channel === colorChannels);
    for (let y = 0; y < height; y++) {
      const start = (channel * height + y) * row;
      for (let x = 0; x < width; x++) {
        pixels[(y * width + x) * samples + channel] = read(planes, start, x);
      }
    }
  }
  if (transparent) removeWhite(pixels, samples);
  if (mode === "cmyk") invert(pixels, samples);
  if (mode === "lab") fromLab(pixels, samples);
}

type Reader = (planes: Uint8Array, start: number, x: number) => number;

/** A sample as 8 bits. */
function readerOf({ depth }: PsdFile, isAlpha: boolean): Reader {
  switch (depth) {
    case 1:
      // A bit that is set is black.
      return (planes, start, x) => (((planes[start + (x >> 3)] as number) >> (7 - (x & 7))) & 1 ? 0 : 255);
    case 16:
      return (planes, start, x) => planes[start + 2 * x] as number;
    case 32:
      return (planes, start, x) => {
        const view = new DataView(planes.buffer, planes.byteOffset + start + 4 * x, 4);
        const value = Math.min(1, Math.max(0, view.getFloat32(0) || 0));
        return Math.round(255 * (isAlpha ? value : curved(value)));
      };
    default:
      return (planes, start, x) => planes[start + x] as number;
  }
}

/** A linear number with the curve of sRGB (IEC 61966-2-1). */
const curved = (value: number) => (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);

function fromPalette(file: PsdFile, planes: Uint8Array, row: number, pixels: Uint8Array): void {
  const { width, height, palette = new Uint8Array(768), clear, transparent } = file;
  const samples = pixels.length / (width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const index = planes[y * row + x] as number;
      const to = (y * width + x) * samples;
      for (let channel = 0; channel < 3; channel++)
        pixels[to + channel] = palette[channel * 256 + index] ?? 0;
      if (samples === 4) {
        pixels[to + 3] = transparent ? (planes[(height + y) * row + x] as number) : index === clear ? 0 : 255;
      }
    }
  }
}

/** Photoshop flattens clear pixels on white; this removes the white again. */
function removeWhite(pixels: Uint8Array, samples: number): void {
  for (let at = 0; at < pixels.length; at += samples) {
    const alpha = pixels[at + samples - 1] as number;
    if (alpha === 255 || alpha === 0) continue;
    for (let channel = at; channel < at + samples - 1; channel++) {
      pixels[channel] = Math.max(0, Math.round(255 - (255 * (255 - (pixels[channel] as number))) / alpha));
    }
  }
}

/** Ink is written as its absence. */
function invert(pixels: Uint8Array, samples: number): void {
  for (let at = 0; at < pixels.length; at += samples) {
    for (let channel = at; channel < at + 4; channel++) pixels[channel] = 255 - (pixels[channel] as number);
  }
}

/** From XYZ under D50 to linear sRGB (CSS Color 4, §17). */
const TO_SRGB = [
  [3.1341358, -1.617386, -0.4906622],
  [-0.9787955, 1.9161405, 0.0334427],
  [0.0719454, -0.2289914, 1.4053427],
] as const;

/** CIELAB under D50, a* and b* written as 128 more than they are, to sRGB. */
function fromLab(pixels: Uint8Array, samples: number): void {
  const cubed = (value: number) => (value > 6 / 29 ? value ** 3 : (3 * 36 * (value - 4 / 29)) / 841);
  for (let at = 0; at < pixels.length; at += samples) {
    const middle = (((pixels[at] as number) / 255) * 100 + 16) / 116;
    const x = 0.9642956 * cubed(middle + ((pixels[at + 1] as number) - 128) / 500);
    const y = cubed(middle);
    const z = 0.8251046 * cubed(middle - ((pixels[at + 2] as number) - 128) / 200);
    for (const [channel, [fromX, fromY, fromZ]] of TO_SRGB.entries()) {
      const value = Math.min(1, Math.max(0, fromX * x + fromY * y + fromZ * z));
      pixels[at + channel] = Math.round(255 * curved(value));
    }
  }
}
