import { MediaError, type MediaErrorOptions } from "@mediatap/core";
import { notStarted, RETRY_SECONDS } from "./spawn.ts";

type Kind = readonly [pattern: RegExp, code: ConstructorParameters<typeof MediaError>[0], message: string];

/** Messages of ffmpeg, and what they mean; the first match counts. */
const MESSAGE_PATTERNS: readonly Kind[] = [
  [/No space left on device|Disk quota exceeded/i, "EBUSY", "The server has no space for temporary files"],
  [
    // A thread or a file that the system refuses (EAGAIN, EMFILE, ENFILE).
    /Resource temporarily unavailable|Too many open files/i,
    "EBUSY",
    "The server is busy",
  ],
  [/File too large/i, "ELIMIT", "The resulting video is too large"],
  [
    /Cannot allocate memory|bad_alloc|Error allocating|malloc.*fail/i,
    "ELIMIT",
    "The video takes too much memory",
  ],
  [
    /Unknown encoder|Encoder not found|No such filter|Unrecognized option|Option .* not found/i,
    "EUNSUPPORTED",
    "The ffmpeg of this server cannot do this",
  ],
  [
    /matches no streams|does not contain any stream|Cannot find a matching stream/i,
    "UNIDENTIFIED",
    "The source has no such stream",
  ],
  [
    /no decoder found|Unknown decoder|Decoder .*not found|not currently supported|not implemented|none \(codec/i,
    "EUNSUPPORTED",
    "The source is in a codec that is not supported",
  ],
  [
    /moov atom not found|truncat|partial file|Stream ends prematurely/i,
    "UNIDENTIFIED",
    "The video is truncated",
  ],
  [
    /Invalid data found|could not find codec parameters|error reading header|EBML header parsing failed/i,
    "UNIDENTIFIED",
    "The video is damaged, or none at all",
  ],
];

/** Exit codes of `setpriv`, `prlimit`, `nice` and the dynamic linker for a program that does not start. */
const NOT_STARTED_EXIT_CODES: ReadonlySet<number | null> = new Set([126, 127]);

/** The error for a program that failed, in words that contain no paths; its own last words are the cause. */
export function failureOf(stderr: string, code: number | null, killedBy: NodeJS.Signals | null): MediaError {
  const lines = stderr.trim().split("\n").slice(-5).join("\n");
  const options = (kind: string): MediaErrorOptions => ({
    cause: new Error(lines || `killed by ${killedBy ?? "itself"}`),
    // The request is for a video: otherwise the file is delivered as it is.
    ...(kind === "UNIDENTIFIED" && { status: 400 }),
    ...(kind === "EBUSY" && { retryAfterSeconds: RETRY_SECONDS }),
  });
  // ffmpeg handles SIGXCPU itself and exits without a message; it gets no other signal of that kind.
  if (killedBy === "SIGXCPU" || (code === 255 && lines === "")) {
    return new MediaError("ETIMEDOUT", "The video took too long", options(""));
  }
  if (killedBy === "SIGXFSZ") {
    return new MediaError("ELIMIT", "The resulting video is too large", options(""));
  }
  if (NOT_STARTED_EXIT_CODES.has(code)) return notStarted(new Error(lines));
  const kind = MESSAGE_PATTERNS.find(([pattern]) => pattern.test(stderr));
  if (kind) return new MediaError(kind[1], kind[2], options(kind[1]));
  // The system ends programs when memory runs out.
  if (killedBy === "SIGKILL") return new MediaError("EBUSY", "The server is busy", options("EBUSY"));
  return new MediaError("UNIDENTIFIED", "The video cannot be read", options("UNIDENTIFIED"));
}
