import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Job, RenderContext } from "@mediatap/core";
import { decoderArgs } from "../probe/colour.ts";
import type { Tools } from "../process/tools.ts";
import { openInput } from "../read/input.ts";
import { drawLayer } from "./layers.ts";
import { drawMask } from "./mask.ts";
import type { Extra, Graph, VideoLayer } from "./model.ts";
import { writeSubtitles } from "./subtitles.ts";
import { seconds } from "./units.ts";

/** Inputs beside the video. */
export interface Extras {
  readonly args: readonly string[];
  /** The label of an input: of its pictures, or of its sound. */
  label(extra: Extra, track?: "sound"): string;
  close(): Promise<void>;
}

export interface ExtrasContext {
  readonly job: Job;
  readonly renderContext: RenderContext;
  readonly tools: Tools;
  /** Where files are written; ffmpeg must work in it. */
  readonly folder: string;
  /** Number of the first such input. */
  readonly first: number;
}

/** Draws, writes and opens what a graph, with those within, reads beside the video. */
export async function prepareExtras(graph: Graph, context: ExtrasContext): Promise<Extras> {
  const { job, renderContext, folder, first, tools } = context;
  const graphs = withInner(graph);
  const all: readonly Extra[] = graphs.flatMap(({ layers, masks, videos }) => [
    ...layers,
    ...masks,
    ...videos,
  ]);
  const opened: (() => Promise<void>)[] = [];
  const close = async () => {
    await Promise.allSettled(opened.splice(0).map((one) => one()));
  };

  async function argsOf(extra: Extra, index: number): Promise<readonly string[]> {
    switch (extra.kind) {
      case "layer": {
        const path = await drawLayer(extra, job, renderContext, folder, `layer-${index}`);
        return ["-protocol_whitelist", "file", "-f", "png_pipe", "-i", `file:${path}`];
      }
      case "mask": {
        const path = join(folder, `mask-${index}`);
        await writeFile(path, drawMask(extra));
        const { width, height } = extra.size;
        return [
          ...["-protocol_whitelist", "file", "-f", "rawvideo", "-pixel_format", "gray"],
          ...["-video_size", `${width}x${height}`, "-framerate", "1", "-i", `file:${path}`],
        ];
      }
      case "video": {
        const input = await openInput(extra.file.source, extra.file.demuxer, renderContext);
        opened.push(() => input.close());
        return [...videoArgs(extra, tools), ...input.args];
      }
    }
  }

  try {
    await Promise.all(graphs.flatMap(({ subtitles }) => subtitles).map((one) => writeSubtitles(one, folder)));
    const args = await Promise.all(all.map(argsOf));
    return {
      args: args.flat(),
      label(extra, track) {
        const at = all.indexOf(extra);
        if (at < 0) throw new Error("a filter reads what is not there");
        return `${first + at}:${track ? "a" : "V"}:0`;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const withInner = (graph: Graph): Graph[] => [
  graph,
  ...graph.videos.flatMap((video) => withInner(video.graph)),
];

/** What is read of a layer's video: no more than is seen of it, or it would last longer than what is below. */
function videoArgs({ file, graph, seconds: shown }: VideoLayer, tools: Tools): string[] {
  const { video } = file.probe;
  const { start } = graph.stretch;
  return [
    ...(file.demuxer === "gif" ? ["-ignore_loop", "0"] : start > 0 ? ["-ss", seconds(start)] : []),
    ...["-t", seconds(shown * graph.factor)],
    ...(video ? decoderArgs(video, tools) : []),
  ];
}
