import { type FetchResponse, MediaError } from "@mediatap/core";
import type { z } from "zod";

/** Bytes of an answer that are read at most, where it is no media: a page of a list has a thousand names. */
const LONGEST = 4 * 1024 * 1024;

/** The body as text. Throws `UNIDENTIFIED` for one that is too long, or breaks off. */
export async function textOf({ body }: FetchResponse): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST) throw invalidAnswer();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The body as JSON. Throws `UNIDENTIFIED` for another form than `schema`. */
export async function jsonOf<T>(response: FetchResponse, schema: z.ZodType<T>): Promise<T> {
  const text = await textOf(response);
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw invalidAnswer(cause);
  }
}

/** Whether a 404 speaks of the bucket. Only its words tell: the reason is `notFound` for an object as well. */
export async function isOfBucket(response: FetchResponse): Promise<boolean> {
  return /bucket does not exist/i.test(await textOf(response));
}

function invalidAnswer(cause?: unknown): MediaError {
  return new MediaError("UNIDENTIFIED", "The origin gave an invalid answer", { cause });
}
