import { join } from "node:path";
import {
  type Job,
  MediaError,
  type Plan,
  type Probe,
  type RenderContext,
  type Rendition,
  type Source,
} from "@mediatap/core";
import type { Engine } from "../engine.ts";
import { NAME } from "../options.ts";
import { collect, start } from "../process/command.ts";
import { temp } from "../process/temp.ts";
import type { Tools } from "../process/tools.ts";
import { demuxerOf, openInput, SNIFF_LENGTH } from "../read/input.ts";
import { animationOf, decodingCost, decodingMemory, probeOfAnimation } from "./animation.ts";
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
import { FILM, type Films, filmInput } from "./frame-export.ts";
import { graphOf } from "./graph.ts";
import type { Graph } from "./model.ts";
import { type Growth, grow, removeFolder } from "./progressive.ts";
import { rateOf, seconds } from "./units.ts";
import type { Animation } from "./webp.ts";

/** Estimated milliseconds of one core up to which a video is waited for: it then has a length, and parts of it can be asked for. */
const BRIEF = 1_500;

interface Draft {
  readonly job: Job;
  readonly source: Source;
  readonly probe: Probe;
  readonly tools: Tools;
  readonly graph: Graph;
  readonly recipe: Recipe;
  readonly waits: boolean;
  /** The source is an animation that the image engine decodes. */
  readonly animation?: Animation;
}

/** The growths that are under way: a server that stops ends them. */
export type Underway = Set<Growth>;

/** What makes whole videos. */
export interface WholeEngine extends Engine {
  readonly underway: Underway;
  readonly films: Films;
}

/** Plans a whole video. Throws `EINVAL`, `EUNSUPPORTED` or `ELIMIT` for what cannot be had, `UNIDENTIFIED` for what is no video. */
export async function planWhole(
  engine: WholeEngine,
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
  const graph = graphOf(steps, probe, {
    limits,
    tools,
    files: await openLayerFiles(job, context),
    soundOnly: request.codec === "none",
  });
  const recipe = recipeOf(request, probe, graph, tools);
  const cost = costOf(recipe, probe, graph, tools) + decodingCost(animation);
  const waits = engine.settings.delivery === "wait" || cost <= BRIEF;
  const draft: Draft = { job, source, probe, tools, graph, recipe, waits, ...(animation && { animation }) };
  const { picture } = graph;
  return {
    engine: NAME,
    lane: "video",
    cost,
    memory: memoryOf(recipe, probe, graph, tools) + decodingMemory(animation),
    explain: () => ({
      source: `${probe.format} ${probe.video ? `${probe.video.codec} ${probe.video.width}x${probe.video.height}` : "without a picture"}, ${probe.audio?.codec ?? "without sound"}, ${seconds(probe.duration)} s`,
      ...(picture &&
        recipe.picture && {
          size: `${picture.size.width}x${picture.size.height}`,
          rate: picture.uneven ? `as the source, ${rateOf(picture.fps)} on average` : picture.rate,
        }),
      duration: Number(seconds(graph.duration)),
      steps: graph.words,
      format: recipe.format,
      ...describeRecipe(recipe, graph, tools),
      passes: [
        recipe.picture?.how === "encode" || recipe.sound?.how === "encode" ? "encode" : "copy",
        "index",
      ],
      delivery: waits ? "sent when it is whole" : "sent while it is encoded",
    }),
    run: (context) => run(engine, draft, context),
  };
}

/** What a file is that is to be a video. */
export async function probeOf(source: Source, context: RenderContext): Promise<Probe> {
  const { limits } = context;
  const { size } = source.facts;
  if (size !== undefined && size > limits.videoBytes) {
    throw new MediaError("ELIMIT", `Expected a video of at most ${limits.videoBytes} bytes`);
  }
  const probe = await context.inspect("probe", source);
  if (probe) return probe;
  throw new MediaError("UNIDENTIFIED", "The source is not a readable video", { status: 400 });
}

async function run(engine: WholeEngine, draft: Draft, context: RenderContext): Promise<Rendition> {
  const { recipe, graph, waits } = draft;
  const { underway } = engine;
  const growth = await begin(engine, draft, context);
  underway.add(growth);
  growth.whole.catch(() => {}).finally(() => underway.delete(growth));
  const abort = () => growth.abort(context.signal.reason);
  context.signal.addEventListener("abort", abort, { once: true });
  try {
    if (context.signal.aborted) abort();
    const body = waits ? await growth.whole : await growth.begun().then(() => growth.body);
    const size = recipe.picture && graph.picture?.size;
    return { body, type: recipe.type, format: recipe.format, ...size };
  } finally {
    context.signal.removeEventListener("abort", abort);
  }
}

async function begin(engine: WholeEngine, draft: Draft, context: RenderContext): Promise<Growth> {
  const { job, source, probe, tools, graph, recipe, waits, animation } = draft;
  const { limits } = context;
  const { niceness } = engine.settings;
  const longest = Math.max(graph.duration, graph.stretch.duration) * 1_000;
  const timeout = Math.max(limits.videoSegment, limits.videoTime * longest);
  const space = temp();
  const room = space.reserve(
    Math.min(limits.tempBytes / 4, 2 * bytesOf(recipe, probe, graph)),
    limits.tempBytes,
  );
  const folder = await space.makeFolder().catch((error: unknown) => {
    room.release();
    throw error;
  });
  const bounds = { program: tools.ffmpeg, timeout, niceness, folder, fileBytes: limits.videoOutput };
  const opened: { close(): Promise<void> }[] = [];
  const input = { close: async () => void (await Promise.all(opened.splice(0).map((one) => one.close()))) };
  try {
    const extras = await prepareExtras(graph, { job, renderContext: context, folder, tools, first: 1 });
    opened.push(extras);
    const demuxer = animation ? FILM : (demuxerOf(await source.peek(SNIFF_LENGTH)) as string);
    const main = animation
      ? await filmInput(animation, { films: engine.films, job, renderContext: context, folder })
      : await openInput(source, demuxer, context);
    opened.push(main);
    const args = runArgs({ recipe, graph, probe, tools, demuxer, input: main.args, extras });
    return await grow({
      folder,
      input,
      room,
      isAwaited: waits,
      limits,
      start: (signal) => start({ ...bounds, args, signal }),
      async finish(path, signal) {
        const to = join(folder, `whole.${recipe.format}`);
        const lasts = recipe.picture && graph.picture?.uneven ? graph.duration : undefined;
        await collect({ ...bounds, args: finishArgs(recipe.format, path, to, lasts), signal });
        return to;
      },
    });
  } catch (error) {
    await input.close().catch(() => {});
    await removeFolder(folder);
    room.release();
    throw error;
  }
}
