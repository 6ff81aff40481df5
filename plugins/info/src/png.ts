import { crc32, deflateSync } from "node:zlib";
import type { Pixels } from "./pixels.ts";

const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
/** Filter `Sub` (PNG, third edition, §9.2): what a pixel adds to the one on its left, which is little in what is blurred. */
const SUB_FILTER = 1;
const RGB = 2;
const RGBA = 6;

/** A data URL of the pixels as PNG. */
export function dataUrl({ data, width, height }: Pixels): string {
  const isOpaque = data.every((value, at) => at % 4 !== 3 || value === 255);
  const channels = isOpaque ? 3 : 4;
  const rows = Buffer.alloc(height * (1 + width * channels));
  for (let y = 0, at = 0; y < height; y++) {
    rows[at++] = SUB_FILTER;
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        const from = (y * width + x) * 4 + channel;
        rows[at++] = (data[from] as number) - (x > 0 ? (data[from - 4] as number) : 0);
      }
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, isOpaque ? RGB : RGBA], 8);
  const body = [chunk("IHDR", header), chunk("IDAT", deflateSync(rows, { level: 9 })), chunk("IEND")];
  return `data:image/png;base64,${Buffer.concat([SIGNATURE, ...body]).toString("base64")}`;
}

function chunk(type: string, data: Uint8Array = Buffer.alloc(0)): Buffer {
  const content = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(content));
  return Buffer.concat([length, content, sum]);
}
