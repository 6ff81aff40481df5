import { type RenderContext, remembering, type Source } from "@mediatap/core";
import { inTurn } from "../../process/queue.ts";
import { type Bytes, openBytes } from "../../read/bytes.ts";
import { HEADER, headerOf, Unfit } from "./boxes.ts";
import { bytesOf } from "./samples.ts";
import { type Track, trackOf } from "./track.ts";

/** Bytes of an index that is read: of ten hours with much sound they are about 20 MB. */
const MOST_INDEX = 24 * 1024 * 1024;
/** Boxes before it. */
const MOST_BOXES = 200;
/** Bytes of tables that are kept, of all files together. */
const ROOM = 64 * 1024 * 1024;

/** What is known of a file. */
interface Known {
  /** Why it is not packaged as it is. */
  readonly unfit?: string;
  /** Let go of when there is no room. */
  track?: Track;
}

/** Reads what files say of their pictures, each once, and keeps it as long as there is room. */
export function createTracks(room = ROOM) {
  /** Those used last stand last. */
  const held = new Map<Known, number>();
  let taken = 0;

  function hold(known: Known, track: Track): Track {
    known.track = track;
    taken += bytesOf(track) - (held.get(known) ?? 0);
    held.delete(known);
    held.set(known, bytesOf(track));
    for (const [oldest, bytes] of held) {
      if (taken <= room || oldest === known) break;
      delete oldest.track;
      held.delete(oldest);
      taken -= bytes;
    }
    return track;
  }

  const learn = remembering<Known>(async (source, context) => {
    try {
      const known: Known = {};
      hold(known, await inTurn(context, () => readTrack(source, context)));
      return known;
    } catch (error) {
      return { unfit: unfitFor(error) };
    }
  });

  /** Throws `Unfit`. */
  return async (source: Source, context: RenderContext): Promise<Track> => {
    const known = await learn(source, context);
    if (known?.unfit !== undefined) throw new Unfit(known.unfit);
    return hold(known ?? {}, known?.track ?? (await inTurn(context, () => readTrack(source, context))));
  };
}

export type Tracks = ReturnType<typeof createTracks>;

/** Why a file is not packaged as it is; throws on what says nothing of the file. */
export function unfitFor(error: unknown): string {
  if (error instanceof Unfit) return error.message;
  // Something was to be read behind the end of a table.
  if (error instanceof RangeError) return "its index is damaged";
  throw error;
}

async function readTrack(source: Source, context: RenderContext): Promise<Track> {
  const bytes = await openBytes(source, context);
  try {
    return trackOf(await indexOf(bytes), bytes.size);
  } finally {
    await bytes.close();
  }
}

async function indexOf({ size, read }: Bytes): Promise<Buffer> {
  let at = 0;
  for (let boxes = 0; at + 8 <= size && boxes < MOST_BOXES; boxes++) {
    const { type, header, length } = headerOf(await read(at, Math.min(HEADER, size - at)), size - at);
    if (type === "moov") {
      if (length > MOST_INDEX) throw new Unfit("its index is too large");
      if (length > size - at) throw new Unfit("its index is cut off");
      return (await read(at, length)).subarray(header);
    }
    at += length;
  }
  throw new Unfit("it has no index");
}
