import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { type ErrorCode, MediaError, shortageOf } from "../model/errors.ts";
import type { RenderContext } from "../model/render-context.ts";
import { createSemaphore } from "../util/semaphore.ts";
import type { Tiff, TiffLayout } from "./tiff.ts";
import { type Module, WebAssembly } from "./wasm.ts";

// Decoders of files that anybody may have made run in threads: a fresh one a file, so that nothing of one file is left for the
// next, all of its memory is given back, and it can be stopped wherever it is. Only a program that takes long to load, and is
// nothing but JavaScript, keeps its thread for a while.

/** Work for a thread of its own. */
interface ThreadTask {
  /**
   * A module whose default export is a `ThreadProgram`. It may import Node's modules and libraries, but of
   * `@mediatap/core` only types: the whole server would be loaded with it.
   */
  readonly program: URL;
  /** Handed to the program: plain data and typed arrays. */
  readonly input: unknown;
  /** A WebAssembly file that the program instantiates; compiled once a process. */
  readonly wasm?: URL;
  /** Bytes to which a WebAssembly memory may grow. */
  readonly memory: number;
  /** Bytes of JavaScript's heap that it may fill; large arrays of numbers are no part of it. @default 256 MiB */
  readonly heap?: number;
  /**
   * Milliseconds for which the thread waits for the next input of the program. It keeps no process alive. Left out: it ends with
   * each input.
   */
  readonly idleTimeout?: number;
}

/** What a program is given beside its input. */
export interface ThreadTools {
  /** An empty picture to be filled; it travels back without a copy. */
  tiff(layout: TiffLayout): Tiff;
  /** Ends the work with an error for the client; anything else that is thrown is a defect, or a broken file. */
  fail(code: ErrorCode, message: string): never;
  /**
   * The compiled file of `wasm` as Emscripten's `instantiateWasm` wants it: makes an instance and hands it over.
   */
  readonly instantiateWasm: (imports: object, done: (instance: object, module: object) => unknown) => object;
}

export type ThreadProgram<In, Out> = (input: In, tools: ThreadTools) => Out | Promise<Out>;

/** What a thread starts with; inputs come as messages. */
export interface ThreadStart {
  readonly program: string;
  readonly module: Module | undefined;
  readonly memory: number;
}

export type ThreadEnd =
  | { readonly output: unknown }
  | { readonly problem: { readonly code: ErrorCode; readonly message: string } }
  | { readonly defect: unknown; readonly exhausted: boolean };

/** The thread's own program lies beside this module, as source or as built. */
const PROGRAM = new URL(`./program${extname(import.meta.url)}`, import.meta.url);

/** Default of `ThreadTask.heap`, in bytes. */
const DEFAULT_HEAP_BYTES = 256 * 1024 * 1024;

/** Milliseconds between two checks of the heap. */
const HEAP_CHECK_INTERVAL_MS = 50;

/**
 * Heap limit of V8, in megabytes: so much more that our check ends the thread first. V8 ends the whole process where a single step
 * goes beyond its own bound by more than 16 MB, as that of an array that grows does.
 */
const HARD_HEAP_LIMIT_MB = 1536;

const semaphore = createSemaphore(availableParallelism());
const modules = new Map<string, Promise<Module>>();

/**
 * Runs a program in a thread. As many run at once as there are cores; what waits longer than `limits.queueWait` is `EBUSY`, as is
 * a machine that can start no thread, what works longer than `limits.imageWork` is stopped with `ETIMEDOUT`, what needs more memory is `ELIMIT`. Rejects with the
 * signal's reason at once when nobody waits any more, and with the cause where the program fails in another way.
 */
export async function inThread<Out>(
  task: ThreadTask,
  { signal, limits }: Pick<RenderContext, "signal" | "limits">,
): Promise<Out> {
  try {
    const module = task.wasm && (await compiled(task.wasm));
    return await semaphore.run(() => run<Out>(task, module, signal, limits.imageWork), {
      signal,
      timeout: limits.queueWait,
    });
  } catch (cause) {
    // A thread or a file that the machine cannot give now: not the file's fault, as callers take what else is thrown.
    throw shortageOf(cause) ?? cause;
  }
}

