import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Flight, Job } from "@mediatap/core";
import type { Graph } from "./graph.ts";
import { drawLayer } from "./layers.ts";
import { drawMask } from "./mask.ts";
import type { Extra } from "./pieces.ts";

/** Inputs beside the video, written as files into a folder. */
export interface Extras {
  readonly args: readonly string[];
  /** The label of an input. */
  label(extra: Extra): string;
}

/** Draws and writes what a graph reads beside the video. `first`: number of the first such input. */
export async function prepareExtras(
  graph: Graph,
  { job, flight, folder, first }: { job: Job; flight: Flight; folder: string; first: number },
): Promise<Extras> {
  const files: string[][] = [];
  const labels = new Map<string, string>();
  const paths = await Promise.all(
    graph.layers.map((layer, index) => drawLayer(layer, job, flight, folder, `layer-${index}`)),
  );
  for (const [index, path] of paths.entries()) {
    labels.set(`layer ${index}`, `${first + files.length}:v`);
    files.push(["-protocol_whitelist", "file", "-f", "png_pipe", "-i", `file:${path}`]);
  }
  for (const [index, mask] of graph.masks.entries()) {
    const path = join(folder, `mask-${index}`);
    await writeFile(path, drawMask(mask));
    labels.set(`mask ${index}`, `${first + files.length}:v`);
    const { width, height } = mask.size;
    files.push([
      ...["-protocol_whitelist", "file", "-f", "rawvideo", "-pixel_format", "gray"],
      ...["-video_size", `${width}x${height}`, "-framerate", "1", "-i", `file:${path}`],
    ]);
  }
  return {
    args: files.flat(),
    label({ kind, index }) {
      const found = labels.get(`${kind} ${index}`);
      if (found === undefined) throw new Error("a filter reads what is not there");
      return found;
    },
  };
}
