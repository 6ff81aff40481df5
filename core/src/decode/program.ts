import { parentPort, workerData } from "node:worker_threads";
import type { ErrorCode } from "../model/errors.ts";
import type { ThreadEnd, ThreadProgram, ThreadStart, ThreadTools } from "./thread.ts";
import { createTiff } from "./tiff.ts";
import { PAGE_BYTES, WebAssembly } from "./wasm.ts";

// Runs in a thread: one program, and one reply to each input.

const { program, module, memory } = workerData as ThreadStart;
let transfer: ArrayBuffer[] = [];
let exhausted = false;

class Problem extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

// Emscripten's allocators grow their memory by this method alone, and do with what they have where it throws.
const { prototype } = WebAssembly.Memory;
const { grow } = prototype;
prototype.grow = function (pages) {
  if (this.buffer.byteLength + pages * PAGE_BYTES > memory) {
    exhausted = true;
    throw new RangeError("Too much memory");
  }
  return grow.call(this, pages);
};

const tools: ThreadTools = {
  tiff(layout) {
    const tiff = createTiff(layout);
    transfer.push(tiff.file.buffer);
    return tiff;
  },
  fail(code, message) {
    throw new Problem(code, message);
  },
  instantiateWasm(imports, done) {
    if (!module) throw new TypeError("Expected a WebAssembly file");
    const instance = new WebAssembly.Instance(module, imports);
    done(instance, module);
    return instance.exports;
  },
};

async function work(input: unknown): Promise<ThreadEnd> {
  transfer = [];
  try {
    const { default: run } = (await import(program)) as { default: ThreadProgram<unknown, unknown> };
    return { output: await run(input, tools) };
  } catch (defect) {
    if (defect instanceof Problem) return { problem: { code: defect.code, message: defect.message } };
    return { defect: defect instanceof Error ? defect : new Error(String(defect)), exhausted };
  }
}

parentPort?.on("message", async (input: unknown) => {
  const end = await work(input);
  parentPort?.postMessage(end, "output" in end ? transfer : []);
});
