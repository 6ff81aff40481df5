import fs from "node:fs";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { type ByteRange, codeOf } from "@mediatap/core";
import { LRUCache } from "lru-cache";
import {
  assertBlock,
  assertBody,
  BLOCK_BYTES,
  Damaged,
  type Head,
  measureHead,
  parseHead,
} from "./format.ts";

/** Bodies up to this size are read into memory; longer ones are sent from the file. */
const MAX_MEMORY_BYTES = 256 * 1024;

/** Of longer bodies only the first and the last block are checked before they are sent: checking all would take too long. */
const MAX_CHECKED_BYTES = 16 * 1024 * 1024;

/** Long files whose checked state is cached. */
const MAX_CHECKED_FILES = 10_000;

/** Minimum age of a change in nanoseconds, so that a later one has another time (the clock of a file system is coarse). */
const MIN_CHANGE_AGE_NS = 1_000_000_000n;

/** Bytes of the first read: most entries are no longer. */
const FIRST_READ_BYTES = 64 * 1024;

/** Bytes of the read for a head alone. */
const HEAD_READ_BYTES = 4 * 1024;

/** Read buffers that are reused. */
const MAX_SPARE_BUFFERS = 16;

/** Does not wait for a pipe under the name of an entry, and does not follow links. */
const OPEN_FLAGS = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0) | (fs.constants.O_NOFOLLOW ?? 0);

const fstat = promisify(fs.fstat);
const statOf = (fd: number) => fstat(fd, { bigint: true });

/** The parts of an entry that were read. */
export interface Entry {
  readonly head: Head;
  /** The body, if it is short enough. */
  readonly bytes: Buffer | undefined;
}

export function createReader() {
  const spare: Buffer[] = [];
  /** State of each file when it was checked last. */
  const checked = new LRUCache<string, string>({ max: MAX_CHECKED_FILES });

  /** The entry in a file, checked; `undefined`: there is no file. Throws `Damaged`, or as the file system does. */
  async function read(path: string): Promise<Entry | undefined> {
    const fd = await open(path);
    if (fd === undefined) return undefined;
    const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(FIRST_READ_BYTES);
    try {
      const { head, firstBytes } = await headOf(fd, buffer);
      if (firstBytes.byteLength > head.size) throw new Damaged();
      if ((head.bodyLength ?? 0) > MAX_MEMORY_BYTES) {
        await checkLongBody(fd, path, head);
        return { head, bytes: undefined };
      }
      return { head, bytes: await bodyOfShort(fd, head, firstBytes) };
    } finally {
      if (spare.length < MAX_SPARE_BUFFERS) spare.push(buffer);
      // Synchronous: closing a file that was only read waits for no disk, and the thread pool costs ten times more.
      fs.closeSync(fd);
    }
  }

  /**
   * The entry in a file that the system has in memory, synchronously: the thread pool takes five times the CPU. `undefined`: it is
   * not short any more, does not exist any more, or is damaged.
   */
  function readNow(path: string): Entry | undefined {
    let fd: number | undefined;
    const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(FIRST_READ_BYTES);
    try {
      fd = fs.openSync(path, OPEN_FLAGS);
      const firstBytes = buffer.subarray(0, fs.readSync(fd, buffer, 0, buffer.byteLength, 0));
      const head = parseHead(firstBytes);
      if (!isShort(head) || firstBytes.byteLength !== head.size) return undefined;
      if (head.bodyLength === undefined) return { head, bytes: undefined };
      const bytes = Buffer.allocUnsafeSlow(head.bodyLength);
      firstBytes.copy(bytes, 0, head.start);
      assertBody(head, bytes);
      return { head, bytes };
    } catch {
      return undefined;
    } finally {
      spare.push(buffer);
      if (fd !== undefined) fs.closeSync(fd);
    }
  }

  /** The body of a short entry whose first bytes have been read, into a buffer that will be reused. */
  async function bodyOfShort(fd: number, head: Head, firstBytes: Buffer): Promise<Buffer | undefined> {
    const { bodyLength, start, size } = head;
    if (bodyLength === undefined) return undefined;
    const bytes = Buffer.allocUnsafeSlow(bodyLength);
    const copiedBytes = firstBytes.copy(bytes, 0, Math.min(start, firstBytes.byteLength));
    if (firstBytes.byteLength < size || firstBytes.byteLength === FIRST_READ_BYTES)
      await assertSize(fd, size);
    if (copiedBytes < bodyLength) await fill(fd, bytes.subarray(copiedBytes), start + copiedBytes);
    assertBody(head, bytes);
    return bytes;
  }

  /**
   * Checks a long body before any of it is sent, unless the file has not changed since the last check: each write
   * changes its time.
   */
  async function checkLongBody(fd: number, path: string, head: Head): Promise<void> {
    const { bodyLength = 0, size } = head;
    const stats = await assertSize(fd, size);
    if (bodyLength > MAX_CHECKED_BYTES) return;
    const state = `${stats.ino} ${stats.mtimeNs} ${stats.ctimeNs}`;
    if (checked.get(path) === state) return;
    const buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    for (let at = 0; at * BLOCK_BYTES < bodyLength; at++) await readBlock(fd, head, at, buffer);
    const isReliable = BigInt(Date.now()) * 1_000_000n - stats.ctimeNs > MIN_CHANGE_AGE_NS;
    if (isReliable) checked.set(path, state);
    else checked.delete(path);
  }

  return {
    read,
    readNow,
    /** The head of the entry in a file, of which the body is not read. `undefined`: there is no file. Throws as `read`. */
    async head(path: string): Promise<Head | undefined> {
      const fd = await open(path);
      if (fd === undefined) return undefined;
      try {
        return (await headOf(fd, Buffer.allocUnsafe(HEAD_READ_BYTES))).head;
      } finally {
        fs.closeSync(fd);
      }
    },
    /** Opens the body of an entry that was read before. `undefined`: it does not exist any more. */
    async stream(path: string, { isSame, onFailure, range }: StreamOptions): Promise<Readable | undefined> {
      const fd = await open(path);
      if (fd === undefined) return undefined;
      try {
        const { head } = await headOf(fd, Buffer.allocUnsafeSlow(FIRST_READ_BYTES));
        await assertSize(fd, head.size);
        if (head.bodyLength !== undefined && isSame(head)) {
          const body = { head, bodyLength: head.bodyLength, range, onFailure };
          if (head.bodyLength > MAX_CHECKED_BYTES) await checkEdges(fd, body);
          return streamOf(fd, body);
        }
      } catch (error) {
        close(fd);
        throw error;
      }
      close(fd);
      return undefined;
    },
  };
}

