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
import { composed, cutTo, type DrawnLayer, drawLayer } from "../layers/render.ts";
import type { LayerFiles } from "../layers/open.ts";
import { coarse, frameByFrame, isEmpty, type Pass, type Scale, type Slots } from "../operations/pass.ts";
import {
  type Animation,
  framesOf,
  fromRawFrame,
  type Held,
  holdPixels,
  holdWithMetadata,
  join,
  openPixels,
  type Pixels,
  pixelsOf,
  rawFrame,
  trimmed,
} from "../pixels/buffer.ts";
import type { Draft } from "../plan/image-plan.ts";
import { assertSizes, type Known, type Part, Planner } from "../plan/steps.ts";
import { mediaError } from "../read/libvips.ts";
import { keep, write } from "../write/write.ts";
import { apply, type ReadyPass } from "./apply.ts";
import { fill } from "./fill.ts";
import { openSource } from "./open.ts";
import { FocusSearch } from "./search.ts";
import { trimOf } from "./trim.ts";

/** Does what was planned. */
export async function run(
  draft: Draft,
  source: Source,
  files: LayerFiles,
  renderContext: RenderContext,
): Promise<PlanResult> {
  const search = new FocusSearch(renderContext);
  try {
    const known = await search.found(draft, source);
    const make = (draft: Draft) => new Run(draft, files, renderContext, search).do(source);
    // A gain map that cannot be read, or cut as finely, is no reason to have no picture.
    const rendition = await (known.gainMap
      ? make(known).catch(() => make({ ...known, gainMap: false }))
      : make(known));
    return search.failed ? { ...rendition, degraded: true } : rendition;
  } catch (error) {
    throw renderContext.signal.aborted ? renderContext.signal.reason : mediaError(error);
  }
}

/** One picture on its way through its pipelines. */
class Run {
  readonly #draft: Draft;
  readonly #files: LayerFiles;
  readonly #renderContext: RenderContext;
  readonly #search: FocusSearch;
  readonly #deadline: number;
  /** The picture so far; `#busy` once something is asked of it. */
  #image!: Sharp;
  #busy = false;
  #animation: Animation = {};
  #unshrunk = false;
  /** Where what was left of all frames lay in those that were trimmed. */
  #trimmed: Corner | undefined;

  constructor(draft: Draft, files: LayerFiles, renderContext: RenderContext, search: FocusSearch) {
    this.#search = search;
    this.#draft = draft;
    this.#files = files;
    this.#renderContext = renderContext;
    this.#deadline = performance.now() + renderContext.limits.imageWork;
  }

  async do(source: Source): Promise<PlanResult> {
    await this.#open(source);
    await this.#steps();
    return { ...(await this.#encode()), sourceSize: this.#draft.original };
  }

  /** The picture as a layer of another one: pixels with alpha. */
  async draw(start: Source | Pixels): Promise<Pixels> {
    if ("data" in start) this.#take(start);
    else await this.#open(start);
    await this.#steps();
    this.#image.ensureAlpha().toColourspace("srgb");
    return this.#pixels();
  }

  async #steps(): Promise<void> {
    let { known } = this.#draft.plan;
    for (;;) {
      for (const part of known.parts) await this.#part(part);
      if (known.rest.length === 0) break;
      known = await this.#planRest(known);
    }
  }

  async #open(source: Source): Promise<void> {
    const { image, animation, unshrunk } = await openSource(source, this.#draft, this.#renderContext);
    this.#image = image;
    this.#unshrunk = unshrunk === true;
    this.#animation = animation;
  }

  async #part(part: Part): Promise<void> {
    switch (part.kind) {
      case "pass":
        return this.#pass(part.pass);
      case "fill": {
        const pixels = await this.#pixels();
        this.#renderContext.signal.throwIfAborted();
        this.#image = await fill(pixels, part);
        this.#busy = true;
        return;
      }
      case "reshape":
        return this.#eachFrame((frame) => this.#reshape(frame, part.step));
      case "effect":
        return this.#take(await part.run(await this.#pixels(), this.#bounds()));
      case "foreign":
        return this.#eachFrame((frame) => this.#foreign(frame, part.step));
    }
  }

  async #pass(pass: Pass, first = this.#isFirst(pass)): Promise<void> {
    if (pass.scale?.linear) return this.#scaleLinear(pass, pass.scale, first);
    const { frames, settings, shrink } = this.#draft;
    if (frames > 1 && frameByFrame(pass)) {
      const pixels = await this.#pixels();
      const still = await (pass.trim ? this.#trimOnce(pixels, pass.trim) : this.#ready(pass));
      return this.#eachFrame(
        (frame) => pixelsOf(this.#timed(apply(openPixels(frame), still, settings))),
        pixels,
      );
    }
    if (pass.trim?.alpha) return this.#trim(pass.trim);
    if (this.#busy) this.#image = (await this.#hold()).open();
    apply(this.#image, await this.#ready(pass), { ...settings, ...(first && { shrink }) });
    this.#busy = true;
  }

  /** Whether the pass works on what a decoder may have shrunk. */
  #isFirst(pass: Pass): boolean {
    const [first] = this.#draft.plan.known.parts;
    return first?.kind === "pass" && first.pass === pass && !this.#unshrunk;
  }

  /** Scales a picture in two steps, the second one in linear light; then does what else is in the pass. */
  async #scaleLinear(pass: Pass, { width, height, ...scale }: Scale, first: boolean): Promise<void> {
    const { trim, before, flatten, scale: _scale, ...rest } = pass;
    const earlier = { ...(trim && { trim }), ...(before && { before }), ...(flatten && { flatten }) };
    await this.#pass({ ...earlier, scale: coarse({ width, height, ...scale }) }, first);
    const held = await this.#hold();
    this.#image = held
      .open()
      .pipelineColourspace("scrgb")
      .resize({ width, height, fit: "fill" })
      .toColourspace(held.channels < 3 ? "b-w" : "srgb");
    if (!isEmpty(rest)) await this.#pass(rest, false);
  }

