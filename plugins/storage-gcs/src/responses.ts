import { MediaError } from "@mediatap/core";
import { type FetchResponse, textOf } from "@mediatap/core/storage";
import type { z } from "zod";

/** Length of the longest body that is no media: a page of a list has a thousand names. */
export const MAX_BYTES = 4 * 1024 * 1024;

/** The body as JSON. Throws `UNIDENTIFIED` for another form than `schema`. */
export async function jsonOf<T>(response: FetchResponse, schema: z.ZodType<T>): Promise<T> {
  const text = await textOf(response, MAX_BYTES);
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new MediaError("UNIDENTIFIED", "The origin sent an invalid response", { cause });
  }
}

/** Whether a 404 speaks of the bucket. Only its words tell: the reason is `notFound` for an object as well. */
export async function isOfBucket(response: FetchResponse): Promise<boolean> {
  return /bucket does not exist/i.test(await textOf(response, MAX_BYTES));
}
