import type { Frame } from "./frame.ts";

/** "Quite OK Image Format", https://qoiformat.org/qoi-specification.pdf */
export interface QoiLayout extends Frame {
  readonly format: "qoi";
  /** Samples are in linear light. */
  readonly linear: boolean;
}

const HEADER = 14;

export function readQoi(head: Uint8Array): QoiLayout | undefined {
  if (head.length < HEADER || String.fromCharCode(...head.subarray(0, 4)) !== "qoif") return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const [width, height, channels, space] = [
    view.getUint32(4),
    view.getUint32(8),
    view.getUint8(12),
    view.getUint8(13),
  ];
  if (width === 0 || height === 0 || (channels !== 3 && channels !== 4) || space > 1) return undefined;
  const alpha = channels === 4;
  return {
    format: "qoi",
    width,
    height,
    colors: "rgb",
    alpha,
    palette: false,
    start: HEADER,
    linear: space === 1,
  };
}

/** Fills `out` with the pixels. `false`: the file ends before. */
export function drawQoi(
  { width, height, alpha, start, linear }: QoiLayout,
  bytes: Uint8Array,
  out: Uint8Array,
): boolean {
  const samples = alpha ? 4 : 3;
  const seen = new Uint8Array(64 * 4);
  const curve = linear ? LINEAR : undefined;
  let [r, g, b, a] = [0, 0, 0, 255];
  let run = 0;
  let at = start;
  const total = width * height * samples;
  for (let to = 0; to < total; to += samples) {
    if (run > 0) run--;
    else {
      if (at >= bytes.length) return false;
      const tag = bytes[at++] as number;
      if (tag >= 0xfe) {
        r = bytes[at++] ?? 0;
        g = bytes[at++] ?? 0;
        b = bytes[at++] ?? 0;
        if (tag === 0xff) a = bytes[at++] ?? 0;
      } else if (tag < 0x40) {
        r = seen[tag * 4] as number;
        g = seen[tag * 4 + 1] as number;
        b = seen[tag * 4 + 2] as number;
        a = seen[tag * 4 + 3] as number;
      } else if (tag < 0x80) {
        r = (r + ((tag >> 4) & 3) - 2) & 255;
        g = (g + ((tag >> 2) & 3) - 2) & 255;
        b = (b + (tag & 3) - 2) & 255;
      } else if (tag < 0xc0) {
        const green = (tag & 63) - 32;
        const others = bytes[at++] ?? 0;
        r = (r + green + (others >> 4) - 8) & 255;
        g = (g + green) & 255;
        b = (b + green + (others & 15) - 8) & 255;
      } else run = tag & 63;
      seen.set([r, g, b, a], ((r * 3 + g * 5 + b * 7 + a * 11) % 64) * 4);
    }
    out[to] = curve ? (curve[r] as number) : r;
    out[to + 1] = curve ? (curve[g] as number) : g;
    out[to + 2] = curve ? (curve[b] as number) : b;
    if (alpha) out[to + 3] = a;
  }
  return at <= bytes.length;
}

/** Linear light to sRGB (IEC 61966-2-1). */
const LINEAR = Uint8Array.from({ length: 256 }, (_, value) => {
  const light = value / 255;
  return Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
});
