import { MediaError, type Size, type Step, type StepOf } from "@mediatap/core";
import { branchOf, type Layer, type Paint, parentScope, type Scope, scopeOf } from "@mediatap/core/steps";
import type { FileProbe } from "../probe/probe.ts";
import { mixed, tempo } from "./audio.ts";
import { BLACK } from "./colour.ts";
import type { ExtraInput, Filter, Graph, GraphContext, Picture, VideoLayer } from "./model.ts";
import { normalizeFilters } from "./normalize.ts";
import type { SubtitleOptions } from "./subtitles.ts";
import { Timeline, type Times } from "./timeline.ts";
import { even, rateOf, same, seconds } from "./units.ts";
import { type TimedFilter, wire } from "./wiring.ts";

/** A layer of one kind. */
export type LayerOf<K extends Layer["kind"]> = Extract<Layer, { readonly kind: K }>;

/** The operations on frames, by the names of their steps. */
export type Operations = Readonly<Partial<Record<string, (step: never, graph: GraphBuilder) => void>>>;

/** Steps whose result depends on the time. */
const TIMED_OPS: ReadonlySet<Step["op"]> = new Set(["clip", "overlay", "when"]);
const DEFAULT_RATE = 25;

/** A graph while steps are added. */
export class GraphBuilder {
  readonly original: Size;
  readonly scope: Scope;
  readonly timeline: Timeline;
  readonly context: GraphContext;
  /** Completed when all steps are added. */
  readonly subtitles: (() => SubtitleOptions)[] = [];
  /** Size after the filters so far. */
  current: Size;
  readonly #probe: FileProbe;
  readonly #operations: Operations;
  readonly #steps: readonly Step[];
  /** Those that are still to come. */
  readonly #left: Step[];
  readonly #filters: TimedFilter[] = [];
  readonly #inputs: ExtraInput[] = [];
  readonly #audio: Filter[] = [];
  #gain: number;
  #isMixed = false;
  #started = false;

  constructor(steps: readonly Step[], probe: FileProbe, context: GraphContext, operations: Operations) {
    this.#steps = steps;
    this.#left = [...steps];
    this.#probe = probe;
    this.context = context;
    this.#operations = operations;
    this.#gain = probe.audio ? 1 : 0;
    this.original = this.current = probe.video ?? { width: 0, height: 0 };
    this.scope = { ...context.scope, originalDuration: probe.duration };
    this.timeline = new Timeline(probe.duration, this.scope);
  }