/** Whether an entry is read whole by one read. */
export const isShort = ({ size }: Head) => size < FIRST_READ_BYTES;

export interface StreamOptions {
  /** Whether the current entry is the one that was read before. */
  isSame(head: Head): boolean;
  /** Called when reading fails, before the stream emits the error. */
  onFailure(error: unknown): Promise<void>;
  readonly range: ByteRange | undefined;
}

interface BodyFile extends Pick<StreamOptions, "range" | "onFailure"> {
  readonly head: Head;
  readonly bodyLength: number;
}

/** The head of a file, and the bytes at its beginning that fit into a buffer. */
async function headOf(fd: number, buffer: Buffer): Promise<{ head: Head; firstBytes: Buffer }> {
  const firstBytes = buffer.subarray(0, await readAt(fd, buffer, 0));
  const length = measureHead(firstBytes);
  if (length <= firstBytes.byteLength) return { head: parseHead(firstBytes), firstBytes };
  // Before memory is allocated for it.
  if (Number((await statOf(fd)).size) < length) throw new Damaged();
  const headBytes = Buffer.allocUnsafeSlow(length);
  await fill(fd, headBytes, 0);
  return { head: parseHead(headBytes), firstBytes };
}

/** Checks the first and the last block of a range. */
async function checkEdges(fd: number, { head, bodyLength, range }: BodyFile): Promise<void> {
  const { start, end } = range ?? { start: 0, end: bodyLength - 1 };
  for (const at of new Set([start, end].map((byte) => Math.floor(byte / BLOCK_BYTES)))) {
    await readBlock(fd, head, at, Buffer.allocUnsafeSlow(BLOCK_BYTES));
  }
}

/** A block of the body, checked, at the beginning of a buffer. */
async function readBlock(fd: number, head: Head, at: number, buffer: Buffer): Promise<Buffer> {
  const { bodyLength = 0, start } = head;
  const block = buffer.subarray(0, Math.min(BLOCK_BYTES, bodyLength - at * BLOCK_BYTES));
  await fill(fd, block, start + at * BLOCK_BYTES);
  assertBlock(head, at, block);
  return block;
}

/** Sends a body from its file in blocks that are checked first, and closes the file. */
function streamOf(fd: number, { head, bodyLength, range, onFailure }: BodyFile): Readable {
  const { start, end } = range ?? { start: 0, end: bodyLength - 1 };
  let at = Math.floor(start / BLOCK_BYTES);
  let reading: Promise<void> = Promise.resolve();

  async function next(): Promise<Buffer | null> {
    const from = at * BLOCK_BYTES;
    if (from > end) return null;
    const length = Math.min(BLOCK_BYTES, bodyLength - from);
    const block = await readBlock(fd, head, at++, Buffer.allocUnsafeSlow(length));
    return block.subarray(Math.max(0, start - from), end + 1 - from);
  }

  return new Readable({
    highWaterMark: BLOCK_BYTES,
    read() {
      reading = next().then(
        (block) => void this.push(block),
        async (error: Error) => {
          await onFailure(error);
          this.destroy(error);
        },
      );
    },
    destroy(error, done) {
      // After the read: the descriptor could belong to another file otherwise.
      void reading.then(() => {
        close(fd);
        done(error);
      });
    },
  });
}

/** `undefined`: there is no such file. */
function open(path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    fs.open(path, OPEN_FLAGS, (error, fd) => {
      if (!error) resolve(fd);
      else if (codeOf(error) === "ENOENT") resolve(undefined);
      // A link or a socket: not written by this plugin.
      else reject(["ELOOP", "EMLINK", "ENXIO"].includes(codeOf(error) ?? "") ? new Damaged() : error);
    });
  });
}

/** Throws `Damaged` if the file is shorter. */
async function fill(fd: number, buffer: Buffer, position: number): Promise<void> {
  for (let done = 0; done < buffer.byteLength; ) {
    const length = await readAt(fd, buffer.subarray(done), position + done);
    if (length === 0) throw new Damaged();
    done += length;
  }
}

function readAt(fd: number, buffer: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.read(fd, buffer, 0, buffer.byteLength, position, (error, length) => {
      if (!error) resolve(length);
      // A folder, or a pipe.
      else reject(["EISDIR", "EAGAIN", "ESPIPE"].includes(codeOf(error) ?? "") ? new Damaged() : error);
    });
  });
}

async function assertSize(fd: number, size: number): Promise<fs.BigIntStats> {
  const stats = await statOf(fd);
  if (Number(stats.size) !== size) throw new Damaged();
  return stats;
}

function close(fd: number): void {
  fs.close(fd, () => {});
}