  /** Trims a picture of which some may be clear. Nothing else is in such a pass. */
  async #trim({ tolerance }: Slots["trim"]): Promise<void> {
    const held = await this.#hold();
    this.#image = held.open().trim(trimOf(await held.pixels(), tolerance));
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

  /** The pass with its layers drawn. */
  async #ready({ over, trim, ...others }: Pass): Promise<ReadyPass> {
    const rest = { ...others, ...(trim && { trim: { threshold: trim.tolerance } }) };
    if (!over) return rest;
    const ready: OverlayOptions[] = [];
    for (const one of over) {
      if (one.layer === undefined) ready.push(one);
      else ready.push(composed(await this.#layer(one.layer, one.base), one.layer));
    }
    const opaque = over.every((one) => one.opaque === true);
    return { ...rest, over: ready, ...(opaque && { opaque }) };
  }

  #layer(step: StepOf<"overlay">, base: Size): Promise<DrawnLayer> {
    this.#renderContext.signal.throwIfAborted();
    const { registry, settings } = this.#draft;
    const [renderContext, files, search] = [this.#renderContext, this.#files, this.#search];
    const draw = async (draft: Draft, start: Source | Pixels) => {
      const known = "data" in start ? draft : await search.found(draft, start);
      return new Run(known, files, renderContext, search).draw(start);
    };
    return drawLayer(step, base, { renderContext, registry, settings, files, draw });
  }

  /** A layer that cuts the picture to its own shape, or moves its pixels. */
  async #reshape(frame: Pixels, step: StepOf<"overlay">): Promise<Pixels> {
    const { pixels, placed, scope } = await this.#layer(step, frame);
    if (step.blend?.mode !== "displace") return pixelsOf(this.#timed(cutTo(frame, pixels, placed)));
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
    const { original, scope, registry, frames, output } = this.#draft;
    const current = { width: frame.width, height: frame.height };
    const size = sizeAfter(step, { original, current, scope }, registry);
    const { limits } = this.#renderContext;
    assertSizeAfter(step, current, size, { limits, frames, format: output.format });
    const done = await this.#renderContext.step(rawFrame(frame), step, size);
    if (!done) throw new MediaError("EUNSUPPORTED", `${step.op} is not supported for images`);
    return fromRawFrame(done);
  }

  /** Works on all frames, one by one. */
  async #eachFrame(work: (frame: Pixels) => Promise<Pixels>, pixels?: Pixels): Promise<void> {
    const done: Pixels[] = [];
    for (const frame of framesOf(pixels ?? (await this.#pixels()))) {
      this.#renderContext.signal.throwIfAborted();
      done.push(await work(frame));
    }
    this.#take(join(done));
  }

  /** Plans the steps that had to wait for the true size, under the same limits. */
  async #planRest({ rest, size, alpha, faces: known }: Known): Promise<Known> {
    const held = await this.#hold();
    const corner = held.trimmed ?? this.#trimmed;
    this.#trimmed = undefined;
    const faces = corner && known ? facesIn(known, size, { ...corner, ...held.size }) : known;
    this.#image = held.open();
    this.#busy = false;
    const { original, scope, output, frames, registry, linear } = this.#draft;
    const planner = new Planner({
      original,
      linear,
      current: held.size,
      scope,
      registry,
      alpha,
      animated: frames > 1,
      ...(faces && { faces }),
    });
    const plan = planner.take(rest).plan();
    assertSizes(plan, { limits: this.#renderContext.limits, frames, format: output.format });
    return plan.known;
  }

  #take(pixels: Pixels): void {
    this.#image = openPixels(pixels);
    this.#busy = false;
  }

  async #pixels(): Promise<Pixels> {
    this.#renderContext.signal.throwIfAborted();
    return pixelsOf(this.#timed(this.#image), this.#draft.frames);
  }

  async #hold(): Promise<Held> {
    if (!this.#draft.keeps) return holdPixels(await this.#pixels());
    this.#renderContext.signal.throwIfAborted();
    return holdWithMetadata(keep(this.#timed(this.#image), this.#draft.keeps));
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
      draft: this.#draft,
      animation: this.#animation,
      image: this.#image,
      hold: () => this.#hold(),
      timed: (image) => this.#timed(image),
      bounds: () => this.#bounds(),
    });
  }
}
