// Boxes of ISO files (ISO 14496-12 §4.2), read and written.

/** Why a file cannot be remuxed, in words for `explain`. */
export class Unfit extends Error {}

/** Those words; throws the error again if it is about something else than the file. */
export function unfitFor(error: unknown): string {
  if (error instanceof Unfit) return error.message;
  // A table ends before what is read of it.
  if (error instanceof RangeError) return "its index is damaged";
  throw error;
}

/** A box within bytes that are there. */
export interface Box {
  readonly type: string;
  /** What stands in it. */
  readonly body: Buffer;
}

/** Boxes of one parent: no program writes more. */
const MAX_BOXES = 1_000;

/** The boxes that bytes consist of. Throws `Unfit` where they do not. */
export function boxesOf(bytes: Buffer): readonly Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const { type, header, length } = headerOf(bytes.subarray(at), bytes.length - at);
    if (length > bytes.length - at) throw new Unfit(`its index is damaged (${type})`);
    if (boxes.length >= MAX_BOXES) throw new Unfit("its index has too many parts");
    boxes.push({ type, body: bytes.subarray(at + header, at + length) });
    at += length;
  }
  return boxes;
}

/** The one child of a type. `undefined`: there is none. Throws `Unfit` where there are several. */
export function childOf(boxes: readonly Box[], type: string): Buffer | undefined {
  const matches = boxes.filter((box) => box.type === type);
  if (matches.length > 1) throw new Unfit(`its index has more than one ${type}`);
  return matches[0]?.body;
}

/** The same of one that has to be there. */
export function needed(boxes: readonly Box[], type: string): Buffer {
  const body = childOf(boxes, type);
  if (!body) throw new Unfit(`its index has no ${type}`);
  return body;
}

/** Bytes of the longest header. */
export const HEADER = 16;

/** The header of a box; `rest`: bytes from its beginning to the end of what it is in. */
export function headerOf(bytes: Buffer, rest: number) {
  const type = bytes.toString("latin1", 4, 8);
  const short = bytes.readUInt32BE(0);
  const isLong = short === 1;
  if (isLong && bytes.length < HEADER) throw new Unfit("its index is damaged");
  const header = isLong ? HEADER : 8;
  const length = isLong ? Number(bytes.readBigUInt64BE(8)) : short === 0 ? rest : short;
  if (length < header) throw new Unfit("its index is damaged");
  return { type, header, length };
}

/** A box of parts. */
export function box(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 8);
  return Buffer.concat([u32(length), Buffer.from(type, "latin1"), ...parts], length);
}

/** One with a version and flags. */
export const fullBox = (type: string, version: number, flags: number, ...parts: readonly Uint8Array[]) =>
  box(type, u32(version * 2 ** 24 + flags), ...parts);

/** Whole numbers of four bytes. */
export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4);
  return bytes;
}

/** … and of two. */
export function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 2);
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, at * 2);
  return bytes;
}
