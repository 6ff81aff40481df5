import { codeOf, isMediaError, MediaError } from "../model/errors.ts";
import type { FileFinding, OriginFinding } from "../model/finding.ts";
import { NOT_MODIFIED } from "../model/source.ts";
import { reasonOf } from "../util/log.ts";
import type { OriginEntry } from "./entry.ts";

/** A path that no origin has: one that works returns "not here". */
const MISSING_PATH = "mediatap-doctor/no-such-file";

/** Milliseconds that a check may take. */
export const CHECK_TIMEOUT_MS = 5_000;

/** What to do about an origin that fails, by the code of its failure. */
const ADVICE: Readonly<Record<string, string>> = {
  EACCES: "check the credentials and their permission to read this location",
  ECONNREFUSED: "check the address, the network connection and the certificate",
  UNIDENTIFIED: "check the logs of the origin for this request",
};

/** Asks an origin whether it can be used at all. */
export async function examineOrigin({ type, storage }: OriginEntry): Promise<OriginFinding> {
  if (storage.urls && !storage.check) return { state: "good", text: `${type}, hosts are named in URLs` };
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const started = performance.now();
  try {
    if (storage.check) await storage.check(signal);
    else {
      const entry = await storage.open(MISSING_PATH, { signal, head: true });
      if (typeof entry === "object") await entry.close?.();
    }
    return { state: "good", text: `${type}, responded in ${since(started)} ms` };
  } catch (error) {
    const code = codeOf(error);
    const advice = code === undefined ? undefined : ADVICE[code];
    return { state: "bad", text: `${type}: ${reasons(error)}`, ...(advice !== undefined && { advice }) };
  }
}

/** Asks an origin for a file, or a web proxy for a URL. Throws `EINVAL` for a path that no file can have. */
export async function examineFile({ storage }: OriginEntry, path: string): Promise<FileFinding> {
  const wanted = storage.urls ? urlOf(path) : pathOf(path);
  const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
  const started = performance.now();
  try {
    const entry = await storage.open(wanted, { signal, head: true });
    const milliseconds = since(started);
    if (entry === undefined || entry === NOT_MODIFIED) return { state: "missing", milliseconds };
    const { type, size, lastModified } = entry;
    await entry.close?.();
    return {
      state: "found",
      ...(type !== undefined && { type }),
      ...(size !== undefined && { size }),
      ...(lastModified !== undefined && { lastModified }),
      milliseconds,
    };
  } catch (error) {
    const code = codeOf(error);
    const text = reasons(error);
    return { state: "failed", ...(code !== undefined && { code }), text, milliseconds: since(started) };
  }
}

/** The messages of an error and its causes, for the operator. */
export function reasons(error: unknown): string {
  const code = isMediaError(error) ? `${error.code}: ` : "";
  return code + reasonOf(error);
}

const since = (started: number) => Math.round(performance.now() - started);

function pathOf(text: string): string {
  const path = text.replace(/^\/+/, "");
  const isPath = path.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (isPath && !/[\x00-\x1f\x7f]/.test(path)) return path;
  throw new MediaError("EINVAL", "path: Expected the path of a file, such as products/shoe.jpg");
}

function urlOf(text: string): string {
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return text;
  throw new MediaError("EINVAL", "path: Expected an absolute URL, such as https://www.example.com/shoe.jpg");
}
