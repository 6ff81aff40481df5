import {
  MediaError,
  type PlanResult,
  type RenderContext,
  type Size,
  type Source,
  type Step,
  type StepOf,
} from "@mediatap/core";
import { assertSizeAfter, type Corner, evaluate, facesIn, sizeAfter } from "@mediatap/core/steps";
import type { OverlayOptions, Sharp } from "sharp";
import { type Bounds, offLoop, threadWork } from "../effects/pool.ts";
import type { LayerFiles } from "../layers/open.ts";
import { cutToLayer, overlayOptions, type RenderedLayer, renderLayer } from "../layers/render.ts";
import { coarse, frameByFrame, isEmpty, type Pass, type Scale, type Slots } from "../operations/pass.ts";
import {
  type Animation,
  bufferPixels,
  bufferWithMetadata,
  framesOf,
  fromRawFrame,
  joinFrames,
  openPixels,
  type PixelBuffer,
  type Pixels,
  pixelsOf,
  rawFrame,
  trimmed,
} from "../pixels/buffer.ts";
import type { ImagePlan } from "../plan/image-plan.ts";
import { assertSizes, type KnownStages, Planner, type Stage } from "../plan/steps.ts";
import { mediaError } from "../read/libvips.ts";
import { applyKeeps, write } from "../write/write.ts";
import { apply, type ReadyPass } from "./apply.ts";
import { fill } from "./fill.ts";
import { openSource } from "./open.ts";
import { FocusSearch } from "./search.ts";
import { trimOf } from "./trim.ts";

/** Runs a plan. */
export async function run(
  plan: ImagePlan,
  source: Source,
  files: LayerFiles,
  renderContext: RenderContext,
): Promise<PlanResult> {
  const search = new FocusSearch(renderContext);
  try {
    const resolved = await search.withBoxes(plan, source);
    const make = (plan: ImagePlan) => new Run(plan, files, renderContext, search).renderImage(source);
    // A gain map that cannot be read, or cut as finely, does not fail the render.
    const rendition = await (resolved.gainMap
      ? make(resolved).catch(() => make({ ...resolved, gainMap: false }))
      : make(resolved));
    return search.failed ? { ...rendition, degraded: true } : rendition;
  } catch (error) {
    throw renderContext.signal.aborted ? renderContext.signal.reason : mediaError(error);
  }
}

/** The state of one render. */
class Run {
  readonly #plan: ImagePlan;
  readonly #files: LayerFiles;
  readonly #renderContext: RenderContext;
  readonly #search: FocusSearch;
  readonly #deadline: number;
  /** The picture so far; `#busy` once operations are queued on it. */
  #image!: Sharp;
  #busy = false;
  #animation: Animation = {};
  #unshrunk = false;
  /** Position of the trimmed frames in the frames before the trim. */
  #trimmed: Corner | undefined;

  constructor(plan: ImagePlan, files: LayerFiles, renderContext: RenderContext, search: FocusSearch) {
    this.#search = search;
    this.#plan = plan;
    this.#files = files;
    this.#renderContext = renderContext;
    this.#deadline = performance.now() + renderContext.limits.imageWork;
  }

  async renderImage(source: Source): Promise<PlanResult> {
    await this.#open(source);
    await this.#runStages();
    return { ...(await this.#encode()), sourceSize: this.#plan.original };
  }

  /** Renders the picture as a layer of another one: pixels with alpha. */
  async renderPixels(start: Source | Pixels): Promise<Pixels> {
    if ("data" in start) this.#setPixels(start);
    else await this.#open(start);
    await this.#runStages();
    this.#image.ensureAlpha().toColourspace("srgb");
    return this.#pixels();
  }

  async #runStages(): Promise<void> {
    let { known } = this.#plan.stepsPlan;
    for (;;) {
      for (const stage of known.stages) await this.#runStage(stage);
      if (known.remaining.length === 0) break;
      known = await this.#planRemaining(known);
    }
  }

  async #open(source: Source): Promise<void> {
    const { image, animation, unshrunk } = await openSource(source, this.#plan, this.#renderContext);
    this.#image = image;
    this.#unshrunk = unshrunk === true;
    this.#animation = animation;
  }

  async #runStage(stage: Stage): Promise<void> {
    switch (stage.kind) {
      case "pass":
        return this.#pass(stage.pass);
      case "fill": {
        const pixels = await this.#pixels();
        this.#renderContext.signal.throwIfAborted();
        this.#image = await fill(pixels, stage);
        this.#busy = true;
        return;
      }
      case "reshape":
        return this.#eachFrame((frame) => this.#reshape(frame, stage.step));
      case "effect":
        return this.#setPixels(await stage.run(await this.#pixels(), this.#bounds()));
      case "foreign":
        return this.#eachFrame((frame) => this.#foreign(frame, stage.step));
    }
  }

