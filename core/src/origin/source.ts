import { once } from "node:events";
import { closeSync, createReadStream, open, read } from "node:fs";
import { PassThrough, Readable } from "node:stream";
import { promisify } from "node:util";
import { changed, codeOf, isMediaError, MediaError, shortageOf } from "../model/errors.ts";
import type {
  ByteRange,
  OpenOptions,
  Source,
  SourceMetadata,
  Storage,
  StorageEntry,
} from "../model/source.ts";
import type { Tee } from "./tee.ts";

const openFile = promisify(open);
const readInto = promisify(read);

/** Counts the bytes of sources in memory, against one budget for the process. */
export interface ByteBudget {
  acquire(bytes: number): void;
  release(bytes: number): void;
  /** Sets the limit of another configuration. */
  adopt(limit: number): void;
}

export function createByteBudget(initial: number): ByteBudget {
  let limit = initial;
  let bufferedBytes = 0;
  return {
    adopt(other) {
      limit = other;
    },
    acquire(bytes) {
      bufferedBytes += bytes;
      if (bufferedBytes <= limit) return;
      bufferedBytes -= bytes;
      throw new MediaError("EBUSY", "The server is busy", { retryAfterSeconds: 1 });
    },
    release(bytes) {
      bufferedBytes -= bytes;
    },
  };
}

interface SourceParts {
  readonly entry: StorageEntry;
  readonly metadata: SourceMetadata;
  /** Opens the file again, where the entry came from. */
  readonly open: Reopen;
  readonly budget: ByteBudget;
  /** Ends what is being read. @default never */
  readonly signal?: AbortSignal;
  /** Left out: no copy is stored. */
  readonly tee?: Tee | undefined;
  /** The body was read to its end. */
  readonly onComplete?: () => void;
  /** The connection broke while the body was read. */
  readonly onOutage?: (error: MediaError) => void;
  /** Called once, when a reader opens a stream of all bytes: whether it may have the open connection to itself. @default it may */
  readonly mayHandOver?: () => boolean;
}

/**
 * A source over what a storage opened. A local file is read in place. Anything else is read once, from the connection
 * that is open already: first what was peeked at, then the rest; only a second whole stream or a range opens it again.
 */
