import fs from "node:fs";
import { Readable } from "node:stream";
import { type ByteRange, codeOf, type RenditionRecord } from "@mediatap/core";
import { assertBlock, assertBody, BLOCK, Damaged, type Head, measureHead, parseHead } from "./format.ts";

/** Bodies up to this size are read whole; longer ones are sent from the file. */
export const IN_MEMORY = 256 * 1024;

/** Bodies from here on are checked only while they are sent: to read them through before would take too long. */
const CHECKED_BEFORE = 16 * 1024 * 1024;

/** Bytes of the first read: most entries are no longer. */
const FIRST = 64 * 1024;

/** Read buffers that are kept for the next. */
const SPARE = 16;

/** Neither waits for a pipe that somebody put there, nor follows a link. */
const FLAGS = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0) | (fs.constants.O_NOFOLLOW ?? 0);

/** What was read of an entry. */
export interface Entry {
  readonly head: Head;
  /** The body, where it is short enough. */
  readonly bytes: Buffer | undefined;
}

/** What was found before: less has to be parsed and copied if it is the same. */
export interface Known {
  readonly version: string;
  readonly record: RenditionRecord;
  /** Bytes of the file. */
  readonly size: number;
}

export function createReader() {
  const spare: Buffer[] = [];
  const checked = new Set<string>();

  /** The entry in a file, checked; `undefined`: there is no file. Throws `Damaged`, or as the file system does. */
  async function read(path: string, known: Known | undefined): Promise<Entry | undefined> {
    const fd = await open(path);
    if (fd === undefined) return undefined;
    // One byte more, to see whether there is more.
    const isShort = known !== undefined && known.size < IN_MEMORY;
    const buffer = isShort
      ? Buffer.allocUnsafeSlow(known.size + 1)
      : (spare.pop() ?? Buffer.allocUnsafeSlow(FIRST));
    try {
      const begun = buffer.subarray(0, await readAt(fd, buffer, 0));
      const head = await headOf(fd, begun, known);
      if (begun.byteLength > head.size) throw new Damaged();
      if ((head.bodyLength ?? 0) > IN_MEMORY) {
        await checkLong(fd, head);
        return { head, bytes: undefined };
      }
      const isWhole = isShort && begun.byteLength === head.size;
      return { head, bytes: isWhole ? wholeBody(head, begun) : await restOf(fd, head, begun) };
    } finally {
      if (!isShort && spare.length < SPARE) spare.push(buffer);
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

  /** A long body is read through when it is met first; from then on each block is checked as it is sent. */
  async function checkLong(fd: number, head: Head): Promise<void> {
    const { bodyLength = 0, start, size, version } = head;
    await assertSize(fd, size);
    if (bodyLength > CHECKED_BEFORE || checked.has(version)) return;
    const buffer = Buffer.allocUnsafeSlow(BLOCK);
    for (let at = 0; at * BLOCK < bodyLength; at++) {
      const block = buffer.subarray(0, Math.min(BLOCK, bodyLength - at * BLOCK));
      await fill(fd, block, start + at * BLOCK);
      assertBlock(head, at, block);
    }
    if (checked.size >= 10_000) checked.clear();
    checked.add(version);
  }

  return {
    read,
    /** Opens the body of an entry that was found before. `undefined`: it is not there any more. */
    async stream(path: string, { isSame, onFailure, range }: StreamOptions): Promise<Readable | undefined> {
      const fd = await open(path);
      if (fd === undefined) return undefined;
      try {
        const buffer = Buffer.allocUnsafeSlow(FIRST);
        const head = await headOf(fd, buffer.subarray(0, await readAt(fd, buffer, 0)), undefined);
        await assertSize(fd, head.size);
        if (head.bodyLength !== undefined && isSame(head))
          return streamOf(fd, { head, bodyLength: head.bodyLength, range, onFailure });
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

export type Reader = ReturnType<typeof createReader>;

/** The body of a short entry that is all there. */
function wholeBody(head: Head, file: Buffer): Buffer | undefined {
  if (head.bodyLength === undefined) return undefined;
  const bytes = file.subarray(head.start);
  assertBody(head, bytes);
  return bytes;
}

/** The head of a file whose first bytes were read. */
async function headOf(fd: number, begun: Buffer, known: Known | undefined): Promise<Head> {
  const length = measureHead(begun);
  if (length <= begun.byteLength) return parseHead(begun, known);
  await assertLength(fd, length);
  const whole = Buffer.allocUnsafeSlow(length);
  await fill(fd, whole, 0);
  return parseHead(whole, known);
}

/** Sends a body from its file, block by block, each checked before. It closes the file. */
function streamOf(fd: number, { head, bodyLength, range, onFailure }: BodyFile): Readable {
  const { start, end } = range ?? { start: 0, end: bodyLength - 1 };
  let at = Math.floor(start / BLOCK);
  let reading: Promise<void> = Promise.resolve();

  async function next(): Promise<Buffer | null> {
    const from = at * BLOCK;
    if (from > end) return null;
    const block = Buffer.allocUnsafeSlow(Math.min(BLOCK, bodyLength - from));
    await fill(fd, block, head.start + from);
    assertBlock(head, at++, block);
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

async function assertSize(fd: number, size: number): Promise<void> {
  if ((await sizeOf(fd)) !== size) throw new Damaged();
}

/** Before memory is taken for it. */
async function assertLength(fd: number, length: number): Promise<void> {
  if ((await sizeOf(fd)) < length) throw new Damaged();
}

function sizeOf(fd: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.fstat(fd, (error, stats) => (error ? reject(error) : resolve(stats.size)));
  });
}

function close(fd: number): void {
  fs.close(fd, () => {});
}
