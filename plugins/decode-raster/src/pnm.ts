import type { Frame } from "./frame.ts";

/** Netpbm: PBM, PGM, PPM and PAM, https://netpbm.sourceforge.net/doc/ */
export interface PnmLayout extends Frame {
  readonly format: "pnm";
  /** Samples are written as text, as bytes, or as bits eight to a byte. */
  readonly coding: "text" | "bytes" | "bits";
  /** Samples a pixel. */
  readonly depth: number;
  /** The largest sample. */
  readonly max: number;
  /** 0 is white. */
  readonly inverted: boolean;
}

const [SPACE, NEWLINE, HASH] = [32, 10, 35];
const isSpace = (byte: number | undefined) =>
  byte === SPACE || (byte !== undefined && byte >= 9 && byte <= 13);

/** Kinds by the digit of their first line. */
const KINDS = {
  1: { coding: "text", depth: 1, bits: true },
  2: { coding: "text", depth: 1, bits: false },
  3: { coding: "text", depth: 3, bits: false },
  4: { coding: "bits", depth: 1, bits: true },
  5: { coding: "bytes", depth: 1, bits: false },
  6: { coding: "bytes", depth: 3, bits: false },
} as const;

export function readPnm(head: Uint8Array): PnmLayout | undefined {
  if (head[0] !== 0x50 || !isSpace(head[2])) return undefined;
  const digit = (head[1] ?? 0) - 48;
  if (digit === 7) return readPam(head);
  const kind = (KINDS as Partial<Record<number, (typeof KINDS)[1 | 2 | 3 | 4 | 5 | 6]>>)[digit];
  if (!kind) return undefined;
  const numbers: number[] = [];
  const words = wordsOf(head, 2);
  let start = 0;
  while (numbers.length < (kind.bits ? 2 : 3)) {
    const { word, end } = words() ?? {};
    if (word === undefined || end === undefined || !/^\d{1,9}$/.test(word)) return undefined;
    numbers.push(Number(word));
    // One character of space ends the header.
    start = end + 1;
  }
  const [width = 0, height = 0, max = 1] = numbers;
  const { coding, depth, bits: inverted } = kind;
  return checked({ width, height, max, depth, coding, start, inverted });
}

/** Words of a header, without comments. A word that the end cuts off is none. */
function wordsOf(head: Uint8Array, from: number) {
  let at = from;
  return (): { readonly word: string; readonly end: number } | undefined => {
    for (;;) {
      while (isSpace(head[at])) at++;
      if (head[at] !== HASH) break;
      while (at < head.length && head[at] !== NEWLINE) at++;
    }
    const start = at;
    while (at < head.length && !isSpace(head[at])) at++;
    if (at === head.length) return undefined;
    return { word: String.fromCharCode(...head.subarray(start, at)), end: at };
  };
}

/** A header of named lines, which `ENDHDR` ends. */
function readPam(head: Uint8Array): PnmLayout | undefined {
  const text = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString("latin1");
  const end = /(?:^|\n)ENDHDR\n/.exec(text);
  if (!end) return undefined;
  const fields = new Map<string, string>();
  for (const line of text.slice(3, end.index).split("\n")) {
    const [name = "", value = ""] = line.trim().split(/\s+/, 2);
    if (!name.startsWith("#")) fields.set(name, value);
  }
  const number = (name: string) => (/^\d{1,9}$/.test(fields.get(name) ?? "") ? Number(fields.get(name)) : 0);
  return checked({
    width: number("WIDTH"),
    height: number("HEIGHT"),
    depth: number("DEPTH"),
    max: number("MAXVAL"),
    coding: "bytes",
    start: end.index + end[0].length,
    inverted: false,
  });
}

type Read = Omit<PnmLayout, "format" | "colors" | "alpha" | "palette">;

function checked(read: Read): PnmLayout | undefined {
  const { width, height, depth, max } = read;
  if (width < 1 || height < 1 || depth < 1 || depth > 4 || max < 1 || max > 65_535) return undefined;
  const [colors, alpha] = [depth < 3 ? "grey" : "rgb", depth % 2 === 0] as const;
  return { ...read, format: "pnm", colors, alpha, palette: false };
}

/** Fills `out` with the samples. `false`: the file ends before. */
export function drawPnm(layout: PnmLayout, bytes: Uint8Array, out: Uint8Array): boolean {
  const { coding, max, inverted } = layout;
  const scale = (sample: number) => {
    const value = Math.round((Math.min(sample, max) * 255) / max);
    return inverted ? 255 - value : value;
  };
  if (coding === "bits") return drawBits(layout, bytes, out);
  if (coding === "text") return drawText(layout, bytes, out, scale);
  const size = max > 255 ? 2 : 1;
  if (layout.start + out.length * size > bytes.length) return false;
  for (let at = 0; at < out.length; at++) {
    const from = layout.start + at * size;
    out[at] = scale(
      size === 2 ? ((bytes[from] as number) << 8) | (bytes[from + 1] as number) : (bytes[from] as number),
    );
  }
  return true;
}

/** Rows begin with a byte; 1 is black. */
function drawBits({ width, height, start }: PnmLayout, bytes: Uint8Array, out: Uint8Array): boolean {
  const row = Math.ceil(width / 8);
  if (start + row * height > bytes.length) return false;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = ((bytes[start + y * row + (x >> 3)] as number) >> (7 - (x & 7))) & 1;
      out[y * width + x] = bit ? 0 : 255;
    }
  }
  return true;
}

function drawText(
  { start, inverted }: PnmLayout,
  bytes: Uint8Array,
  out: Uint8Array,
  scale: (sample: number) => number,
): boolean {
  let at = start;
  for (let to = 0; to < out.length; to++) {
    while (isSpace(bytes[at]) || bytes[at] === HASH) {
      if (bytes[at] === HASH) while (at < bytes.length && bytes[at] !== NEWLINE) at++;
      else at++;
    }
    let sample = 0;
    const first = at;
    // Bits need no space between them.
    for (let digits = 0; digits < (inverted ? 1 : 9); digits++) {
      const digit = (bytes[at] ?? 0) - 48;
      if (digit < 0 || digit > 9) break;
      sample = sample * 10 + digit;
      at++;
    }
    if (at === first) return false;
    out[to] = scale(sample);
  }
  return true;
}