  async #pass(pass: Pass, first = this.#isFirst(pass)): Promise<void> {
    if (pass.scale?.linear) return this.#scaleLinear(pass, pass.scale, first);
    const { frames, settings, shrink } = this.#plan;
    if (frames > 1 && frameByFrame(pass)) {
      const pixels = await this.#pixels();
      const still = await (pass.trim ? this.#trimOnce(pixels, pass.trim) : this.#withLayers(pass));
      return this.#eachFrame(
        (frame) => pixelsOf(this.#timed(apply(openPixels(frame), still, settings))),
        pixels,
      );
    }
    if (pass.trim?.alpha) return this.#trim(pass.trim);
    if (this.#busy) this.#image = (await this.#buffer()).open();
    apply(this.#image, await this.#withLayers(pass), { ...settings, ...(first && { shrink }) });
    this.#busy = true;
  }

  /** Whether the pass works on what a decoder may have shrunk. */
  #isFirst(pass: Pass): boolean {
    const [first] = this.#plan.stepsPlan.known.stages;
    return first?.kind === "pass" && first.pass === pass && !this.#unshrunk;
  }

  /** Scales a picture in two steps, the second one in linear light; then does what else is in the pass. */
  async #scaleLinear(pass: Pass, { width, height, ...scale }: Scale, first: boolean): Promise<void> {
    const { trim, before, flatten, scale: _scale, ...rest } = pass;
    const earlier = { ...(trim && { trim }), ...(before && { before }), ...(flatten && { flatten }) };
    await this.#pass({ ...earlier, scale: coarse({ width, height, ...scale }) }, first);
    const buffer = await this.#buffer();
    this.#image = buffer
      .open()
      .pipelineColourspace("scrgb")
      .resize({ width, height, fit: "fill" })
      .toColourspace(buffer.channels < 3 ? "b-w" : "srgb");
    if (!isEmpty(rest)) await this.#pass(rest, false);
  }

