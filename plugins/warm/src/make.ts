import { type Job, MediaError, type Obtained, type PluginApi, type StreamPart } from "@mediatap/core";
import { partOfName } from "@mediatap/core/stream";
import type { MakeItem } from "./batch.ts";

/** Largest playlist, in bytes. */
const MAX_PLAYLIST_BYTES = 4 * 1024 * 1024;

/** Renders a URL, and the first segments of its stream, into the caches. */
export function createMake({ jobs: { resolve, obtain } }: Pick<PluginApi, "jobs">): MakeItem {
  return async (item, signal) => {
    for (const headers of item.clients) {
      await makeJob(await resolve(item.url, headers), item.segments, signal);
    }
  };

  async function makeJob(job: Job, segments: number, signal: AbortSignal): Promise<void> {
    const rendition = await obtain(job, { signal });
    const { links } = rendition.record;
    try {
      if (!links || segments === 0) return;
      const part = links.transformation.output.video?.part;
      if (part?.kind === "master") await makeTracks(links, part, rendition, segments, signal);
      else if (part?.kind === "playlist") await makeSegments(links, rendition, segments, signal);
    } finally {
      await rendition.body?.close?.();
    }
  }

  /** The tracks of a stream, one after the other. DASH shares its segments with HLS, whose playlists list them. */
  async function makeTracks(
    job: Job,
    part: Extract<StreamPart, { kind: "master" }>,
    master: Obtained,
    segments: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (part.protocol === "dash") {
      return await makeJob(partOf(job, { ...part, protocol: "hls" }), segments, signal);
    }
    for (const track of await partsIn(master)) {
      if (track.kind === "playlist") await makeJob(partOf(job, track), segments, signal);
    }
  }

  async function makeSegments(
    job: Job,
    list: Obtained,
    segments: number,
    signal: AbortSignal,
  ): Promise<void> {
    for (const part of await partsIn(list)) {
      const isWanted =
        part.kind === "init" || part.kind === "text" || (part.kind === "segment" && part.index < segments);
      if (!isWanted) continue;
      const { body } = await obtain(partOf(job, part), { signal });
      await body?.close?.();
    }
  }
}

function partOf(job: Job, part: StreamPart): Job {
  const { transformation } = job;
  const video = { ...transformation.output.video, part };
  return { ...job, transformation: { ...transformation, output: { ...transformation.output, video } } };
}

/** The parts that a playlist links to: in the cache its links are slots with the names of parts. */
async function partsIn({ body }: Obtained) {
  if (!body?.complete) return [];
  const text = Buffer.from(body.bytes ?? (await read(await body.stream()))).toString("utf8");
  const names = new Set([...text.matchAll(/\{\{([^{}]*)\}\}/g)].map(([, name = ""]) => name));
  return [...names].map(partOfName).filter((part) => part !== undefined);
}

async function read(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > MAX_PLAYLIST_BYTES) throw new MediaError("ELIMIT", "Expected a shorter playlist");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
