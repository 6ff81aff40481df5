import { pipeline, type Readable } from "node:stream";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import { codeOf } from "../../model/errors.ts";

/** The codings that are undone; more than one at a time is not (RFC 9110 §8.4). */
const DECODERS = { gzip: createGunzip, "x-gzip": createGunzip, br: createBrotliDecompress } as const;

export type Coding = keyof typeof DECODERS;

/** The name of a coding, in lower case; `undefined` for none. */
export function codingOf(header: string | undefined): string | undefined {
  const coding = header?.trim().toLowerCase();
  return coding === undefined || coding === "" || coding === "identity" ? undefined : coding;
}

export function isDecodable(coding: string): coding is Coding {
  return Object.hasOwn(DECODERS, coding);
}

/** Whether an error is one of zlib or Brotli. */
export function isCodingError(error: unknown): boolean {
  return /^(Z_|ERR__)/.test(codeOf(error) ?? "");
}

/** The body without its coding, decoded as it is read. `failure`: the error that its reader gets for one. */
export function decode(
  body: Readable,
  coding: Coding,
  failure: (error: Error) => Error = (error) => error,
): Readable {
  const decoder = DECODERS[coding]();
  const destroy = decoder.destroy.bind(decoder);
  decoder.destroy = (error?: Error) => destroy(error && failure(error));
  return pipeline(body, decoder, () => undefined);
}
