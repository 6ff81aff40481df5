import { pipeline } from "node:stream/promises";
import type { Delivered } from "../model/rendition.ts";
import type { Made } from "./render.ts";

/** What was made, once it is whole and caches have been handed it: what grows is read to its end, for want of a client. */
export async function wholeAndKept(
  { record, body, kept, grown }: Made,
  signal: AbortSignal,
): Promise<Delivered> {
  if (!grown || !body) {
    await kept;
    return { record, ...(body ? { body } : {}) };
  }
  await pipeline(await body.stream(), readAll, { signal });
  const { kept: keeping, ...whole } = await grown;
  await keeping;
  return whole;
}

async function readAll(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of chunks);
}
