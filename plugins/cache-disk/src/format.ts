import { crc32 } from "node:zlib";
import type { StoredMetadata } from "@mediatap/core/cache";

// An entry is one file, so that record and body are always of one version:
//
//      0   8  MAGIC, with the number of this format
//      8   4  CRC-32 of the rest of the head
//     12   4  bytes of the record
//     16   8  bytes of the body; -1: there is none
//     24  16  version: random, new with each writing
//     40      record, JSON
//      …   4  CRC-32 of each block of the body
//      …      body
//
// Integers are little-endian.

const MAGIC = Buffer.from("mtrend\0\x02", "latin1");
const CHECKSUM_START = 12;
const FIXED_HEAD_BYTES = 40;
const CRC_BYTES = 4;

/** The body is summed, read and sent in blocks of this size, so that no byte is sent unchecked. */
export const BLOCK_BYTES = 64 * 1024;

/** Bytes that a file takes on a disk, in sectors. */
const SECTOR_BYTES = 4096;
export const diskBytesOf = (size: number) => Math.ceil(size / SECTOR_BYTES) * SECTOR_BYTES;

/** Longest record that is stored. */
export const MAX_RECORD_BYTES = 64 * 1024;

/** Longest body of a file: a larger length means damage. */
const MAX_BODY_BYTES = 2 ** 40;

/** The part of a file before the body. */
export interface Head {
  readonly version: string;
  readonly record: StoredMetadata;
  /** Bytes of the body; `undefined`: there is none. */
  readonly bodyLength: number | undefined;
  /** Where the body begins. */
  readonly start: number;
  /** Bytes of the file. */
  readonly size: number;
  /** CRC-32 of each block. */
  readonly sums: readonly number[];
}

/** The file is not an entry, or not as it was written. */
export class Damaged extends Error {
  override readonly name = "Damaged";
}

function blocksOf(length: number): number {
  return Math.ceil(length / BLOCK_BYTES);
}

/** Bytes before the body. */
export function headLength(recordLength: number, bodyLength: number | undefined): number {
  return FIXED_HEAD_BYTES + recordLength + CRC_BYTES * blocksOf(bodyLength ?? 0);
}

export interface HeadParts {
  readonly version: Uint8Array;
  readonly record: Uint8Array;
  readonly bodyLength: number | undefined;
  readonly sums: readonly number[];
}

/** The head as it is written. */
export function encodeHead({ version, record, bodyLength, sums }: HeadParts): Buffer {
  const head = Buffer.alloc(headLength(record.byteLength, bodyLength));
  head.set(MAGIC, 0);
  head.writeUInt32LE(record.byteLength, 12);
  head.writeBigInt64LE(BigInt(bodyLength ?? -1), 16);
  head.set(version, 24);
  head.set(record, FIXED_HEAD_BYTES);
  sums.forEach((sum, at) => {
    head.writeUInt32LE(sum, FIXED_HEAD_BYTES + record.byteLength + CRC_BYTES * at);
  });
  head.writeUInt32LE(crc32(head.subarray(CHECKSUM_START)), 8);
  return head;
}

/** Checksums of a body in memory, block by block. */
export function sumsOf(body: Uint8Array): number[] {
  return Array.from({ length: blocksOf(body.byteLength) }, (_, at) =>
    crc32(body.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES)),
  );
}

/** Bytes of the head of a file that begins so. Throws `Damaged`. */
export function measureHead(bytes: Buffer): number {
  if (bytes.byteLength < FIXED_HEAD_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new Damaged();
  const recordLength = bytes.readUInt32LE(12);
  const bodyLength = Number(bytes.readBigInt64LE(16));
  if (recordLength > MAX_RECORD_BYTES || bodyLength < -1 || bodyLength > MAX_BODY_BYTES) throw new Damaged();
  return headLength(recordLength, Math.max(0, bodyLength));
}

/** The head in a file's first bytes, of which there must be `measureHead`. Throws `Damaged`. */
export function parseHead(bytes: Buffer): Head {
  const start = measureHead(bytes);
  if (bytes.byteLength < start || crc32(bytes.subarray(CHECKSUM_START, start)) !== bytes.readUInt32LE(8))
    throw new Damaged();
  const version = bytes.toString("latin1", 24, FIXED_HEAD_BYTES);
  const recordEnd = FIXED_HEAD_BYTES + bytes.readUInt32LE(12);
  const stored = Number(bytes.readBigInt64LE(16));
  const bodyLength = stored < 0 ? undefined : stored;
  const sums: number[] = [];
  for (let at = recordEnd; at < start; at += CRC_BYTES) sums.push(bytes.readUInt32LE(at));
  const record = parseRecord(bytes.toString("utf8", FIXED_HEAD_BYTES, recordEnd));
  return { version, record, bodyLength, start, size: start + (bodyLength ?? 0), sums };
}

function parseRecord(text: string): StoredMetadata {
  try {
    return JSON.parse(text) as StoredMetadata;
  } catch {
    throw new Damaged();
  }
}

/** Throws `Damaged` if a block is not as it was written. */
export function assertBlock({ sums }: Head, at: number, block: Uint8Array): void {
  if (crc32(block) !== sums[at]) throw new Damaged();
}

/** Throws `Damaged` if a body in memory is not as it was written. */
export function assertBody(head: Head, body: Uint8Array): void {
  head.sums.forEach((_, at) => {
    assertBlock(head, at, body.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES));
  });
}
