import fs from "node:fs";
import { Readable } from "node:stream";
import { promisify } from "node:util";
import { type ByteRange, codeOf } from "@mediatap/core";
import { LRUCache } from "lru-cache";
import { assertBlock, assertBody, BLOCK, Damaged, type Head, measureHead, parseHead } from "./format.ts";

/** Bodies up to this size are read whole; longer ones are sent from the file. */
const IN_MEMORY = 256 * 1024;

/** Of longer bodies only the edges of what is sent are checked before it is sent: to read them through would take too long. */
const MAX_CHECKED_BYTES = 16 * 1024 * 1024;

/** Long files that were found whole, as they were then. */
const MAX_CHECKED_FILES = 10_000;

/** Nanoseconds that a change must lie back at least, to be told from another one by its time (the clock of a file system is coarse). */
const MIN_CHANGE_AGE_NS = 1_000_000_000n;

/** Bytes of the first read: most entries are no longer. */
const FIRST = 64 * 1024;

/** Bytes of the read for a head alone. */
const HEAD = 4 * 1024;

/** Read buffers that are kept for the next. */
const SPARE = 16;

/** Neither waits for a pipe that somebody put there, nor follows a link. */
const FLAGS = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0) | (fs.constants.O_NOFOLLOW ?? 0);

const fstat = promisify(fs.fstat);
const statOf = (fd: number) => fstat(fd, { bigint: true });

/** What was read of an entry. */
export interface Entry {
  readonly head: Head;
  /** The body, where it is short enough. */
  readonly bytes: Buffer | undefined;
}

