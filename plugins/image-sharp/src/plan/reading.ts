import {
  type Header,
  invalid,
  type Limits,
  MediaError,
  type Output,
  type Size,
  type Step,
  type StepOf,
} from "@mediatap/core";
import { evaluate, type Scope, scopeOf } from "@mediatap/core/steps";
import { megapixels } from "../pixels/size.ts";
import { isVector } from "../read/decoded.ts";
import { DEFAULT_DENSITY } from "../read/libvips.ts";

/** What is read of a source. */
export interface Reading {
  /** Upright size of the source's page; of a drawing, at the resolution it is drawn at. */
  readonly original: Size;
  /** Frames read; above 1 the result is animated. */
  readonly frames: number;
  /** Frame to start from, counted from 0. */
  readonly page: number;
  /** Of a video: the moment that is shown, in seconds. */
  readonly time?: number;
  /** Requested dots per inch. */
  readonly dpi?: number;
}

/**
 * What steps and output ask of a source. Throws `EINVAL` for a page or a moment that it does not have, and for a density that no file
 * can have.
 */
export function readingOf(header: Header, steps: readonly Step[], output: Output, scope: Scope): Reading {
  const frame = steps.find((step) => step.op === "frame");
  const page = frame ? pageOf(frame, header) : 0;
  const time = frame && timeOf(frame, header);
  const dpi = output.density === undefined ? undefined : densityOf(evaluate(output.density, scope));
  const factor = isVector(header) && dpi !== undefined ? dpi / DEFAULT_DENSITY : 1;
  const { width, height } = header.pages?.[page] ?? header;
  return {
    original: {
      width: Math.max(1, Math.round(width * factor)),
      height: Math.max(1, Math.round(height * factor)),
    },
    frames: !frame && keepsAnimation(header, output) ? header.frames : 1,
    page,
    ...(time !== undefined && { time }),
    ...(dpi !== undefined && { dpi }),
  };
}

/** Whether the source moves, and the format can. */
const keepsAnimation = ({ frames, format }: Header, output: Output): boolean =>
  frames > 1 &&
  ["gif", "webp", "apng"].includes(format) &&
  !["avif", "jpeg", "png"].includes(output.format ?? "auto");

function pageOf({ page }: StepOf<"frame">, { frames }: Header): number {
  if (page > frames) {
    throw new MediaError("EINVAL", `Expected a page from 1 to ${frames} but received ${page}`);
  }
  return page - 1;
}

/** The time of a still in a video, in seconds. */
function timeOf(step: StepOf<"frame">, { duration, width, height }: Header): number | undefined {
  if (step.time === undefined || duration === undefined) return undefined;
  const time = evaluate(
    step.time,
    scopeOf({ width, height }, { width, height }, { originalDuration: duration }),
  );
  if (time >= 0 && time < duration) return time;
  throw invalid("the time of a still", `seconds from 0 to below ${Number(duration.toFixed(2))}`, time);
}

/** The range that file formats can hold and that ImageKit allows. */
function densityOf(value: number): number {
  if (value < 1 || value > 1200) {
    throw new MediaError("EINVAL", `Expected a density from 1 to 1200 but received ${value}`);
  }
  return value;
}

/** Throws `ELIMIT` for a source that is too large, read in this size. */
export function checkSource(source: Size, frames: number, limits: Limits): void {
  const one = megapixels(source);
  const problem =
    frames > limits.frames
      ? `at most ${limits.frames} frames but received ${frames}`
      : frames > 1 && one > limits.frameMegapixels
        ? `at most ${limits.frameMegapixels} megapixels a frame but received ${one.toFixed(1)}`
        : one * frames > limits.megapixels
          ? `at most ${limits.megapixels} megapixels but received ${(one * frames).toFixed(1)}`
          : undefined;
  if (problem) throw new MediaError("ELIMIT", `Expected a source of ${problem}`);
}
