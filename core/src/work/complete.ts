import { pipeline } from "node:stream/promises";
import type { Rendition } from "../model/rendition.ts";
import type { Rendered } from "./render.ts";

/** A rendition once it is complete and in the caches. Without a client, a streaming one is read to its end here. */
export async function completeAndStored(
  { record, body, written, completion }: Rendered,
  signal: AbortSignal,
): Promise<Rendition> {
  if (!completion || !body) {
    await written;
    return { record, ...(body ? { body } : {}) };
  }
  await pipeline(await body.stream(), readAll, { signal });
  const { record: complete, body: bytes, written: stored } = await completion;
  await stored;
  return { record: complete, ...(bytes && { body: bytes }) };
}

async function readAll(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of chunks);
}