  /** Trims a picture of which some may be clear. Nothing else is in such a pass. */
  async #trim({ tolerance }: Slots["trim"]): Promise<void> {
    const buffer = await this.#buffer();
    this.#image = buffer.open().trim(trimOf(await buffer.pixels(), tolerance));
    this.#busy = true;
  }

  /** Trims all frames as the first one, so that they stay equal in size. */
  async #trimOnce(pixels: Pixels, { tolerance }: Slots["trim"]): Promise<ReadyPass> {
    const [first] = framesOf(pixels) as [Pixels];
    const { info } = await openPixels(first)
      .trim(trimOf(first, tolerance))
      .raw()
      .toBuffer({ resolveWithObject: true });
    this.#trimmed = trimmed(info).trimmed;
    const { left = 0, top = 0 } = this.#trimmed ?? {};
    return { before: { left, top, width: info.width, height: info.height } };
  }

  /** The pass with its layers rendered. */
  async #withLayers({ over, trim, ...others }: Pass): Promise<ReadyPass> {
    const rest = { ...others, ...(trim && { trim: { threshold: trim.tolerance } }) };
    if (!over) return rest;
    const overlays: OverlayOptions[] = [];
    for (const overlay of over) {
      if (overlay.layer === undefined) overlays.push(overlay);
      else overlays.push(overlayOptions(await this.#layer(overlay.layer, overlay.base), overlay.layer));
    }
    const opaque = over.every((overlay) => overlay.opaque === true);
    return { ...rest, over: overlays, ...(opaque && { opaque }) };
  }

  #layer(step: StepOf<"overlay">, base: Size): Promise<RenderedLayer> {
    this.#renderContext.signal.throwIfAborted();
    const { registry, settings } = this.#plan;
    const [renderContext, files, search] = [this.#renderContext, this.#files, this.#search];
    const render = async (plan: ImagePlan, start: Source | Pixels) => {
      const resolved = "data" in start ? plan : await search.withBoxes(plan, start);
      return new Run(resolved, files, renderContext, search).renderPixels(start);
    };
    return renderLayer(step, base, { renderContext, registry, settings, files, render });
  }

  /** A layer that cuts the picture to its own shape, or moves its pixels. */
  async #reshape(frame: Pixels, step: StepOf<"overlay">): Promise<Pixels> {
    const { pixels, placed, scope } = await this.#layer(step, frame);
    if (step.blend?.mode !== "displace") return pixelsOf(this.#timed(cutToLayer(frame, pixels, placed)));
    const { x, y } = step.blend;
    const reach = { x: evaluate(x, scope), y: evaluate(y, scope) };
    const work = threadWork<typeof import("../effects/displace.ts")>("displace", {
      map: { ...pixels, data: new Uint8Array(pixels.data) },
      left: placed.left,
      top: placed.top,
      ...reach,
    });
    return offLoop(work, frame, this.#bounds());
  }

  async #foreign(frame: Pixels, step: Step): Promise<Pixels> {
    const { original, scope, registry, frames, output } = this.#plan;
    const current = { width: frame.width, height: frame.height };
    const size = sizeAfter(step, { original, current, scope }, registry);
    const { limits } = this.#renderContext;
    assertSizeAfter(step, current, size, { limits, frames, format: output.format });
    const result = await this.#renderContext.step(rawFrame(frame), step, size);
    if (!result) throw new MediaError("EUNSUPPORTED", `${step.op} is not supported for images`);
    return fromRawFrame(result);
  }

  /** Processes all frames, one by one. */
  async #eachFrame(work: (frame: Pixels) => Promise<Pixels>, pixels?: Pixels): Promise<void> {
    const results: Pixels[] = [];
    for (const frame of framesOf(pixels ?? (await this.#pixels()))) {
      this.#renderContext.signal.throwIfAborted();
      results.push(await work(frame));
    }
    this.#setPixels(joinFrames(results));
  }

  /** Plans the steps that need the real size, under the same limits. */
  async #planRemaining({ remaining, size, alpha, faces: knownFaces }: KnownStages): Promise<KnownStages> {
    const buffer = await this.#buffer();
    const corner = buffer.trimmed ?? this.#trimmed;
    this.#trimmed = undefined;
    const faces =
      corner && knownFaces ? facesIn(knownFaces, size, { ...corner, ...buffer.size }) : knownFaces;
    this.#image = buffer.open();
    this.#busy = false;
    const { original, scope, output, frames, registry, linear } = this.#plan;
    const planner = new Planner({
      original,
      linear,
      current: buffer.size,
      scope,
      registry,
      alpha,
      animated: frames > 1,
      ...(faces && { faces }),
    });
    const stepsPlan = planner.add(remaining).plan();
    assertSizes(stepsPlan, { limits: this.#renderContext.limits, frames, format: output.format });
    return stepsPlan.known;
  }

  #setPixels(pixels: Pixels): void {
    this.#image = openPixels(pixels);
    this.#busy = false;
  }

  async #pixels(): Promise<Pixels> {
    this.#renderContext.signal.throwIfAborted();
    return pixelsOf(this.#timed(this.#image), this.#plan.frames);
  }

  async #buffer(): Promise<PixelBuffer> {
    if (!this.#plan.keeps) return bufferPixels(await this.#pixels());
    this.#renderContext.signal.throwIfAborted();
    return bufferWithMetadata(applyKeeps(this.#timed(this.#image), this.#plan.keeps));
  }

  /** libvips looks at the clock between regions; the work that is under way may run over (its price is what bounds it). */
  #timed(image: Sharp): Sharp {
    return image.timeout({ seconds: Math.min(3600, Math.ceil(this.#left() / 1000)) });
  }

  /** Milliseconds until the deadline. Throws `ETIMEDOUT` once it has passed. */
  #left(): number {
    const left = this.#deadline - performance.now();
    if (left <= 0) throw new MediaError("ETIMEDOUT", "The image took too long to render");
    return left;
  }

  #bounds(): Bounds {
    return { signal: this.#renderContext.signal, milliseconds: this.#left() };
  }

  #encode(): Promise<PlanResult> {
    this.#renderContext.signal.throwIfAborted();
    return write({
      plan: this.#plan,
      animation: this.#animation,
      image: this.#image,
      buffer: () => this.#buffer(),
      timed: (image) => this.#timed(image),
      bounds: () => this.#bounds(),
    });
  }
}
