import { invalid, type Limits, MediaError } from "@mediatap/core";
import type { Pixels } from "../pixels/buffer.ts";
import { measureBox, renderBox } from "./box.ts";
import type { Fonts } from "./fonts.ts";
import { layOut, lineWidthOf } from "./ink.ts";
import { MAX_CHARACTERS } from "./runs.ts";
import type { TextBox } from "./style.ts";

export { type FontRef, Fonts, type FontsOptions, readFont } from "./fonts.ts";
export type { TextBox } from "./style.ts";

export interface TextTools {
  readonly fonts: Fonts;
  readonly limits: Limits;
  readonly signal?: AbortSignal;
}

/** Pixels up to which a text is not measured first. */
const MAX_UNMEASURED_PIXELS = 4e6;

/** Font size in pixels with which a text is measured, and the error factor of that measurement. */
const MEASURE_FONT_SIZE = 8;
const MEASURE_TOLERANCE = 1.25;

/** Squares of the font's height that a character takes at most. */
const SQUARES_PER_CHARACTER = 2;

/**
 * Renders a text. The picture is as large as what can be seen of the text, and its padding. With a background and a width it is
 * as wide as that, and what sticks out (a letter wider than the box) is cut off. A text of which nothing can be seen is clear.
 * Equal boxes give equal bytes, on all machines with the same fonts. Throws `EINVAL` for sizes that make no sense and for
 * fonts that are none, `ELIMIT` where a side or the area exceeds `limits.outputSide` or `limits.outputMegapixels`.
 */
export async function renderText(box: TextBox, { fonts, limits, signal }: TextTools): Promise<Pixels> {
  check(box, limits);
  assertFits(measureBox(undefined, box), limits);
  const layout = await layOut(box, fonts);
  signal?.throwIfAborted();
  const needsMeasure = layout?.custom || areaOf(box) > MAX_UNMEASURED_PIXELS;
  if (layout && needsMeasure && box.size > MEASURE_FONT_SIZE) {
    const scale = MEASURE_FONT_SIZE / box.size;
    const small = await layout.render(scale);
    const estimate = (side: number) => side / scale / MEASURE_TOLERANCE;
    if (small) {
      assertFits(measureBox({ width: estimate(small.width), height: estimate(small.height) }, box), limits);
    }
    signal?.throwIfAborted();
  }
  const ink = await layout?.render(1);
  if (ink) assertFits(measureBox(ink, box), limits);
  return renderBox(ink, box);
}

/** Estimated milliseconds of one core. */
export function textCost(box: TextBox): number {
  return Math.ceil(10 + 0.02 * Math.min(box.text.length, MAX_CHARACTERS) + (12 * areaOf(box)) / 1e6);
}

/** Estimated bytes that drawing a text takes at most, limits kept. */
export function textMemory(box: TextBox, limits: Limits): number {
  return 3 * 4 * Math.min(areaOf(box), limits.outputMegapixels * 1e6);
}

/** Pixels that a text takes, at the worst of what is usual. */
const areaOf = ({ text, size, width = 0, padding: [top, right, bottom, left] }: TextBox): number =>
  SQUARES_PER_CHARACTER * Math.min(text.length, MAX_CHARACTERS) * size ** 2 +
  (top + bottom) * Math.max(width, left + right);

function check(box: TextBox, { outputSide }: Limits): void {
  const { size, width, lineHeight, padding, color, background } = box;
  const side = (name: string, value: number | undefined, least: number) => {
    if (value === undefined) return;
    if (!(value >= least)) throw invalid(`the ${name} of a text`, `at least ${least} px`, value);
    if (value > outputSide) {
      throw new MediaError("ELIMIT", `Expected at most ${outputSide} px for the ${name} of a text`);
    }
  };
  side("font size", size, 1);
  side("width", width, 1);
  side("line height", lineHeight, 1);
  for (const value of padding) side("padding", value, 0);
  const lineWidth = lineWidthOf(box);
  if (lineWidth !== undefined && lineWidth < 1)
    throw invalid("the padding of a text", "less than its width", width);
  for (const paint of [color, background]) {
    if (paint && !Object.values(paint).every(Number.isFinite)) throw invalid("a colour", "numbers", "others");
  }
}

function assertFits(
  { width, height, left, right, top, bottom }: ReturnType<typeof measureBox>,
  { outputSide, outputMegapixels }: Limits,
): void {
  const [w, h] = [Math.ceil(left + width + right), Math.ceil(top + height + bottom)];
  if (Math.max(w, h) > outputSide) {
    throw new MediaError(
      "ELIMIT",
      `Expected at most ${outputSide} px a side for a text but it takes ${w}x${h}`,
    );
  }
  if (w * h > outputMegapixels * 1e6) {
    throw new MediaError(
      "ELIMIT",
      `Expected at most ${outputMegapixels} MP for a text but it takes ${w}x${h}`,
    );
  }
}
