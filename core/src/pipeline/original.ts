import { Readable } from "node:stream";
import { contentType } from "mime-types";
import { MediaError } from "../model/errors.ts";
import type { Flight } from "../model/flight.ts";
import type { Job } from "../model/job.ts";
import { type Body, bodyOf } from "../model/rendition.ts";
import type { ByteRange, Source, SourceFacts, Storage } from "../model/source.ts";
import { type Reopen, reopen } from "./source.ts";

/** Originals up to this size are read whole, so that caches can keep them; larger ones only pass through. */
const SMALL = 1024 * 1024;

/** Names that promise a picture: other bytes under them are a failure of the origin, not a file to pass on. */
const PICTURE = /\.(?:jpe?g|png|webp|avif|gif)$/i;

/** May a file that no engine does anything with be delivered as it is? Throws `UNIDENTIFIED` for a picture that is none. */
export async function assertDeliverable(job: Job, source: Source, flight: Flight): Promise<void> {
  const { steps, output } = job.transformation;
  if (output.format === "original" || !PICTURE.test(source.facts.path)) return;
  if (await flight.inspect("header", source)) return;
  const status = steps.length > 0 ? { status: 400 } : {};
  throw new MediaError("UNIDENTIFIED", "The file is not a picture that can be read", status);
}

/** What runs in a page; an origin's word alone must not make a file into it. */
const RUNS = /javascript|ecmascript|typescript|jscript|livescript|wasm|text\/css|shockwave/i;

/** Media type of an original: by its name, since an origin's word must not turn a picture into a page. */
export function originalType(facts: SourceFacts): string {
  const name = facts.path.split(/[?#]/, 1)[0]?.split("/").pop() ?? "";
  const byName = name.includes(".") ? contentType(name) : false;
  return byName || safeType(facts.type) || "application/octet-stream";
}

function safeType(type: string | undefined): string | undefined {
  if (type === undefined || RUNS.test(type)) return undefined;
  return /^[\w.+-]+\/[\w.+-]+(\s*;\s*charset=[\w-]+)?$/i.test(type) ? type : undefined;
}

/** The source's own bytes as a body: in memory where they are few, else streamed from where they lie. */
export async function originalBody(source: Source): Promise<Body> {
  const { size } = source.facts;
  if (source.file === undefined && (size ?? 0) <= SMALL) {
    // Without a promised length, only reading on tells whether it is small.
    const start = await source.peek(SMALL + 1);
    if (start.byteLength <= SMALL)
      return bodyOf(await source.bytes(SMALL), (bytes) => Readable.from([bytes]));
  }
  if (source.file !== undefined && size !== undefined) {
    await source.close();
    return { settled: true, length: size, stream: (range) => source.stream(range) };
  }
  // The connection that is open already serves the first reader of the whole.
  let first: Source | undefined = source;
  const take = () => {
    const taken = first;
    first = undefined;
    return taken;
  };
  const stream = async (range?: ByteRange) =>
    (range ? undefined : await whole(take())) ?? source.again(range);
  const close = async () => take()?.close();
  return size === undefined
    ? { settled: false, stream, close }
    : { settled: true, length: size, stream, close };
}

/** A source's bytes from the start; the source is let go with the last of them, whoever else reads of it. */
async function whole(source: Source | undefined): Promise<Readable | undefined> {
  try {
    const stream = await source?.stream();
    return stream?.once("close", () => void source?.close());
  } catch (error) {
    await source?.close();
    throw error;
  }
}

/** The body of an original that only its record is left of. */
export function originalAgain(facts: SourceFacts, storage: Storage): Body | undefined {
  if (facts.size === undefined) return undefined;
  const named = facts.host === undefined ? {} : { host: facts.host };
  const open: Reopen = (options) => storage.open(facts.path, { ...named, ...options });
  const stream = (range?: ByteRange) => reopen(open, facts, new AbortController().signal, range);
  return { settled: true, length: facts.size, stream };
}
