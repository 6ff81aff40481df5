import { type Avc, avcOf } from "./avc.ts";
import { type Box, boxesOf, childOf, needed, Unfit } from "./boxes.ts";
import { type Samples, samplesOf } from "./samples.ts";

/** The only picture track of a file, H.264. */
export interface Track extends Samples {
  readonly width: number;
  readonly height: number;
  /** Ticks a second. */
  readonly timescale: number;
  readonly avc: Avc;
  /** How colours are to be understood (`colr`), as it is in the file. */
  readonly colour?: Buffer;
  /** Tick at which the file's own time begins; it may lie before a tick. */
  readonly epoch: number;
}

/** Bytes of a decoder's configuration. */
const MAX_RECORD_BYTES = 64 * 1024;

/** Reads the index of a file (`moov`) of `size` bytes. Throws `Unfit`. */
export function trackOf(moov: Buffer, size: number): Track {
  const boxes = boxesOf(moov);
  if (childOf(boxes, "mvex")) throw new Unfit("it consists of fragments");
  const movie = versioned(needed(boxes, "mvhd"), 100, 112);
  const movieScale = movie.readUInt32BE(movie[0] === 1 ? 20 : 12);
  assertUpright(movie, movie[0] === 1 ? 48 : 36);
  const tracks = boxes
    .filter(({ type }) => type === "trak")
    .map(({ body }) => boxesOf(body))
    .map((track) => ({ track, media: boxesOf(needed(track, "mdia")) }))
    .filter(({ media }) => needed(media, "hdlr").toString("latin1", 8, 12) === "vide");
  const [only, another] = tracks;
  if (!only || another) throw new Unfit("it has not exactly one track of pictures");
  const { track, media } = only;
  const header = versioned(needed(track, "tkhd"), 84, 96);
  assertUpright(header, header[0] === 1 ? 52 : 40);
  const mediaHeader = versioned(needed(media, "mdhd"), 24, 36);
  const timescale = mediaHeader.readUInt32BE(mediaHeader[0] === 1 ? 20 : 12);
  if (timescale === 0 || movieScale === 0) throw new Unfit("its index counts no time");
  const table = boxesOf(needed(boxesOf(needed(media, "minf")), "stbl"));
  const samples = samplesOf(table, size);
  const { epoch, end } = edited(track, timescale, movieScale);
  if (samples.end > end) throw new Unfit("its edit list cuts frames off");
  return { ...samples, ...entryOf(needed(table, "stsd")), timescale, epoch };
}

/** A box with a version, of which two have other lengths. */
function versioned(body: Buffer, short: number, long: number): Buffer {
  if (body.length < ((body[0] as number) === 1 ? long : short)) throw new Unfit("its index is damaged");
  return body;
}

/** Throws where pictures are to be turned, mirrored or moved. */
function assertUpright(body: Buffer, at: number): void {
  const matrix = Array.from({ length: 9 }, (_, index) => body.readInt32BE(at + index * 4));
  const upright = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];
  if (!matrix.every((value, index) => value === upright[index])) throw new Unfit("it is to be turned");
}

/** The only sample description. */
function entryOf(body: Buffer) {
  const entries = boxesOf(body.subarray(8));
  const [entry] = entries;
  if (!entry || entries.length > 1) throw new Unfit("its pictures are of several kinds");
  if (entry.type !== "avc1") throw new Unfit("its pictures are not plain H.264");
  if (entry.body.length < 78) throw new Unfit("its index is damaged");
  const parts: readonly Box[] = boxesOf(entry.body.subarray(78));
  if (childOf(parts, "clap")) throw new Unfit("its pictures are to be cropped");
  const record = needed(parts, "avcC");
  if (record.length > MAX_RECORD_BYTES) throw new Unfit("its decoder's configuration is too large");
  const colour = parts.find(
    ({ type, body }) => type === "colr" && /^ncl[xc]$/.test(body.toString("latin1", 0, 4)),
  )?.body;
  return {
    width: entry.body.readUInt16BE(24),
    height: entry.body.readUInt16BE(26),
    // The index is let go of: what is kept has to be its own.
    avc: avcOf(Buffer.from(record)),
    ...(colour && { colour: Buffer.from(colour) }),
  };
}

/** When the file's own time begins and ends, in ticks of the track, by its edit list (§8.6.6). */
function edited(track: readonly Box[], timescale: number, movieScale: number) {
  const all = { epoch: 0, end: Number.POSITIVE_INFINITY };
  const edits = childOf(track, "edts");
  const list = edits && childOf(boxesOf(edits), "elst");
  if (!list) return all;
  if (list.length < 8) throw new Unfit("its edit list is damaged");
  const count = list.readUInt32BE(4);
  const isLong = list[0] === 1;
  const length = isLong ? 20 : 12;
  if (list.length < 8 + count * length) throw new Unfit("its edit list is damaged");
  if (count === 0) return all;
  if (count > 2) throw new Unfit("its edit list has several pieces");
  const read = (index: number) => {
    const at = 8 + index * length;
    const duration = isLong ? Number(list.readBigUInt64BE(at)) : list.readUInt32BE(at);
    const from = isLong ? Number(list.readBigInt64BE(at + 8)) : list.readInt32BE(at + 4);
    if (list.readUInt32BE(at + length - 4) !== 0x10000) throw new Unfit("its edit list changes its speed");
    return { ticks: (duration / movieScale) * timescale, from };
  };
  const first = read(0);
  const last = read(count - 1);
  if (count === 2 && first.from !== -1) throw new Unfit("its edit list has several pieces");
  if (last.from < 0) throw new Unfit("its edit list is empty");
  // Movies count in coarser ticks.
  const end = last.ticks === 0 ? all.end : last.from + last.ticks + timescale / movieScale;
  return { epoch: last.from - (count === 2 ? first.ticks : 0), end };
}
