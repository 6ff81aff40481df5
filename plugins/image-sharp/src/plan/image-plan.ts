import { isDeepStrictEqual } from "node:util";
import {
  type FocusBox,
  type Header,
  type Job,
  type Limits,
  MediaError,
  type Output,
  type RenderContext,
  type Size,
  type Step,
} from "@mediatap/core";
import type { Rgba, Scope, StepRegistry } from "@mediatap/core/steps";
import { takesGainMap } from "../operations/pass.ts";
import type { Settings } from "../options.ts";
import { megapixels } from "../pixels/size.ts";
import { isVector } from "../read/decoded.ts";
import type { KnownBoxes, Search } from "../read/focus.ts";
import { DEFAULT_DENSITY } from "../read/libvips.ts";
import { decodedSize, densityFactor, firstScale, shrinkOnLoad } from "./decoder.ts";
import { chooseFormat, type WriteFormat } from "./format.ts";
import { checkSource, type Reading, readingOf } from "./reading.ts";
import { assertSizes, type KnownStages, Planner, type StepsPlan } from "./steps.ts";

/** Everything that is decided before any pixel is read. */
export interface ImagePlan extends Reading {
  readonly header: Header;
  readonly settings: Settings;
  readonly registry: StepRegistry;
  readonly output: Output;
  readonly scope: Scope;
  /** Dots per inch at which an SVG is drawn. */
  readonly density?: number;
  /** Dots per inch written as metadata. */
  readonly writtenDensity?: number;
  readonly keeps?: "metadata" | "profile";
  /** The picture's gain map is kept. */
  readonly gainMap?: boolean;
  /** Opaque pictures are scaled down in linear light. */
  readonly linear: boolean;
  /** Factor by which the decoder shrinks. */
  readonly shrink: number;
  /** What is searched once pixel work may start … */
  readonly searches: readonly Search[];
  /** … and the plan with the boxes that were found. Absent: nothing is searched. */
  readonly withBoxes?: (foundBoxes: readonly FocusBox[] | undefined) => ImagePlan;
  /** How it is written; of several the smallest is kept. */
  readonly writes: Writes;
  readonly why: string;
  /** The steps, with estimated sizes if only pixels show them. */
  readonly stepsPlan: StepsPlan;
}

/** A format, and whether its quality is searched. */
export interface Write {
  readonly format: WriteFormat;
  readonly searched: boolean;
}

export type Writes = readonly [Write, ...Write[]];

export interface PlanInput {
  readonly job: Pick<Job, "transformation" | "accept">;
  readonly header: Header;
  readonly renderContext: RenderContext;
  readonly registry: StepRegistry;
  readonly settings: Settings;
  /** Further variables: those of the picture below a layer. */
  readonly scope?: Scope;
  /** Left out: none is known. */
  readonly boxes?: KnownBoxes;
}

/** Decides what to do. Throws `ELIMIT`, `EINVAL` or `EUNSUPPORTED` for what cannot be done, before any pixel is read. */
export function planImage(input: PlanInput): ImagePlan {
  return planForOutput(input, input.job.transformation.output);
}

/** As `planImage`, with an output in which conditions are decided. */
function planForOutput(input: PlanInput, output: Output): ImagePlan {
  const { boxes, ...withoutBoxes } = input;
  const { job, header, renderContext, registry, scope: more } = input;
  const high = output.fidelity === "high";
  const settings = high ? { ...input.settings, fastShrinkOnLoad: false } : input.settings;
  const { limits } = renderContext;
  const requestedSteps = job.transformation.steps;
  const scope: Scope = { ...more, originalDensity: header.density ?? DEFAULT_DENSITY };
  const vector = isVector(header);
  const reading = readingOf(header, requestedSteps, output, scope);
  const { original, frames, page, time, dpi } = reading;
  const animated = frames > 1;
  // libvips does neither to frames nor to gain maps.
  const linear = high && !animated && !(settings.gainMaps && header.gainMap);

  // Boxes are those of the first frame.
  const isFirst = page === 0 && (time ?? 0) === 0;
  const known = isFirst ? boxes : undefined;
  const searches = known && "pending" in known ? known.pending : [];
  const faces = known && !("pending" in known) ? { faces: known } : {};
  const start = {
    original,
    current: original,
    scope,
    registry,
    alpha: header.alpha,
    animated,
    vector,
    linear,
    ...faces,
    searches,
  };
  const planner = new Planner(start).add(requestedSteps);
  const unflattened = planner.plan();
  const finalOutput = outputAfter(output, unflattened);
  if (!isDeepStrictEqual(finalOutput, output)) return planForOutput(input, finalOutput);
  const {
    format,
    others = [],
    why,
  } = chooseFormat(
    {
      output,
      accept: job.accept,
      header,
      steps: unflattened.steps.map(({ step }) => step),
      size: unflattened.size,
      alpha: unflattened.alpha,
      ...(unflattened.clearedBy && { clearedBy: unflattened.clearedBy }),
      animated,
      gainMap: settings.gainMaps && carriesGainMap(header, unflattened),
    },
    limits,
  );
  const needsBackground = format === "jpeg" && unflattened.alpha;
  const stepsPlan = needsBackground ? planner.add([flattenOn(settings.jpegBackground)]).plan() : unflattened;
  assertDecided(stepsPlan.known);
  const decoded = decodedSize(header, stepsPlan.stages, original);
  checkSource(decoded, frames, limits);
  assertSizes(stepsPlan, { limits, frames, format: output.format });
  checkResult(stepsPlan.size, frames, limits);
  const keeps = keepsOf(output, stepsPlan, frames);
  const gainMap =
    settings.gainMaps && format === "jpeg" && !others.length && carriesGainMap(header, stepsPlan);
  return {
    header,
    settings,
    registry,
    output,
    ...reading,
    scope,
    ...(header.format === "svg" && {
      density: (dpi ?? DEFAULT_DENSITY) * densityFactor(decoded, original, limits),
    }),
    ...(!vector && dpi !== undefined && { writtenDensity: dpi }),
    ...(keeps && { keeps }),
    ...(gainMap && { gainMap }),
    linear,
    shrink: gainMap
      ? 1
      : shrinkOnLoad(header.format, original, firstScale(stepsPlan.stages), settings.fastShrinkOnLoad),
    searches,
    ...(searches.length > 0 && {
      withBoxes: (foundBoxes) => planImage({ ...withoutBoxes, ...(foundBoxes && { boxes: foundBoxes }) }),
    }),
    writes: [format, ...others].map((format) => ({
      format,
      // sharp looks at no other setting of a JPEG with a gain map, and writes it slowly.
      searched: !gainMap && isSearched(format, output, frames),
    })) as unknown as Writes,
    why,
    stepsPlan,
  };
}

