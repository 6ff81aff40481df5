import { type Job, MediaError, type Obtained, type PluginApi, type StreamPart } from "@mediatap/core";
import { partOfName } from "@mediatap/core/stream";
import type { MakeItem } from "./batch.ts";

/** Bytes that a playlist may have. */
const MOST = 4 * 1024 * 1024;

/** Brings a URL's rendition, and the first segments of the stream that it leads to, into the caches. */
export function createMake({ jobs: { resolve, obtain } }: Pick<PluginApi, "jobs">): MakeItem {
  return async (item, signal) => {
    for (const headers of item.clients) {
      await makeJob(await resolve(item.url, headers), item.segments, signal);
    }
  };

  async function makeJob(job: Job, segments: number, signal: AbortSignal): Promise<void> {
    const obtained = await obtain(job, { signal });
    const { links } = obtained.record;
    try {
      if (!links || segments === 0) return;
      const part = links.transformation.output.video?.part;
      if (part?.kind === "master") await makeTracks(links, part, obtained, segments, signal);
      else if (part?.kind === "playlist") await makeSegments(links, obtained, segments, signal);
    } finally {
      await obtained.body?.close?.();
    }
  }

  /** The tracks of a stream, one after the other. DASH has its segments in common with HLS, which names them one by one. */
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

/** The parts that a playlist leads to: its links are still slots with their names. */
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
    if (length > MOST) throw new MediaError("ELIMIT", "Expected a shorter playlist");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