export function createReader() {
  const spare: Buffer[] = [];
  /** State of each file when it was read through last. */
  const checked = new LRUCache<string, string>({ max: MAX_CHECKED_FILES });

  /** The entry in a file, checked; `undefined`: there is no file. Throws `Damaged`, or as the file system does. */
  async function read(path: string): Promise<Entry | undefined> {
    const fd = await open(path);
    if (fd === undefined) return undefined;
    const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(FIRST);
    try {
      const { head, begun } = await headOf(fd, buffer);
      if (begun.byteLength > head.size) throw new Damaged();
      if ((head.bodyLength ?? 0) > IN_MEMORY) {
        await checkLong(fd, path, head);
        return { head, bytes: undefined };
      }
      return { head, bytes: await restOf(fd, head, begun) };
    } finally {
      if (spare.length < SPARE) spare.push(buffer);
      // At once: what was only read is closed without waiting for a disk, and to hand it to a thread costs ten times more.
      fs.closeSync(fd);
    }
  }

  /** The body of a short entry whose beginning is there already, in a buffer that others will use. */
  async function restOf(fd: number, head: Head, begun: Buffer): Promise<Buffer | undefined> {
    const { bodyLength, start, size } = head;
    if (bodyLength === undefined) return undefined;
    const bytes = Buffer.allocUnsafeSlow(bodyLength);
    const there = begun.copy(bytes, 0, Math.min(start, begun.byteLength));
    if (begun.byteLength < size || begun.byteLength === FIRST) await assertSize(fd, size);
    if (there < bodyLength) await fill(fd, bytes.subarray(there), start + there);
    assertBody(head, bytes);
    return bytes;
  }

  /**
   * A long body is read through before any of it is sent, unless nobody has changed the file since that was done last: each write
   * changes its time.
   */
  async function checkLong(fd: number, path: string, head: Head): Promise<void> {
    const { bodyLength = 0, size } = head;
    const stats = await assertSize(fd, size);
    if (bodyLength > MAX_CHECKED_BYTES) return;
    const state = `${stats.ino} ${stats.mtimeNs} ${stats.ctimeNs}`;
    if (checked.get(path) === state) return;
    const buffer = Buffer.allocUnsafeSlow(BLOCK);
    for (let at = 0; at * BLOCK < bodyLength; at++) await readBlock(fd, head, at, buffer);
    const isSettled = BigInt(Date.now()) * 1_000_000n - stats.ctimeNs > MIN_CHANGE_AGE_NS;
    if (isSettled) checked.set(path, state);
    else checked.delete(path);
  }

  return {
    read,
    /** The head of the entry in a file, of which the body is not read. `undefined`: there is no file. Throws as `read`. */
    async head(path: string): Promise<Head | undefined> {
      const fd = await open(path);
      if (fd === undefined) return undefined;
      try {
        return (await headOf(fd, Buffer.allocUnsafe(HEAD))).head;
      } finally {
        fs.closeSync(fd);
      }
    },
    /** Opens the body of an entry that was found before. `undefined`: it is not there any more. */
    async stream(path: string, { isSame, onFailure, range }: StreamOptions): Promise<Readable | undefined> {
      const fd = await open(path);
      if (fd === undefined) return undefined;
      try {
        const { head } = await headOf(fd, Buffer.allocUnsafeSlow(FIRST));
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

export interface StreamOptions {
  /** Whether the entry that is there now is the one that was found. */
  isSame(head: Head): boolean;
  /** Called when reading fails, before the reader learns of it. */
  onFailure(error: unknown): Promise<void>;
  readonly range: ByteRange | undefined;
}

interface BodyFile extends Pick<StreamOptions, "range" | "onFailure"> {
  readonly head: Head;
  readonly bodyLength: number;
}

/** The head of a file, and the bytes at its beginning that fit into a buffer. */
async function headOf(fd: number, buffer: Buffer): Promise<{ head: Head; begun: Buffer }> {
  const begun = buffer.subarray(0, await readAt(fd, buffer, 0));
  const length = measureHead(begun);
  if (length <= begun.byteLength) return { head: parseHead(begun), begun };
  // Before memory is taken for it.
  if (Number((await statOf(fd)).size) < length) throw new Damaged();
  const whole = Buffer.allocUnsafeSlow(length);
  await fill(fd, whole, 0);
  return { head: parseHead(whole), begun };
}

/** The first and the last block of what is to be sent are right. */
async function checkEdges(fd: number, { head, bodyLength, range }: BodyFile): Promise<void> {
  const { start, end } = range ?? { start: 0, end: bodyLength - 1 };
  for (const at of new Set([start, end].map((byte) => Math.floor(byte / BLOCK)))) {
    await readBlock(fd, head, at, Buffer.allocUnsafeSlow(BLOCK));
  }
}

/** A block of the body, checked, at the beginning of a buffer. */
async function readBlock(fd: number, head: Head, at: number, buffer: Buffer): Promise<Buffer> {
  const { bodyLength = 0, start } = head;
  const block = buffer.subarray(0, Math.min(BLOCK, bodyLength - at * BLOCK));
  await fill(fd, block, start + at * BLOCK);
  assertBlock(head, at, block);
  return block;
}

/** Sends a body from its file, block by block, each checked before. It closes the file. */
function streamOf(fd: number, { head, bodyLength, range, onFailure }: BodyFile): Readable {
  const { start, end } = range ?? { start: 0, end: bodyLength - 1 };
  let at = Math.floor(start / BLOCK);
  let reading: Promise<void> = Promise.resolve();

  async function next(): Promise<Buffer | null> {
    const from = at * BLOCK;
    if (from > end) return null;
    const length = Math.min(BLOCK, bodyLength - from);
    const block = await readBlock(fd, head, at++, Buffer.allocUnsafeSlow(length));
    return block.subarray(Math.max(0, start - from), end + 1 - from);
  }

  return new Readable({
    highWaterMark: BLOCK,
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
      // Not while it is read: the number could be that of another file by then.
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
    fs.open(path, FLAGS, (error, fd) => {
      if (!error) resolve(fd);
      else if (codeOf(error) === "ENOENT") resolve(undefined);
      // A link, or a socket: nothing that we wrote.
      else reject(["ELOOP", "EMLINK", "ENXIO"].includes(codeOf(error) ?? "") ? new Damaged() : error);
    });
  });
}

/** Throws `Damaged` where the file has not that much. */
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
