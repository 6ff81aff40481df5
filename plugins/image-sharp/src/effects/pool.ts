import { extname } from "node:path";
import { DEFAULT_LIMITS, isMediaError, MediaError } from "@mediatap/core";
import { inThread } from "@mediatap/core/decode";
import type { Pixels } from "../pixels/buffer.ts";
import type { PixelModule, Samples } from "./samples.ts";

// Work on pixels that libvips has no operation for runs in threads of the process.

/** Milliseconds after which a thread without work ends. */
const IDLE_TIMEOUT_MS = 10_000;

/** The thread's program lies beside this module, as source or as built. */
const program = new URL(`./program${extname(import.meta.url)}`, import.meta.url);

export interface Bounds {
  readonly signal: AbortSignal;
  /** Milliseconds that the work may take; it may wait as long before. */
  readonly milliseconds: number;
}

/** Work of a module of this folder, for a thread. Plain data. */
export interface ThreadWork {
  readonly module: string;
  readonly options: unknown;
}

/** `module`: name of the file, `M`: its type. */
export const threadWork = <M extends PixelModule>(
  module: string,
  options: Parameters<M["pixels"]>[1],
): ThreadWork => ({ module, options });

/** Its result. Throws the signal's reason or `ETIMEDOUT` at once; the work then stops where it is. */
export async function offLoop(
  work: ThreadWork,
  picture: Pixels,
  { signal, milliseconds }: Bounds,
): Promise<Pixels> {
  const limits = { ...DEFAULT_LIMITS, imageWork: milliseconds, queueWait: milliseconds };
  // A view would be copied with all of the buffer that it is part of.
  const isPart = picture.data.byteLength < picture.data.buffer.byteLength;
  const data = isPart ? new Uint8Array(picture.data) : picture.data;
  const input = { work, picture: { ...picture, data } };
  try {
    const task = { program, input, memory: 0, idleTimeout: IDLE_TIMEOUT_MS };
    const done = await inThread<Samples>(task, { signal, limits });
    return { ...done, data: Buffer.from(done.data.buffer) };
  } catch (cause) {
    signal.throwIfAborted();
    const isLate = isMediaError(cause) && cause.code === "ETIMEDOUT";
    if (isLate) throw new MediaError("ETIMEDOUT", "The image took too long to render", { cause });
    if (isMediaError(cause)) throw cause;
    throw new MediaError("EINTERNAL", "The image could not be rendered", { cause });
  }
}