/** Threads that wait for input: their program, and what has them wait no longer. */
const idle = new Map<Worker, { readonly program: string; leave(): void }>();

function startThread({ program, memory }: ThreadTask, module: Module | undefined): Worker {
  const worker = new Worker(PROGRAM, {
    workerData: { program: program.href, module, memory } satisfies ThreadStart,
    // Nothing of the server's surroundings is the decoder's business, nor does what it prints belong into the log.
    env: {},
    // By these, programs find the packages that the process has.
    execArgv: process.execArgv.filter((argument) => /^(?:--conditions=|-C)/.test(argument)),
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: HARD_HEAP_LIMIT_MB },
  });
  worker.stdout.resume();
  worker.stderr.resume();
  return worker;
}

function acquireIdle({ program }: ThreadTask): Worker | undefined {
  for (const [worker, waiting] of idle) {
    if (waiting.program !== program.href) continue;
    waiting.leave();
    worker.ref();
    return worker;
  }
  return undefined;
}

function releaseIdle(worker: Worker, { program }: ThreadTask, milliseconds: number): void {
  const end = () => {
    leave();
    void worker.terminate();
  };
  const timer = setTimeout(end, milliseconds).unref();
  const leave = () => {
    clearTimeout(timer);
    idle.delete(worker);
    worker.off("error", end).off("exit", end);
  };
  // One that ends or fails by itself is only forgotten.
  worker.on("error", end).on("exit", end);
  idle.set(worker, { program: program.href, leave });
  worker.unref();
}

/** Runs the program for so many milliseconds at most. */
async function run<Out>(
  task: ThreadTask,
  module: Module | undefined,
  callerSignal: AbortSignal,
  milliseconds: number,
): Promise<Out> {
  callerSignal.throwIfAborted();
  const worker = acquireIdle(task) ?? startThread(task, module);
  const { promise: full, watch } = watchHeap(worker, task.heap ?? DEFAULT_HEAP_BYTES);
  const over = new AbortController();
  const timer = setTimeout(
    () => over.abort(new MediaError("ETIMEDOUT", "The file took too long to decode")),
    milliseconds,
  );
  const signal = AbortSignal.any([callerSignal, over.signal]);
  let reusable = false;
  try {
    worker.postMessage(task.input);
    const exit = once(worker, "exit", { signal }).then(() => Promise.reject(new Error("The thread ended")));
    const [end] = (await Promise.race([once(worker, "message", { signal }), exit, full])) as [ThreadEnd];
    reusable = !("defect" in end);
    if ("output" in end) return end.output as Out;
    if ("problem" in end) throw new MediaError(end.problem.code, end.problem.message);
    if (end.exhausted) throw outOfMemory(end.defect);
    throw end.defect;
  } catch (cause) {
    signal.throwIfAborted();
    throw (cause as { code?: unknown } | undefined)?.code === "ERR_WORKER_OUT_OF_MEMORY"
      ? outOfMemory(cause)
      : cause;
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    over.abort();
    if (reusable && task.idleTimeout !== undefined) releaseIdle(worker, task, task.idleTimeout);
    else await worker.terminate();
  }
}

/** Rejects once a thread's heap is fuller than it may be. */
function watchHeap(worker: Worker, maxBytes: number) {
  const { promise, reject } = Promise.withResolvers<never>();
  promise.catch(() => {});
  const check = async () => {
    const { used_heap_size: used } = await worker.getHeapStatistics();
    if (used > maxBytes) reject(outOfMemory(new Error(`${used} bytes of heap`)));
  };
  // If it cannot be read, the thread has ended.
  const watch = setInterval(() => void check().catch(() => {}), HEAP_CHECK_INTERVAL_MS);
  return { promise, watch };
}

const outOfMemory = (cause: unknown) =>
  new MediaError("ELIMIT", "The file takes too much memory to decode", { cause });

/** A thread that shares a compiled module need not compile it, and begins with code that others have made fast. */
function compiled(file: URL): Promise<Module> {
  const known = modules.get(file.href);
  if (known) return known;
  const module = readFile(file).then((bytes) => WebAssembly.compile(bytes));
  modules.set(file.href, module);
  module.catch(() => modules.delete(file.href));
  return module;
}
