import { box, fullBox, u16, u32 } from "./boxes.ts";
import type { Beginning, Run } from "./cut.ts";
import type { Track } from "./track.ts";

/** The matrix of tracks without rotation. */
const MATRIX = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

/** What a player needs before the segments of a track (ISO 14496-12 §8.8): its description, and no samples. */
export function initOf({ width, height, timescale, avc, colour }: Track): Buffer {
  const entry = box(
    "avc1",
    u32(0),
    u16(0, 1),
    u32(0, 0, 0, 0),
    u16(width, height),
    u32(0x480000, 0x480000, 0),
    u16(1),
    Buffer.alloc(32),
    u16(0x18, 0xffff),
    box("avcC", avc.record),
    ...(colour ? [box("colr", colour)] : []),
    // Whatever the bitstream states, the pixels are square: this was checked.
    box("pasp", u32(1, 1)),
  );
  const table = box(
    "stbl",
    fullBox("stsd", 0, 0, u32(1), entry),
    fullBox("stts", 0, 0, u32(0)),
    fullBox("stsc", 0, 0, u32(0)),
    fullBox("stsz", 0, 0, u32(0, 0)),
    fullBox("stco", 0, 0, u32(0)),
  );
  const media = box(
    "mdia",
    fullBox("mdhd", 0, 0, u32(0, 0, timescale, 0), u16(0x55c4, 0)),
    fullBox("hdlr", 0, 0, u32(0), Buffer.from("vide"), u32(0, 0, 0), Buffer.from("VideoHandler\0")),
    box(
      "minf",
      fullBox("vmhd", 0, 1, u32(0, 0)),
      box("dinf", fullBox("dref", 0, 0, u32(1), fullBox("url ", 0, 1))),
      table,
    ),
  );
  const track = box(
    "trak",
    fullBox("tkhd", 0, 3, u32(0, 0, 1, 0, 0, 0, 0, 0, 0), MATRIX, u32(width * 0x10000, height * 0x10000)),
    media,
  );
  const movie = u32(0, 0, 1_000, 0, 0x10000, 0x1000000, 0, 0);
  return Buffer.concat([
    box("ftyp", Buffer.from("iso6"), u32(0), Buffer.from("iso6isommp41")),
    box(
      "moov",
      fullBox("mvhd", 0, 0, movie, MATRIX, u32(0, 0, 0, 0, 0, 0, 2)),
      track,
      box("mvex", fullBox("trex", 0, 0, u32(1, 1, 0, 0, 0))),
    ),
  ]);
}

/** Of a picture that needs none before it, and of one that does. */
const KEY_SAMPLE_FLAGS = 0x2000000;
const DELTA_SAMPLE_FLAGS = 0x1010000;

/**
 * What stands before the bytes of a segment's samples: `moof`, and the header of `mdat`. The first
 * sample of the stream is shown at 0, and `ticks` longer. `number`: of the segment, from 1 on.
 */
export function segmentHeader(
  track: Track,
  { base, ticks }: Beginning,
  { from, samples }: Run,
  number: number,
): Buffer {
  const { sizes, decoded, delays, keys } = track;
  const delay = delays[base] as number;
  const timeOf = (at: number) =>
    at === base ? 0 : (decoded[at] as number) - (decoded[base] as number) + ticks;
  const table = Buffer.allocUnsafe(16 * samples);
  let bytes = 8;
  for (let row = 0; row < samples; row++) {
    const at = from + row;
    table.writeUInt32BE(timeOf(at + 1) - timeOf(at), row * 16);
    table.writeUInt32BE(sizes[at] as number, row * 16 + 4);
    table.writeUInt32BE(keys[at] === 1 ? KEY_SAMPLE_FLAGS : DELTA_SAMPLE_FLAGS, row * 16 + 8);
    // The first frame is shown when it is decoded: those shown earlier than decoded have times below 0.
    table.writeInt32BE((delays[at] as number) - delay, row * 16 + 12);
    bytes += sizes[at] as number;
  }
  const time = Buffer.allocUnsafe(8);
  time.writeBigUInt64BE(BigInt(timeOf(from)));
  const moof = (offset: number) =>
    box(
      "moof",
      fullBox("mfhd", 0, 0, u32(number)),
      box(
        "traf",
        fullBox("tfhd", 0, 0x20000, u32(1)),
        fullBox("tfdt", 1, 0, time),
        fullBox("trun", 1, 0xf01, u32(samples, offset), table),
      ),
    );
  return Buffer.concat([moof(moof(0).length + 8), u32(bytes), Buffer.from("mdat")]);
}
