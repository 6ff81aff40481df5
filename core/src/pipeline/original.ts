import { Readable } from "node:stream";
import { contentType } from "mime-types";
import { MediaError } from "../model/errors.ts";
import { type Body, bodyOf } from "../model/rendition.ts";
import type { Source, SourceFacts, Storage } from "../model/source.ts";
import { sameFile } from "./source.ts";

/** Originals up to this size are read whole, so that caches can keep them; larger ones only pass through. */
const SMALL = 1024 * 1024;

/** Media type of an original: by its name, since an origin's word must not turn a picture into a page. */
export function originalType(facts: SourceFacts): string {
  const name = facts.path.split(/[?#]/, 1)[0]?.split("/").pop() ?? "";
  const byName = name.includes(".") ? contentType(name) : false;
  return byName || safeType(facts.type) || "application/octet-stream";
}

function safeType(type: string | undefined): string | undefined {
  return type !== undefined && /^[\w.+-]+\/[\w.+-]+(\s*;\s*charset=[\w-]+)?$/i.test(type) ? type : undefined;
}

/** The source's own bytes as a body: in memory where they are few, else streamed from where they lie. */
export async function originalBody(source: Source, storage: Storage): Promise<Body> {
  const { size } = source.facts;
  if (size !== undefined && size <= SMALL && source.file === undefined) {
    return bodyOf(await source.bytes(SMALL), (bytes) => Readable.from([bytes]));
  }
  if (size === undefined) return { settled: false, stream: () => source.stream() };
  let first: Source | undefined = source;
  return {
    settled: true,
    length: size,
    async stream(range) {
      if (source.file !== undefined) return source.stream(range);
      // The connection that is open already serves the first reader of the whole.
      if (!range && first) {
        first = undefined;
        return source.stream();
      }
      return reopen(source.facts, storage, range);
    },
  };
}

/** The body of an original that only its record is left of. */
export function originalAgain(facts: SourceFacts, storage: Storage): Body | undefined {
  if (facts.size === undefined) return undefined;
  return { settled: true, length: facts.size, stream: (range) => reopen(facts, storage, range) };
}

async function reopen(facts: SourceFacts, storage: Storage, range?: { start: number; end: number }) {
  const entry = await storage.open(facts.path, {
    signal: new AbortController().signal,
    ...(range ? { range } : {}),
  });
  if (!entry || typeof entry === "symbol" || (!range && !sameFile(entry, facts))) {
    throw new MediaError("UNIDENTIFIED", "The file changed while it was read");
  }
  return entry.body();
}
