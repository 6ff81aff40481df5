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
import { assertSizes, type Known, type Planned, Planner } from "./steps.ts";

/** All that is decided of a picture before any pixel is read. */
export interface Draft extends Reading {
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
  /** The picture's gain map goes along. */
  readonly gainMap?: boolean;
  /** Opaque pictures are scaled down in linear light. */
  readonly linear: boolean;
  /** Factor by which the decoder shrinks. */
  readonly shrink: number;
  /** What is looked for once pixel work may begin … */
  readonly searches: readonly Search[];
  /** … and the draft with what was found. Left out: nothing is looked for. */
  readonly withBoxes?: (found: readonly FocusBox[] | undefined) => Draft;
  /** How it is written; of several the smallest is kept. */
  readonly writes: Writes;
  readonly why: string;
  /** The steps, with sizes guessed where only pixels tell them. */
  readonly plan: Planned;
}

/** A format, and whether its quality is looked for. */
export interface Write {
  readonly format: WriteFormat;
  readonly searched: boolean;
}

export type Writes = readonly [Write, ...Write[]];

export interface DraftInput {
  readonly job: Pick<Job, "transformation" | "accept">;
  readonly header: Header;
  readonly renderContext: RenderContext;
  readonly registry: StepRegistry;
  readonly settings: Settings;
  /** Further variables: those of the picture on which a layer is laid. */
  readonly scope?: Scope;
  /** Left out: none is known. */
  readonly boxes?: KnownBoxes;
}

/** Decides what to do. Throws `ELIMIT`, `EINVAL` or `EUNSUPPORTED` for what cannot be done, before any pixel is read. */
export function draftOf(input: DraftInput): Draft {
  return draftFor(input, input.job.transformation.output);
}

/** As `draftOf`, with an output in which conditions have had their say. */
function draftFor(input: DraftInput, output: Output): Draft {
  const { boxes, ...withoutBoxes } = input;
  const { job, header, renderContext, registry, scope: more } = input;
  const high = output.fidelity === "high";
  const settings = high ? { ...input.settings, fastShrinkOnLoad: false } : input.settings;
  const { limits } = renderContext;
  const asked = job.transformation.steps;
  const scope: Scope = { ...more, originalDensity: header.density ?? DEFAULT_DENSITY };
  const vector = isVector(header);
  const reading = readingOf(header, asked, output, scope);
  const { original, frames, page, time, dpi } = reading;
  const animated = frames > 1;
  // libvips does neither to frames nor to gain maps.
  const linear = high && !animated && !(settings.gainMaps && header.gainMap);

  // They are those of the first frame.
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
  const planner = new Planner(start).take(asked);
  const trial = planner.plan();
  const written = outputAfter(output, trial);
  if (!isDeepStrictEqual(written, output)) return draftFor(input, written);
  const {
    format,
    others = [],
    why,
  } = chooseFormat(
    {
      output,
      accept: job.accept,
      header,
      steps: trial.taken.map(({ step }) => step),
      size: trial.size,
      alpha: trial.alpha,
      ...(trial.clearedBy && { clearedBy: trial.clearedBy }),
      animated,
      gainMap: settings.gainMaps && carriesGainMap(header, trial),
    },
    limits,
  );
  const isClear = format === "jpeg" && trial.alpha;
  const plan = isClear ? planner.take([onBackground(settings.jpegBackground)]).plan() : trial;
  assertDecided(plan.known);
  const drawn = decodedSize(header, plan.parts, original);
  checkSource(drawn, frames, limits);
  assertSizes(plan, { limits, frames, format: output.format });
  checkResult(plan.size, frames, limits);
  const keeps = keepsOf(output, plan, frames);
  const gainMap = settings.gainMaps && format === "jpeg" && !others.length && carriesGainMap(header, plan);
  return {
    header,
    settings,
    registry,
    output,
    ...reading,
    scope,
    ...(header.format === "svg" && {
      density: (dpi ?? DEFAULT_DENSITY) * densityFactor(drawn, original, limits),
    }),
    ...(!vector && dpi !== undefined && { writtenDensity: dpi }),
    ...(keeps && { keeps }),
    ...(gainMap && { gainMap }),
    linear,
    shrink: gainMap
      ? 1
      : shrinkOnLoad(header.format, original, firstScale(plan.parts), settings.fastShrinkOnLoad),
    searches,
    ...(searches.length > 0 && {
      withBoxes: (found) => draftOf({ ...withoutBoxes, ...(found && { boxes: found }) }),
    }),
    writes: [format, ...others].map((format) => ({
      format,
      // sharp looks at no other setting of a JPEG with a gain map, and writes it slowly.
      searched: !gainMap && isSearched(format, output, frames),
    })) as unknown as Writes,
    why,
    plan,
  };
}

/** The output as the branches taken want it. */
function outputAfter(output: Output, { taken }: Planned): Output {
  return Object.assign({}, output, ...taken.map(({ step }) => (step.op === "write" ? step.output : {})));
}

/** Throws `EUNSUPPORTED` where only pixels tell how the result is written: encoders are chosen before. */
function assertDecided({ rest }: Known): void {
  const decides = (step: Step): boolean =>
    step.op === "when" &&
    [...step.then, ...step.else].some((inner) => inner.op === "write" || decides(inner));
  if (!rest.some(decides)) return;
  throw new MediaError(
    "EUNSUPPORTED",
    "Not supported: output that depends on a size which only pixels tell (trim, angles)",
  );
}

export interface PixelsInput extends Omit<DraftInput, "job" | "header"> {
  readonly size: Size;
  readonly steps: readonly Step[];
}

/** As `draftOf`, for a layer that starts from pixels that were drawn. */
export function draftOfPixels({
  size,
  steps,
  renderContext,
  registry,
  settings,
  scope = {},
}: PixelsInput): Draft {
  const output: Output = { format: "png" };
  const { width, height } = size;
  const original = { width, height };
  const start = { original, current: original, scope, registry, alpha: true, animated: false };
  const plan = new Planner(start).take(steps).plan();
  assertSizes(plan, { limits: renderContext.limits, frames: 1, format: output.format });
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
    plan,
  };
}

/** Only quality of stills is looked for: frames are too many, and other formats have none. */
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

function onBackground(hex: string): Step {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [
    number,
    number,
    number,
  ];
  const color: Rgba = { r, g, b, alpha: 1 };
  return { op: "flatten", background: { kind: "color", color } };
}

/** Pixels below which a side is too short for a gain map, which is several times smaller. */
const SMALLEST_MAPPED = 64;

/** Whether a gain map can go along: with an upright picture, through one pipeline that knows how to treat it. */
function carriesGainMap({ gainMap, orientation }: Header, { parts, known, size, alpha }: Planned): boolean {
  if (!gainMap || orientation > 2 || parts.length > 1 || known.rest.length > 0 || alpha) return false;
  const [part] = parts;
  const small = Math.min(size.width, size.height) < SMALLEST_MAPPED;
  return !small && (part === undefined || (part.kind === "pass" && takesGainMap(part.pass)));
}

/** A profile or metadata go along only where no pixels have to be taken out in between. */
function keepsOf(output: Output, { parts }: Planned, frames: number): Draft["keeps"] {
  const request =
    output.metadata === "keep" ? "metadata" : output.colorProfile === "keep" ? "profile" : undefined;
  return frames === 1 && parts.every(({ kind }) => kind === "pass") ? request : undefined;
}
