import { promisify } from "node:util";
import { crc32, deflate } from "node:zlib";
import type { RawFrame } from "@mediatap/core";

const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** Colour types by channels (PNG, third edition, 11.2.1). */
const COLOUR_TYPES: Readonly<Record<number, number>> = { 1: 0, 2: 4, 3: 2, 4: 6 };

const packed = promisify<Buffer, { level: number }, Buffer>(deflate);

/** Writes frames of one size as an animated PNG that plays once. */
export function createApng(delays: readonly number[]) {
  let frame = 0;
  let sequence = 0;

  function control({ width, height }: RawFrame): Buffer {
    const data = Buffer.alloc(26);
    data.writeUInt32BE(sequence++, 0);
    data.writeUInt32BE(width, 4);
    data.writeUInt32BE(height, 8);
    data.writeUInt16BE(Math.min(65_535, delays[frame] ?? 0), 20);
    data.writeUInt16BE(1_000, 22);
    return chunk("fcTL", data);
  }

  return {
    /** Bytes that go before the first frame. */
    head({ width, height, channels }: RawFrame): Buffer {
      const header = Buffer.alloc(13);
      header.writeUInt32BE(width, 0);
      header.writeUInt32BE(height, 4);
      header.set([8, COLOUR_TYPES[channels] ?? 6], 8);
      const times = Buffer.alloc(8);
      times.writeUInt32BE(delays.length, 0);
      times.writeUInt32BE(1, 4);
      return Buffer.concat([SIGNATURE, chunk("IHDR", header), chunk("acTL", times)]);
    },
    /** The bytes of the next frame. */
    async next(raw: RawFrame): Promise<Buffer> {
      const data = await packed(rows(raw), { level: 1 });
      const first = frame === 0;
      const controls = control(raw);
      frame++;
      if (first) return Buffer.concat([controls, chunk("IDAT", data)]);
      const number = Buffer.alloc(4);
      number.writeUInt32BE(sequence++, 0);
      return Buffer.concat([controls, chunk("fdAT", Buffer.concat([number, data]))]);
    },
    end: () => chunk("IEND", Buffer.alloc(0)),
  };
}

/** Lines of pixels, each after a byte that means that it is not filtered. */
function rows({ data, width, height, channels }: RawFrame): Buffer {
  const line = width * channels;
  const out = Buffer.alloc(height * (line + 1));
  for (let y = 0; y < height; y++) out.set(data.subarray(y * line, (y + 1) * line), y * (line + 1) + 1);
  return out;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}