export function createSource(parts: SourceParts): Source {
  const { entry, metadata, open, budget, tee, signal = new AbortController().signal } = parts;
  const { mayHandOver = () => true, onOutage = () => {}, onComplete = () => {} } = parts;
  /** What was read, unless it is in `target`. */
  const head: Buffer[] = [];
  /** As long as the file: everything that is read is copied into it at once. */
  let target: Buffer | undefined;
  /** Bytes read. */
  let received = 0;
  let body: Promise<Readable> | undefined;
  let ended = false;
  let handedOver = false;
  let loading: Promise<Uint8Array> | undefined;
  let loaded = entry.bytes;
  let bufferedBytes = 0;
  let closed = false;
  /** Why reading has ended before the end: what was read after it would have a gap. */
  let failure: { readonly error: unknown } | undefined;
  let broken = false;
  let ranged: boolean | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  // One reader of a connection at a time.
  const enqueue = <T>(work: () => Promise<T>): Promise<T> => {
    const result = queue.then(work);
    queue = result.catch(() => {});
    return result;
  };

  const opened = () => {
    body ??= Promise.resolve(entry.body()).then((stream) => {
      if (closed) stream.destroy();
      stream.on("error", () => {});
      return stream;
    });
    return body;
  };

  const append = (chunk: Buffer) => {
    budget.acquire(chunk.byteLength);
    bufferedBytes += chunk.byteLength;
    if (target && received + chunk.byteLength <= target.byteLength) target.set(chunk, received);
    else head.push(chunk);
    received += chunk.byteLength;
  };

  /** What was read, in one buffer. */
  const joined = (): Buffer => {
    if (target) head.unshift(target.subarray(0, received));
    target = undefined;
    if (head.length !== 1) head.splice(0, head.length, Buffer.concat(head));
    return head[0] as Buffer;
  };

  /** Reads on until `enough` or the end; a connection that breaks is a failed download. */
  async function readUntil(enough: (length: number) => boolean): Promise<void> {
    if (failure) throw failure.error;
    if (ended || enough(received)) return;
    const stream = await opened();
    try {
      ended = await readChunks(stream, signal, (chunk) => {
        append(chunk);
        return enough(received);
      });
    } catch (error) {
      failure = { error: judged(error) };
      throw failure.error;
    }
    if (ended && metadata.size !== undefined && received !== metadata.size) throw brokeOff(undefined);
    if (ended) onComplete();
  }

  const judged = (error: unknown) => {
    if (signal.aborted) return error;
    return isMediaError(error) ? noted(error) : (shortageOf(error) ?? brokeOff(error));
  };
  const noted = (error: MediaError) => {
    if (error.outage) onOutage(error);
    broken = true;
    return error;
  };
  const brokeOff = (cause: unknown) =>
    noted(new MediaError("UNIDENTIFIED", "The origin's response is truncated", { cause, outage: true }));

  /** Why the file of this machine could not be read. */
  const unreadable = (error: unknown) =>
    codeOf(error) === "ENOENT" ? changed() : (shortageOf(error) ?? brokeOff(error));

  async function readFile(length: number): Promise<Uint8Array> {
    const descriptor = await openFile(entry.file as string, "r").catch((error: unknown) => {
      throw unreadable(error);
    });
    try {
      const { buffer, bytesRead } = await readInto(descriptor, Buffer.allocUnsafe(length), 0, length, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      // At once: a trip to the thread pool takes longer.
      closeSync(descriptor);
    }
  }

  /** Never more than the length that was promised, should the file grow meanwhile. A file that cannot be opened fails here. */
  async function readFrom(file: string, range: ByteRange | undefined): Promise<Readable> {
    if (metadata.size === 0) return Readable.from([]);
    const fullRange = metadata.size === undefined ? {} : { start: 0, end: metadata.size - 1 };
    const stream = createReadStream(file, range ?? fullRange);
    try {
      await once(stream, "open");
      return stream;
    } catch (error) {
      throw unreadable(error);
    }
  }

  const source: Source = {
    metadata,
    ...(entry.file === undefined ? {} : { file: entry.file }),
    ...(entry.bytes && { isInMemory: true }),
    async peek(length) {
      if (loaded) return loaded.subarray(0, length);
      if (entry.file !== undefined) return readFile(length);
      return enqueue(async () => {
        await readUntil((have) => have >= length);
        return joined().subarray(0, length);
      });
    },
    bytes(limit) {
      const tooLarge = () => new MediaError("ELIMIT", `Expected a file of at most ${limit} bytes`);
      if ((metadata.size ?? 0) > limit) return Promise.reject(tooLarge());
      if (loaded) return Promise.resolve(loaded);
      loading ??= enqueue(async () => {
        if (entry.file !== undefined) {
          const size = metadata.size ?? 0;
          budget.acquire(size);
          bufferedBytes += size;
          loaded = await readFile(size);
          return loaded;
        }
        if (!ended && metadata.size !== undefined && metadata.size > received) {
          const begun = joined();
          head.length = 0;
          target = Buffer.allocUnsafeSlow(metadata.size);
          target.set(begun);
        }
        await readUntil((have) => have > limit);
        if (received > limit) throw tooLarge();
        loaded = joined();
        head.length = 0;
        tee?.store(loaded);
        return loaded;
      });
      return loading;
    },
    async stream(range) {
      if (loaded) return Readable.from([range ? loaded.subarray(range.start, range.end + 1) : loaded]);
      if (entry.file !== undefined) return readFrom(entry.file, range);
      if (ended && !range && !handedOver) {
        const bytes = joined();
        tee?.store(bytes);
        return Readable.from(received > 0 ? [bytes] : []);
      }
      if (range || handedOver || failure || !mayHandOver())
        return (await openSame(open, metadata, signal, range)).body();
      handedOver = true;
      const rest = await opened();
      const out = new PassThrough();
      for (const chunk of head.splice(0)) out.write(chunk);
      rest.on("end", onComplete).on("error", (error) => {
        if (isMediaError(error)) noted(error);
        out.destroy(error);
      });
      out.on("close", () => rest.destroy());
      return tee?.along(rest.pipe(out), metadata.size) ?? rest.pipe(out);
    },
    async again(range, signal = new AbortController().signal) {
      const entry = await openSame(open, metadata, signal, range);
      if (range) ranged = entry.ranged ?? true;
      return entry.body();
    },
    ranged: () => ranged,
    isBroken: () => broken,
    async close() {
      if (closed) return;
      closed = true;
      budget.release(bufferedBytes);
      head.length = 0;
      if (body && !handedOver) await body.then((stream) => stream.destroy()).catch(() => {});
      if (!handedOver) await entry.close?.();
    },
  };
  return source;
}

type Reopen = (options: OpenOptions) => ReturnType<Storage["open"]>;

/** A file that was open before, opened again. Throws where it is no longer the same. */
export async function openSame(
  open: Reopen,
  metadata: SourceMetadata,
  signal: AbortSignal,
  range?: ByteRange,
): Promise<StorageEntry> {
  const entry = await open({ signal, range });
  if (!entry || typeof entry === "symbol" || !sameFile(entry, metadata)) {
    if (typeof entry === "object") await entry.close?.();
    throw changed();
  }
  return entry;
}

/** Whether two responses of an origin are about the same bytes, by their validators or, without any, by size and date. */
export function sameFile(a: StorageEntry | SourceMetadata, b: SourceMetadata): boolean {
  if (a.etag !== undefined && b.etag !== undefined) return a.etag === b.etag;
  return a.lastModified === b.lastModified && (a.size ?? b.size) === (b.size ?? a.size);
}

/** Reads a stream, and pauses it after the chunk for which `take` returns true. Resolves to whether it has ended. */
function readChunks(
  stream: Readable,
  signal: AbortSignal,
  onChunk: (chunk: Buffer) => boolean,
): Promise<boolean> {
  if (stream.errored) return Promise.reject(stream.errored);
  if (stream.readableEnded) return Promise.resolve(true);
  if (stream.closed) return Promise.reject(new Error("closed early"));
  return new Promise((resolve, reject) => {
    const done = () => {
      stream.off("data", onData).off("end", onEnd).off("error", fail).off("close", onClose);
      signal.removeEventListener("abort", onAbort);
    };
    const finish = (hasEnded: boolean) => {
      done();
      resolve(hasEnded);
    };
    const fail = (error: unknown) => {
      done();
      reject(error);
    };
    const onData = (chunk: Buffer) => {
      try {
        if (!onChunk(chunk)) return;
        stream.pause();
        finish(false);
      } catch (error) {
        stream.pause();
        fail(error);
      }
    };
    const onEnd = () => finish(true);
    const onClose = () => (stream.readableEnded ? finish(true) : fail(new Error("closed early")));
    const onAbort = () => {
      stream.destroy();
      fail(signal.reason);
    };
    stream.on("data", onData).on("end", onEnd).on("error", fail).on("close", onClose).resume();
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