/** The output after the steps. */
function outputAfter(output: Output, { steps }: StepsPlan): Output {
  return Object.assign({}, output, ...steps.map(({ step }) => (step.op === "write" ? step.output : {})));
}

/** Throws `EUNSUPPORTED` where only pixels show how the result is written: encoders are chosen before. */
function assertDecided({ remaining }: KnownStages): void {
  const decides = (step: Step): boolean =>
    step.op === "when" &&
    [...step.then, ...step.else].some((inner) => inner.op === "write" || decides(inner));
  if (!remaining.some(decides)) return;
  throw new MediaError(
    "EUNSUPPORTED",
    "Not supported: output that depends on a size which only pixels tell (trim, angles)",
  );
}

export interface PixelsPlanInput extends Omit<PlanInput, "job" | "header"> {
  readonly size: Size;
  readonly steps: readonly Step[];
}

/** As `planImage`, for a layer that starts from rendered pixels. */
export function planPixels({
  size,
  steps,
  renderContext,
  registry,
  settings,
  scope = {},
}: PixelsPlanInput): ImagePlan {
  const output: Output = { format: "png" };
  const { width, height } = size;
  const original = { width, height };
  const start = { original, current: original, scope, registry, alpha: true, animated: false };
  const stepsPlan = new Planner(start).add(steps).plan();
  assertSizes(stepsPlan, { limits: renderContext.limits, frames: 1, format: output.format });
  return {
    header: { format: "raw", ...original, frames: 1, alpha: true, palette: false, depth: 8, orientation: 1 },
    settings,
    registry,
    output,
    original,
    scope,
    frames: 1,
    page: 0,
    searches: [],
    linear: false,
    shrink: 1,
    writes: [{ format: "png", searched: false }],
    why: "a layer",
    stepsPlan,
  };
}

/** Quality is searched for stills only: animations have too many frames, and PNG and GIF have no quality. */
const isSearched = (format: WriteFormat, { quality, lossless }: Output, frames: number): boolean =>
  quality === "auto" && !lossless && frames === 1 && format !== "png" && format !== "gif";

function checkResult(size: Size, frames: number, limits: Limits): void {
  const received = megapixels(size) * frames;
  if (received <= limits.outputMegapixels) return;
  throw new MediaError(
    "ELIMIT",
    `Expected a result of at most ${limits.outputMegapixels} megapixels but received ${received.toFixed(1)}`,
  );
}

function flattenOn(hex: string): Step {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [
    number,
    number,
    number,
  ];
  const color: Rgba = { r, g, b, alpha: 1 };
  return { op: "flatten", background: { kind: "color", color } };
}

/** Shortest side in pixels that keeps a gain map, which is several times smaller. */
const MIN_GAIN_MAP_SIDE = 64;

/** Whether a gain map can be kept: of an upright picture, through one pipeline that transforms it as well. */
function carriesGainMap(
  { gainMap, orientation }: Header,
  { stages, known, size, alpha }: StepsPlan,
): boolean {
  if (!gainMap || orientation > 2 || stages.length > 1 || known.remaining.length > 0 || alpha) return false;
  const [stage] = stages;
  const small = Math.min(size.width, size.height) < MIN_GAIN_MAP_SIDE;
  return !small && (stage === undefined || (stage.kind === "pass" && takesGainMap(stage.pass)));
}

/** A profile or metadata go along only where no pixels have to be taken out in between. */
function keepsOf(output: Output, { stages }: StepsPlan, frames: number): ImagePlan["keeps"] {
  const request =
    output.metadata === "keep" ? "metadata" : output.colorProfile === "keep" ? "profile" : undefined;
  return frames === 1 && stages.every(({ kind }) => kind === "pass") ? request : undefined;
}
