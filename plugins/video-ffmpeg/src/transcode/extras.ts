import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Job, RenderContext, Source } from "@mediatap/core";
import { decoderArgs } from "../probe/colour.ts";
import { temp } from "../process/temp.ts";
import type { Tools } from "../process/tools.ts";
import { openInput } from "../read/input.ts";
import { drawLayer } from "./layers.ts";
import { drawMask } from "./mask.ts";
import type { ExtraInput, Graph, VideoLayer } from "./model.ts";
import { writeSubtitles } from "./subtitles.ts";
import { seconds } from "./units.ts";

/** Inputs beside the video, until they are disposed. */
export interface Extras extends AsyncDisposable {
  readonly args: readonly string[];
  /** The label of an input: of its frames, or of its audio. */
  label(input: ExtraInput, track?: "audio"): string;
  /** The folder of their files, in which ffmpeg must work. Left out: there are none. */
  readonly folder?: string;
}

export interface ExtrasContext {
  readonly job: Job;
  readonly context: RenderContext;
  readonly tools: Tools;
}

/** Draws, writes and opens what a graph, with those within, reads beside the video, which is the first input. */
export async function prepareExtras(graph: Graph, { job, context, tools }: ExtrasContext): Promise<Extras> {
  await using stack = new AsyncDisposableStack();
  const graphs = withInner(graph);
  const inputs = graphs.flatMap((graph) => graph.inputs);
  const subtitles = graphs.flatMap((graph) => graph.subtitles);
  const isEmpty = inputs.length === 0 && subtitles.length === 0;
  const folder = isEmpty ? undefined : await temp().makeFolder();
  if (folder) stack.defer(() => rm(folder, { recursive: true, force: true }));

  async function argsOf(input: ExtraInput, index: number): Promise<readonly string[]> {
    const file = join(folder ?? "", `input-${index}`);
    switch (input.kind) {
      case "layer":
        await drawLayer(input, job, context, file);
        return ["-protocol_whitelist", "file", "-f", "png_pipe", "-i", `file:${file}`];
      case "mask": {
        await writeFile(file, drawMask(input));
        const { width, height } = input.size;
        return [
          ...["-protocol_whitelist", "file", "-f", "rawvideo", "-pixel_format", "gray"],
          ...["-video_size", `${width}x${height}`, "-framerate", "1", "-i", `file:${file}`],
        ];
      }
      case "video": {
        const { source, demuxer } = input.file;
        return [...videoArgs(input, tools), ...stack.use(await openInput(source, demuxer, context)).args];
      }
    }
  }

  await Promise.all(subtitles.map((track) => writeSubtitles(track, folder ?? "")));
  const args = await Promise.all(inputs.map(argsOf));
  const moved = stack.move();
  return {
    args: args.flat(),
    label(input, track) {
      const at = inputs.indexOf(input);
      if (at < 0) throw new Error("a filter reads what is not there");
      return `${1 + at}:${track ? "a" : "V"}:0`;
    },
    ...(folder && { folder }),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** Opens the video and what its graph reads beside it while `work` runs. */
export async function withInputs<T>(
  { source, demuxer, graph }: { readonly source: Source; readonly demuxer: string; readonly graph: Graph },
  context: ExtrasContext,
  work: (input: readonly string[], extras: Extras) => Promise<T>,
): Promise<T> {
  await using extras = await prepareExtras(graph, context);
  using input = await openInput(source, demuxer, context.context);
  return await work(input.args, extras);
}

const withInner = (graph: Graph): Graph[] => [
  graph,
  ...graph.inputs.flatMap((input) => (input.kind === "video" ? withInner(input.graph) : [])),
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
