import { deflateSync } from "node:zlib";

/** A Photoshop file to be written. */
export interface Psd {
  readonly width: number;
  readonly height: number;
  /** Its number in the file format: 0 bitmap, 1 grey, 2 indexed, 3 RGB, 4 CMYK, 7 channels, 8 duotone, 9 Lab. */
  readonly mode: number;
  readonly depth?: 1 | 8 | 16 | 32;
  /** A sample of a channel, as the file has it: 0–1. */
  readonly samples: readonly ((x: number, y: number) => number)[];
  readonly compression?: "raw" | "rle" | "zip" | "predicted";
  /** Color mode data: a palette. */
  readonly colors?: Uint8Array;
  readonly resources?: readonly (readonly [id: number, data: Uint8Array])[];
  /** Below 0: the channel behind the colours says where the picture is clear. */
  readonly layers?: number;
  /** Bytes that layers take. */
  readonly padding?: number;
  /** Layers are in a block of their own, as with 16 bits a channel. */
  readonly block?: "Lr16" | "Mt16";
  readonly large?: boolean;
}

export function makePsd(psd: Psd): Buffer {
  const { width, height, mode, depth = 8, samples, colors = new Uint8Array(), resources = [] } = psd;
  const { large = false } = psd;
  const head = Buffer.alloc(26);
  head.write("8BPS");
  head.writeUInt16BE(large ? 2 : 1, 4);
  head.writeUInt16BE(samples.length, 12);
  head.writeUInt32BE(height, 14);
  head.writeUInt32BE(width, 18);
  head.writeUInt16BE(depth, 22);
  head.writeUInt16BE(mode, 24);
  const blocks = resources.map(([id, data]) => {
    const start = Buffer.alloc(12);
    start.write("8BIM");
    start.writeUInt16BE(id, 4);
    start.writeUInt32BE(data.length, 8);
    return Buffer.concat([start, data, Buffer.alloc(data.length % 2)]);
  });
  return Buffer.concat([head, sized(colors), sized(Buffer.concat(blocks)), layersOf(psd), flattened(psd)]);
}

const sized = (data: Uint8Array, wide = 4) => {
  const length = Buffer.alloc(wide);
  length.writeUInt32BE(data.length, wide - 4);
  return Buffer.concat([length, data]);
};

function layersOf({ layers = 0, padding = 0, block, large }: Psd): Buffer {
  const wide = large ? 8 : 4;
  if (layers === 0 && !block) return sized(Buffer.alloc(0), wide);
  const count = Buffer.alloc(2 + padding + (padding % 2));
  count.writeInt16BE(layers);
  if (!block) return sized(Buffer.concat([sized(count, wide), Buffer.alloc(4)]), wide);
  const tagged = (key: string, data: Buffer) => Buffer.concat([Buffer.from(`8BIM${key}`), sized(data, wide)]);
  const own = block === "Mt16" ? [tagged("Mt16", Buffer.alloc(0))] : [];
  const all = [
    Buffer.alloc(wide),
    Buffer.alloc(4),
    ...own,
    tagged("Lr16", Buffer.concat([count, Buffer.alloc(2)])),
  ];
  return sized(Buffer.concat(all), wide);
}

function flattened(psd: Psd): Buffer {
  const { width, height, depth = 8, samples, compression = "rle", large } = psd;
  const rows: Buffer[] = samples.flatMap((sample) =>
    Array.from({ length: height }, (_, y) =>
      rowOf(
        Array.from({ length: width }, (_, x) => sample(x, y)),
        depth,
      ),
    ),
  );
  const kind = Buffer.from([0, ["raw", "rle", "zip", "predicted"].indexOf(compression)]);
  if (compression === "raw") return Buffer.concat([kind, ...rows]);
  if (compression === "zip") return Buffer.concat([kind, deflateSync(Buffer.concat(rows))]);
  if (compression === "predicted") {
    return Buffer.concat([kind, deflateSync(Buffer.concat(rows.map((row) => apart(row, depth))))]);
  }
  const packed = rows.map(pack);
  const wide = large ? 4 : 2;
  const lengths = Buffer.alloc(packed.length * wide);
  for (const [at, { length }] of packed.entries()) lengths.writeUIntBE(length, at * wide, wide);
  return Buffer.concat([kind, lengths, ...packed]);
}

function rowOf(values: readonly number[], depth: number): Buffer {
  const row = Buffer.alloc(Math.ceil((values.length * depth) / 8));
  for (const [x, value] of values.entries()) {
    if (depth === 1) row[x >> 3] = (row[x >> 3] as number) | ((value > 0.5 ? 1 : 0) << (7 - (x & 7)));
    else if (depth === 8) row[x] = Math.round(value * 255);
    else if (depth === 16) row.writeUInt16BE(Math.round(value * 65_535), x * 2);
    else row.writeFloatBE(value, x * 4);
  }
  return row;
}

/** Runs where bytes repeat, else as they are. */
function pack(row: Buffer): Buffer {
  const parts: number[] = [];
  for (let at = 0; at < row.length; ) {
    let run = 1;
    while (run < 128 && row[at + run] === row[at]) run++;
    if (run > 1) parts.push(257 - run, row[at] as number);
    else parts.push(0, row[at] as number);
    at += run;
  }
  return Buffer.from(parts);
}

/** Distances between samples; of 32 bits, between the bytes of all samples, sorted by their position. */
function apart(row: Buffer, depth: number): Buffer {
  const out = Buffer.from(row);
  if (depth === 16) {
    for (let at = row.length - 2; at >= 2; at -= 2) {
      out.writeUInt16BE((row.readUInt16BE(at) - row.readUInt16BE(at - 2)) & 0xffff, at);
    }
    return out;
  }
  const width = row.length / 4;
  const sorted =
    depth === 32
      ? Buffer.from(Array.from(row, (_, at) => row[(at % width) * 4 + Math.floor(at / width)] as number))
      : row;
  for (let at = 0; at < row.length; at++) out[at] = (sorted[at] as number) - (sorted[at - 1] ?? 0);
  return out;
}

/** Samples of red, green / blue, white in these quarters of a picture. */
export const quarters = (width: number, height: number): ((x: number, y: number) => number)[] => {
  const quarter = (x: number, y: number) => (y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1);
  return [0, 1, 2].map((channel) => (x: number, y: number) => {
    const at = quarter(x, y);
    return at === 3 || at === channel ? 1 : 0;
  });
};
