import { extname } from "node:path";
import { parentPort } from "node:worker_threads";
import type { ThreadWork } from "./pool.ts";
import type { PixelModule, Samples } from "./samples.ts";

// Runs in a thread of its own: one piece of work after the other, samples in, samples out. It loads only the modules that it needs.

const extension = extname(import.meta.url);

parentPort?.on(
  "message",
  async ({ work, picture }: { readonly work: ThreadWork; readonly picture: Samples }) => {
    const { pixels }: PixelModule<unknown> = await import(`./${work.module}${extension}`);
    const done = pixels(picture, work.options);
    parentPort?.postMessage(done, [done.data.buffer]);
  },
);
