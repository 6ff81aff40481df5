import { extname } from "node:path";
import type { ThreadWork } from "./pool.ts";
import type { PixelModule, Samples } from "./samples.ts";

// Runs in a thread, which loads only the modules that it needs.

const extension = extname(import.meta.url);

interface Input {
  readonly work: ThreadWork;
  readonly picture: Samples;
}

export default async function run({ work: { module, options }, picture }: Input): Promise<Samples> {
  const { pixels }: PixelModule<unknown> = await import(`./${module}${extension}`);
  return pixels(picture, options);
}
