import { availableParallelism } from "node:os";
import { createSemaphore, type RenderContext, type Source } from "@mediatap/core";
import { memoizeInspector } from "@mediatap/core/decode";
import { HEADER, headerOf, Unfit, unfitFor } from "./boxes.ts";
import { type Reader, readerOf } from "./reader.ts";
import { bytesOf } from "./samples.ts";
import { type Track, trackOf } from "./track.ts";

/** Bytes of an index that is read: of ten hours with much sound they are about 20 MB. */
const MAX_INDEX_BYTES = 24 * 1024 * 1024;
/** Boxes before it. */
const MAX_BOXES = 200;
/** Bytes of tables that are kept, of all files together. */
const MAX_TABLE_BYTES = 64 * 1024 * 1024;
/** Types of boxes with which files of the MP4 family begin. */
const FIRST_BOXES = new Set(["ftyp", "moov", "mdat", "wide", "free", "skip", "pnot"]);

/** What is known of a file. */
interface Known {
  /** Why it cannot be remuxed. */
  readonly unfit?: string;
  /** Removed if there is no room. */
  track?: Track;
}

/** Indexes that are read at the same time: a flood of new files must not fill the memory. */
const semaphore = createSemaphore(2 * availableParallelism());

/** Reads the indexes of files, each once, and keeps them as long as there is room. */
export function createTracks() {
  /** Bytes of each; the most recently used are last. */
  const kept = new Map<Known, number>();
  let taken = 0;

  function keep(known: Known, track: Track): Track {
    known.track = track;
    taken += bytesOf(track) - (kept.get(known) ?? 0);
    kept.delete(known);
    kept.set(known, bytesOf(track));
    for (const [oldest, bytes] of kept) {
      if (taken <= MAX_TABLE_BYTES || oldest === known) break;
      delete oldest.track;
      kept.delete(oldest);
      taken -= bytes;
    }
    return track;
  }

  const readTrack = (source: Source, { signal, limits }: RenderContext) => {
    const reader = readerOf(source, signal);
    const work = async () => trackOf(await indexOf(reader), reader.size);
    return semaphore.run(work, { signal, timeout: limits.queueWait });
  };

  const inspect = memoizeInspector<Known>(async (source, context) => {
    try {
      const known: Known = {};
      keep(known, await readTrack(source, context));
      return known;
    } catch (error) {
      return { unfit: unfitFor(error) };
    }
  });

  /** Throws `Unfit`. */
  return async (source: Source, context: RenderContext): Promise<Track> => {
    const known = await inspect(source, context);
    if (known?.unfit !== undefined) throw new Unfit(known.unfit);
    return keep(known ?? {}, known?.track ?? (await readTrack(source, context)));
  };
}

async function indexOf({ size, read }: Reader): Promise<Buffer> {
  let at = 0;
  for (let boxes = 0; at + 8 <= size && boxes < MAX_BOXES; boxes++) {
    const head = await read(at, Math.min(HEADER, size - at));
    if (at === 0 && !FIRST_BOXES.has(head.toString("latin1", 4, 8))) throw new Unfit("it is no MP4");
    const { type, header, length } = headerOf(head, size - at);
    if (type === "moov") {
      if (length > MAX_INDEX_BYTES) throw new Unfit("its index is too large");
      if (length > size - at) throw new Unfit("its index is cut off");
      return (await read(at, length)).subarray(header);
    }
    at += length;
  }
  throw new Unfit("it has no index");
}
