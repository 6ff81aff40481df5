import { crc32, deflateSync, inflateSync } from "node:zlib";

/** A PNG of these pixels: `color` gives red, green, blue and alpha of each. */
export function makePng(
  width: number,
  height: number,
  color: (x: number, y: number) => readonly [red: number, green: number, blue: number, alpha: number],
): Buffer {
  const rows = Buffer.alloc(height * (1 + width * 4));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows.set(color(x, y), y * (1 + width * 4) + 1 + x * 4);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits a channel, colour with alpha (PNG, third edition, 11.2.1).
  header.set([8, 6, 0, 0, 0], 8);
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** Pixels of a picture, read back. */
export interface PngPixels {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and alpha. */
  at(x: number, y: number): [red: number, green: number, blue: number, alpha: number];
}

/** Channels by colour type (PNG, third edition, 11.2.1); palettes are not read. */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };

/** Reads a PNG of 8 bits a channel that is neither interlaced nor has a palette. */
export function readPng(file: Buffer): PngPixels {
  const [width, height] = [file.readUInt32BE(16), file.readUInt32BE(20)];
  const [depth, type, , , interlaced] = file.subarray(24, 29);
  const channels = CHANNELS[type ?? -1];
  if (depth !== 8 || !channels || interlaced) throw new TypeError("Expected a plain PNG");
  const parts: Buffer[] = [];
  for (let at = 8; at + 8 <= file.length; at += 12 + file.readUInt32BE(at)) {
    const length = file.readUInt32BE(at);
    if (file.toString("latin1", at + 4, at + 8) === "IDAT")
      parts.push(file.subarray(at + 8, at + 8 + length));
  }
  const rows = unfilter(inflateSync(Buffer.concat(parts)), width * channels, height, channels);
  return {
    width,
    height,
    at(x, y) {
      if (x < 0 || y < 0 || x >= width || y >= height)
        throw new RangeError("Expected a place in the picture");
      const sample = (part: number) => rows[(y * width + x) * channels + part] as number;
      const colored = channels > 2;
      const alpha = channels % 2 === 0 ? sample(channels - 1) : 255;
      return [sample(0), sample(colored ? 1 : 0), sample(colored ? 2 : 0), alpha];
    },
  };
}

/** Undoes the filters of rows (PNG, third edition, 9.2). */
function unfilter(data: Buffer, row: number, height: number, channels: number): Uint8Array {
  const out = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    const filter = data[y * (row + 1)];
    for (let x = 0; x < row; x++) {
      const at = y * row + x;
      const left = x >= channels ? (out[at - channels] as number) : 0;
      const up = y > 0 ? (out[at - row] as number) : 0;
      const corner = x >= channels && y > 0 ? (out[at - row - channels] as number) : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter ?? 0] as number;
      out[at] = (data[y * (row + 1) + 1 + x] as number) + guess;
    }
  }
  return out;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
