import { once } from "node:events";
import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { createPlaces, MediaError, shortageOf } from "@mediatap/core";
import type { Pixels } from "../pixels/buffer.ts";
import type { PixelModule, Samples } from "./samples.ts";

// Threads for work on pixels that libvips has no operation for. They belong to the process: as many as there are cores,
// started when needed, ended after some rest, or at once when nobody wants the work any more. A resting one keeps no
// process alive.

/** Milliseconds after which a thread without work ends. */
const REST = 10_000;

/** The thread's program lies beside this module, as source or as built. */
const PROGRAM = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

const places = createPlaces(availableParallelism());
const resting = new Map<Worker, NodeJS.Timeout>();

export interface Bounds {
  readonly signal: AbortSignal;
  /** Milliseconds that the work may take, its wait included. */
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
export async function offLoop(work: ThreadWork, picture: Pixels, bounds: Bounds): Promise<Pixels> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new MediaError("ETIMEDOUT", "The image took too long to render")),
    bounds.milliseconds,
  );
  const stop = AbortSignal.any([bounds.signal, late.signal]);
  try {
    return await places.run(() => handOver(work, picture, stop), { signal: stop });
  } finally {
    clearTimeout(timer);
  }
}

async function handOver(work: ThreadWork, { data, ...rest }: Pixels, stop: AbortSignal): Promise<Pixels> {
  const worker = wake();
  // Memory of sharp's own cannot be handed over, so it is copied.
  const samples = new Uint8Array(data);
  try {
    worker.postMessage({ work, picture: { ...rest, data: samples } }, [samples.buffer]);
    const [done] = (await once(worker, "message", { signal: stop })) as [Samples];
    putToRest(worker);
    return { ...done, data: Buffer.from(done.data.buffer) };
  } catch (cause) {
    void worker.terminate();
    if (stop.aborted) throw stop.reason;
    throw shortageOf(cause) ?? new MediaError("EINTERNAL", "The image could not be rendered", { cause });
  }
}

function wake(): Worker {
  for (const [worker, timer] of resting) {
    clearTimeout(timer);
    resting.delete(worker);
    worker.ref();
    return worker;
  }
  const worker = new Worker(PROGRAM, { execArgv: [] });
  // Told to whoever waits for it; if nobody does, it is only forgotten.
  worker.on("error", () => {});
  worker.on("exit", () => {
    clearTimeout(resting.get(worker));
    resting.delete(worker);
  });
  return worker;
}

function putToRest(worker: Worker): void {
  worker.unref();
  resting.set(worker, setTimeout(() => void worker.terminate(), REST).unref());
}
