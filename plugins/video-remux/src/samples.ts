import { type Box, childOf, needed, Unfit } from "./boxes.ts";

/** The samples of a track in the order of decoding: a table for each thing that is known of them. */
export interface Samples {
  readonly count: number;
  /** Bytes from the file's beginning. */
  readonly offsets: Float64Array;
  readonly sizes: Uint32Array;
  /** Ticks at which each is decoded; one more: at which the last one ends. */
  readonly decoded: Float64Array;
  /** Ticks from then until it is shown. */
  readonly delays: Int32Array;
  /** 1: a key frame. */
  readonly keys: Uint8Array;
  /** Tick at which the last one is shown. */
  readonly end: number;
}

/** More than two and a half hours of 60 frames a second. */
const MAX_SAMPLES = 600_000;

/** Reads the tables of a track in a file of `size` bytes (§8.6, §8.7). What they count is never believed. Throws `Unfit`. */
export function samplesOf(table: readonly Box[], size: number): Samples {
  const sizes = sizesOf(table);
  const count = sizes.length;
  const decoded = timesOf(needed(table, "stts"), count);
  const delays = delaysOf(childOf(table, "ctts"), count);
  let end = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < count; at++) end = Math.max(end, (decoded[at] as number) + (delays[at] as number));
  return {
    count,
    offsets: offsetsOf(table, sizes, size),
    sizes,
    decoded,
    delays,
    keys: keysOf(childOf(table, "stss"), count),
    end,
  };
}

/** Bytes that tables take. */
export const bytesOf = ({ count }: Samples) => count * 25;

/** Entries of a table, each of some numbers; there are as many as it counts. */
function entriesOf(body: Buffer, numbers: number) {
  const count = body.length >= 8 ? body.readUInt32BE(4) : 0;
  if (body.length < 8 || count * numbers * 4 > body.length - 8) throw damaged();
  return {
    count,
    read: (entry: number, number: number) => body.readUInt32BE(8 + (entry * numbers + number) * 4),
  };
}

function sizesOf(table: readonly Box[]): Uint32Array {
  const body = needed(table, "stsz");
  if (body.length < 12) throw damaged();
  const all = body.readUInt32BE(4);
  const count = body.readUInt32BE(8);
  if (count === 0) throw new Unfit("its index names no frames");
  if (count > MAX_SAMPLES) throw new Unfit("it has too many frames");
  if (all === 0 && count * 4 > body.length - 12) throw damaged();
  const sizes = new Uint32Array(count);
  for (let at = 0; at < count; at++) sizes[at] = all || body.readUInt32BE(12 + at * 4);
  if (sizes.includes(0)) throw new Unfit("it has empty frames");
  return sizes;
}

function timesOf(body: Buffer, count: number): Float64Array {
  const { count: entries, read } = entriesOf(body, 2);
  const times = new Float64Array(count + 1);
  let at = 0;
  for (let entry = 0; entry < entries; entry++) {
    const [samples, ticks] = [read(entry, 0), read(entry, 1)];
    if (samples > count - at) throw damaged();
    if (samples > 0 && (ticks === 0 || ticks >= 2 ** 31))
      throw new Unfit("its frames do not follow each other");
    for (const end = at + samples; at < end; at++) times[at + 1] = (times[at] as number) + ticks;
  }
  if (at !== count) throw damaged();
  return times;
}

function delaysOf(body: Buffer | undefined, count: number): Int32Array {
  const delays = new Int32Array(count);
  if (!body) return delays;
  const { count: entries, read } = entriesOf(body, 2);
  let at = 0;
  for (let entry = 0; entry < entries; entry++) {
    const samples = read(entry, 0);
    if (samples > count - at) throw damaged();
    // Version 0 has no signs, but programs write them there, too.
    delays.fill(read(entry, 1) | 0, at, at + samples);
    at += samples;
  }
  if (at !== count) throw damaged();
  return delays;
}

function keysOf(body: Buffer | undefined, count: number): Uint8Array {
  if (!body) return new Uint8Array(count).fill(1);
  const keys = new Uint8Array(count);
  const { count: entries, read } = entriesOf(body, 1);
  for (let entry = 0; entry < entries; entry++) {
    const sample = read(entry, 0) - 1;
    if (!(sample >= 0 && sample < count)) throw damaged();
    keys[sample] = 1;
  }
  return keys;
}

/** Samples lie in chunks, of which runs have the same number of them. */
function offsetsOf(table: readonly Box[], sizes: Uint32Array, size: number): Float64Array {
  const long = childOf(table, "co64");
  const chunks = entriesOf(long ?? needed(table, "stco"), long ? 2 : 1);
  const chunkAt = long
    ? (chunk: number) => chunks.read(chunk, 0) * 2 ** 32 + chunks.read(chunk, 1)
    : (chunk: number) => chunks.read(chunk, 0);
  const runs = entriesOf(needed(table, "stsc"), 3);
  const offsets = new Float64Array(sizes.length);
  let sample = 0;
  for (let run = 0; run < runs.count; run++) {
    const [first, samples, entry] = [runs.read(run, 0) - 1, runs.read(run, 1), runs.read(run, 2)];
    const next = run + 1 < runs.count ? runs.read(run + 1, 0) - 1 : chunks.count;
    if ((run === 0 && first !== 0) || next <= first || next > chunks.count || samples === 0) throw damaged();
    if (entry !== 1) throw new Unfit("its pictures are of several kinds");
    for (let chunk = first; chunk < next; chunk++) {
      if (samples > sizes.length - sample) throw damaged();
      let at = chunkAt(chunk);
      for (const end = sample + samples; sample < end; sample++) {
        offsets[sample] = at;
        at += sizes[sample] as number;
      }
      if (at > size) throw new Unfit("its index names what lies behind its end");
    }
  }
  if (sample !== sizes.length) throw damaged();
  return offsets;
}

const damaged = () => new Unfit("its index is damaged");
