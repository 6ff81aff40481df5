import { addAbortListener } from "node:events";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Job, MediaError, type Plan, type RenderContext, type Source } from "@mediatap/core";
import type { Engine } from "../engine.ts";
import { NAME } from "../options.ts";
import type { FileProbe } from "../probe/probe.ts";
import { collect, start } from "../process/command.ts";
import { temp } from "../process/temp.ts";
import type { Tools } from "../process/tools.ts";
import { demuxerOf, SNIFF_LENGTH } from "../read/demuxer.ts";
import { openInput } from "../read/input.ts";
import { type Animation, animationOf, decodingOf, probeOfAnimation } from "./animation.ts";
import { finishArgs, runArgs } from "./arguments.ts";
import {
  bytesOf,
  costOf,
  describeRecipe,
  memoryOf,
  type Recipe,
  recipeOf,
  type VideoOptions,
} from "./encode.ts";
import { prepareExtras } from "./extras.ts";
import { openLayerFiles } from "./files.ts";
import { EXPORT_DEMUXER, exportFrames, type FrameReceivers } from "./frame-export.ts";
import { graphOf } from "./graph.ts";
import type { Graph } from "./model.ts";
import { type Progressive, startProgressive } from "./progressive.ts";
import { rateOf, seconds } from "./units.ts";

/** Estimated milliseconds of one core up to which a video is sent when it is complete: it then has a length and ranges. */
const MAX_AWAITED_COST = 1_500;

interface VideoEngine extends Engine {
  /** Ended when the server stops. */
  readonly running: Set<Progressive>;
  readonly receivers: FrameReceivers;
}

/** Plans a whole video. Throws `EINVAL`, `EUNSUPPORTED` or `ELIMIT` for what is not possible, `UNIDENTIFIED` for a source that is no video. */
export async function planVideo(
  engine: VideoEngine,
  job: Job,
  source: Source,
  context: RenderContext,
): Promise<Plan> {
  const { steps, output } = job.transformation;
  const { limits } = context;
  const animation = await animationOf(source, context);
  const probe = animation ? probeOfAnimation(animation, context) : await probeOf(source, context);
  const tools = await engine.tools();
  const request = output.video as VideoOptions;
  const files = await openLayerFiles(job, context);
  const graph = graphOf(steps, probe, { limits, tools, files, audioOnly: request.codec === "none" });
  const recipe = recipeOf(request, probe, graph, tools);
  const decoding = decodingOf(animation);
  const cost = costOf(recipe, probe, graph) + decoding.cost;
  const isAwaited = engine.settings.delivery === "wait" || cost <= MAX_AWAITED_COST;
  return {
    engine: NAME,
    lane: "video",
    cost,
    memory: memoryOf(recipe, probe, graph) + decoding.memory,
    explain: () => ({
      source: describeProbe(probe),
      ...(graph.picture &&
        recipe.video && {
          size: `${graph.picture.size.width}x${graph.picture.size.height}`,
          rate: graph.picture.uneven
            ? `as the source, ${rateOf(graph.picture.fps)} on average`
            : graph.picture.rate,
        }),
      duration: Number(seconds(graph.duration)),
      steps: graph.words,
      format: recipe.format,
      ...describeRecipe(recipe),
      passes: [recipe.video?.encoder || recipe.audio?.encoder ? "encode" : "copy", "index"],
      delivery: isAwaited ? "sent when it is whole" : "sent while it is encoded",
    }),
    async run(context) {
      const { signal } = context;
      const progressive = await startVideo(
        engine,
        { job, source, probe, tools, graph, recipe, isAwaited, animation },
        context,
      );
      engine.running.add(progressive);
      progressive.completed.catch(() => {}).finally(() => engine.running.delete(progressive));
      using _ = addAbortListener(signal, () => progressive.abort(signal.reason));
      const body = isAwaited
        ? await progressive.completed
        : await progressive.started().then(() => progressive.body);
      const size = recipe.video && graph.picture?.size;
      return { body, type: recipe.type, format: recipe.format, ...size };
    },
  };
}

function describeProbe({ format, video, audio, duration }: FileProbe): string {
  const frames = video ? `${video.codec} ${video.width}x${video.height}` : "without a picture";
  return `${format} ${frames}, ${audio?.codec ?? "without sound"}, ${seconds(duration)} s`;
}

/** The probe of a source that must be a video. */
export async function probeOf(source: Source, context: RenderContext): Promise<FileProbe> {
  const { limits } = context;
  const { size } = source.metadata;
  if (size !== undefined && size > limits.videoBytes) {
    throw new MediaError("ELIMIT", `Expected a video of at most ${limits.videoBytes} bytes`);
  }
  const probe = await context.inspect("probe", source);
  if (probe) return probe;
  throw new MediaError("UNIDENTIFIED", "The source is not a readable video", { status: 400 });
}

interface VideoRun {
  readonly job: Job;
  readonly source: Source;
  readonly probe: FileProbe;
  readonly tools: Tools;
  readonly graph: Graph;
  readonly recipe: Recipe;
  readonly isAwaited: boolean;
  /** The source is an animation that the image engine decodes. */
  readonly animation: Animation | undefined;
}

async function startVideo(
  engine: VideoEngine,
  { job, source, probe, tools, graph, recipe, isAwaited, animation }: VideoRun,
  context: RenderContext,
): Promise<Progressive> {
  const { limits } = context;
  const space = temp();
  await using cleanup = new AsyncDisposableStack();
  const reserved = Math.min(limits.tempBytes / 4, 2 * bytesOf(recipe, probe, graph));
  const reservation = space.reserve(reserved, limits.tempBytes);
  cleanup.defer(() => reservation.release());
  const folder = await space.makeFolder();
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));

  const input = cleanup.use(new AsyncDisposableStack());
  const extras = input.use(await prepareExtras(graph, { job, context, tools }));
  const demuxer = animation ? EXPORT_DEMUXER : (demuxerOf(await source.peek(SNIFF_LENGTH)) as string);
  const main = input.use(
    animation
      ? await exportFrames(animation, { receivers: engine.receivers, job, context, folder })
      : await openInput(source, demuxer, context),
  );
  const args = runArgs({ recipe, graph, probe, tools, demuxer, input: main.args, extras });
  const command = {
    program: tools.ffmpeg,
    timeout: timeoutOf(graph, context),
    niceness: engine.settings.niceness,
    folder: extras.folder,
    fileBytes: limits.videoOutput,
  };
  const progressive = await startProgressive({
    folder,
    input,
    reservation,
    isAwaited: isAwaited,
    limits,
    start: (signal) => start({ ...command, args, signal }),
    async finish(path, signal) {
      const target = join(folder, `whole.${recipe.format}`);
      const end = recipe.video && graph.picture?.uneven ? graph.duration : undefined;
      await collect({ ...command, folder, args: finishArgs(recipe.format, path, target, end), signal });
      return target;
    },
  });
  cleanup.move();
  return progressive;
}

/** Milliseconds for a whole video, or an animated image. */
export function timeoutOf({ duration, stretch }: Graph, { limits }: RenderContext): number {
  const longestMs = Math.max(duration, stretch.duration) * 1_000;
  return Math.max(limits.videoSegment, limits.videoTime * longestMs);
}