  build(): Graph {
    const words: string[] = [];
    for (let step = this.#left.shift(); step; step = this.#left.shift()) words.push(...this.#add(step));
    const { stretch, factor, duration } = this.timeline;
    return {
      stretch,
      clipped: stretch.start > 0 || stretch.duration < this.#probe.duration,
      factor,
      duration,
      audio: this.#audio,
      isMixed: this.#isMixed,
      isAudible: this.#gain > 0,
      inputs: this.#inputs,
      subtitles: this.subtitles.map((complete) => complete()),
      words,
      ...(this.#hasPicture && { picture: this.#picture() }),
    };
  }

  /** Adds filters. Before the first one, frames are brought to their common form. */
  add(...filters: readonly Filter[]): void {
    if (!this.#started) this.#start(this.original);
    for (const filter of filters) this.#push(filter);
  }

  scale(to: Size): void {
    if (!this.#started) this.#start(to);
    else if (!same(to, this.current)) this.#push(`scale=${to.width}:${to.height},setsar=1`);
    this.current = to;
  }

  /** Background of the next `flatten` for pixels that the current step leaves transparent; black if there is none. */
  get background(): Paint {
    const flatten = this.#left.find(({ op }) => op === "flatten") as StepOf<"flatten"> | undefined;
    return flatten?.background ?? { kind: "color", color: BLACK };
  }

  /** Notes an input that filters read beside the video. */
  input<I extends ExtraInput>(input: I): I {
    this.#inputs.push(input);
    return input;
  }

  /** Adds the input of a layer, and mixes its audio in. */
  video(step: StepOf<"overlay">, layer: LayerOf<"video">): VideoLayer {
    const { files } = this.context;
    if (!files) throw new MediaError("EUNSUPPORTED", "Not supported in streams: layers of videos");
    const file = files.video(layer.path);
    const { duration } = this.timeline;
    const scope: Scope = { ...parentScope(this.current), parentDuration: duration };
    const context = { ...this.context, keepsAlpha: true, scope };
    const graph = new GraphBuilder(layer.steps, file.probe, context, this.#operations).build();
    const { start, end } = this.timesOf(step) ?? { start: 0, end: duration };
    const shown = Math.min(end, duration) - start;
    // An animation repeats.
    const length = file.demuxer === "gif" ? shown : Math.min(shown, graph.duration);
    const time = { start, end: start + length };
    const video = this.input({ kind: "video", file, graph, seconds: length, time });
    if (graph.isAudible) {
      const clock = this.timeline.clock();
      this.#audio.push(mixed(video, () => clock(start, 0)));
      this.#isMixed = true;
      this.#gain = Math.max(this.#gain, 1);
    }
    return video;
  }

  /** When a layer shows; `undefined`: always. */
  timesOf(step: StepOf<"overlay">): Times | undefined {
    const scope = { ...this.scope, parentDuration: this.timeline.duration };
    return this.timeline.timesOf(step, scopeOf(this.original, this.current, scope));
  }

  /** Adds one step. Returns what it does, in words. */
  #add(step: Step): readonly string[] {
    switch (step.op) {
      case "when":
        this.#left.unshift(...branchOf(step, scopeOf(this.original, this.current, this.scope)));
        return [];
      case "clip": {
        this.timeline.clip(step);
        const { start, duration } = this.timeline.stretch;
        return [`clip ${seconds(start)}–${seconds(start + duration)} s`];
      }
      case "speed":
        this.timeline.factor *= step.factor;
        this.#audio.push(...tempo(step.factor));
        if (this.#hasPicture) this.add(`setpts=PTS/${step.factor}`);
        return [`speed ${step.factor}`];
      case "volume":
        this.#audio.push(`volume=${step.gain}`);
        this.#gain *= step.gain;
        return [`volume ${step.gain}`];
      default: {
        const operation = this.#operations[step.op];
        if (!operation) throw new MediaError("EUNSUPPORTED", `Not supported on videos: ${step.op}`);
        if (this.context.audioOnly) {
          if (step.op === "overlay" && step.layer.kind === "video") this.video(step, step.layer);
          return [];
        }
        if (!this.#hasPicture)
          throw new MediaError("EINVAL", `Expected a source with a video track for ${step.op}`);
        operation(step as never, this);
        this.#assertSide(step.op);
        return [`${step.op} ${this.current.width}x${this.current.height}`];
      }
    }
  }

  /** The graph has frames, not only audio. */
  get #hasPicture(): boolean {
    return this.#probe.video !== undefined && !this.context.audioOnly;
  }

  #assertSide(op: string): void {
    const { videoSide } = this.context.limits;
    const side = Math.max(this.current.width, this.current.height);
    if (side <= videoSide) return;
    throw new MediaError(
      "ELIMIT",
      `Expected at most ${videoSide} pixels a side of a video after ${op} but received ${side}`,
    );
  }

  #push(filter: Filter): void {
    this.#filters.push({ filter, factor: this.timeline.factor });
  }

  /** The constant rate of the source, that of its densest frames. */
  get #rate(): string {
    const { peak, video } = this.#probe;
    return rateOf(Math.min(peak ?? video?.rate ?? DEFAULT_RATE, this.context.limits.videoRate));
  }

  get #isUneven(): boolean {
    return this.#probe.peak !== undefined && this.context.rate === undefined;
  }

  /** What changes with time must also be shown between two frames that are far apart. */
  get #isPaced(): boolean {
    return this.#isUneven && this.#steps.some(({ op }) => TIMED_OPS.has(op));
  }

  /** Brings frames to their common form, at this size. */
  #start(size: Size): void {
    const { tools, keepsAlpha } = this.context;
    this.#started = true;
    if (this.#isPaced) this.#push(`fps=${this.#rate}`);
    const background = keepsAlpha ? undefined : backgroundOf(this.#steps);
    for (const filter of normalizeFilters(this.#probe, size, background, tools)) this.#push(filter);
  }

  /** Brings frames to the size and the rate of the result. */
  #picture(): Picture {
    const { peak, video, interlaced } = this.#probe;
    const { rate = this.#rate, limits } = this.context;
    const paced = this.#isPaced;
    const uneven = this.#isUneven && !paced;
    const fps = Math.min((paced ? peak : video?.rate) ?? DEFAULT_RATE, limits.videoRate);
    const plain = !this.#started && !interlaced;
    if (!this.#started) this.#start(this.original);
    const size = even(this.current);
    if (!same(size, this.current)) {
      // A side of one pixel is stretched to two.
      this.#push(`scale=max(iw\\,2):max(ih\\,2),crop=${size.width}:${size.height}:0:0:exact=1,setsar=1`);
    }
    if (!uneven) this.#push(`fps=${rate}`);
    const { factor } = this.timeline;
    const filters = this.#filters;
    return {
      size,
      rate,
      fps,
      uneven,
      paced,
      plain,
      wire: ({ from, to, extra, offset = 0, prefix = "g", more = [] }) =>
        wire([...filters, ...more.map((filter) => ({ filter, factor }))], {
          from,
          to,
          prefix,
          extra,
          // Time before a change of speed is that of the source.
          offset: (here) => (offset * factor) / here,
        }),
    };
  }
}

/** The background of a source with transparent pixels: that of the first step that names one. */
function backgroundOf(steps: readonly Step[]): Paint {
  for (const step of steps) {
    if (step.op === "flatten") return step.background;
    const pads = step.op === "resize" || step.op === "extract";
    if (pads && step.background?.kind === "color") return step.background;
  }
  return { kind: "color", color: BLACK };
}
