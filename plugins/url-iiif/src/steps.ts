import { invalid, type Step, type StepOf } from "@mediatap/core";
import type { ReadContext, Rule } from "@mediatap/core/language";
import type { Expression } from "@mediatap/core/steps";
import { type IiifValues, percentIn, percentOf, type Size } from "./parameters.ts";

/** Factor for the area that rounding to pixels can add. */
const ROUNDING_FACTOR = 0.999;

/** The side of a picture with this area and the ratio of the one before. */
const areaSide = (operator: "mul" | "div", area: number): Expression => [
  "pow",
  [operator, area, "currentRatio"],
  0.5,
];

const withArea = (area: number, enlarge: boolean): Step => ({
  op: "resize",
  width: areaSide("mul", area),
  height: areaSide("div", area),
  fit: "inside",
  enlarge,
});

const isArea = ({ width }: StepOf<"resize">) => Array.isArray(width) && width[0] === "pow";

/** Whether images may be scaled up here. */
const enlarges = ({ endpoint }: Pick<ReadContext, "endpoint">) => endpoint.enlarge !== false;

/** The largest size: only limits of the server make it smaller than the region. */
function maximum(isUpscaled: boolean, context: ReadContext): readonly Step[] {
  const { megapixels, outputMegapixels } = context.limits;
  const area = outputMegapixels * 1e6 * ROUNDING_FACTOR;
  if (isUpscaled && enlarges(context)) return [withArea(area, true)];
  return outputMegapixels < megapixels ? [withArea(area, false)] : [];
}

/** Throws `EINVAL` for a side that no rendition of the endpoint has. */
function assertSides({ width = 0, height = 0 }: Size, { endpoint: { maxSide } }: ReadContext): void {
  const longest = Math.max(width, height);
  if (maxSide !== undefined && longest > maxSide) {
    throw invalid("size", `at most ${maxSide} pixels a side`, longest);
  }
}

const size: Rule<IiifValues> = {
  uses: ["version", "size"],
  steps({ version = 3, size }, context) {
    if (!size) return maximum(false, context);
    const { kind, isUpscaled, percent = 100, width, height } = size;
    if (version === 2 && isUpscaled) throw invalid("size", "a size of version 2, without ^", "^");
    if (version === 3 && kind === "full")
      throw invalid("size", "max, which replaces full in version 3", kind);
    const enlarge = (isUpscaled || version === 2) && enlarges(context);
    const larger = enlarge ? {} : ({ larger: "error" } as const);
    const sides = { ...(width !== undefined && { width }), ...(height !== undefined && { height }) };
    switch (kind) {
      case "max":
      case "full":
        return maximum(isUpscaled, context);
      case "percent": {
        if (percent > 100 && !isUpscaled && version === 3) {
          throw invalid("size", "at most 100 percent without ^", percent);
        }
        if (percent === 100) return [];
        const box = {
          width: percentOf("currentWidth", percent),
          height: percentOf("currentHeight", percent),
        };
        const how = percent > 100 ? { enlarge, ...larger } : { enlarge: false };
        return [{ op: "resize", ...box, fit: "fill", ...how }];
      }
      case "exact": {
        assertSides(size, context);
        const isBox = width !== undefined && height !== undefined;
        return [{ op: "resize", ...sides, fit: isBox ? "fill" : "inside", enlarge, ...larger }];
      }
      case "confined":
        return [{ op: "resize", ...sides, fit: "inside", enlarge: isUpscaled && enlarges(context) }];
    }
  },
  fromStep(step) {
    if (step.op !== "resize") return undefined;
    const { width, height, fit, enlarge, larger } = step;
    if (isArea(step)) return { size: { kind: "max", isUpscaled: enlarge } };
    const percent = percentIn(width);
    if (percent !== undefined) return { size: { kind: "percent", isUpscaled: percent > 100, percent } };
    const sides = [width, height].filter((side) => side !== undefined);
    if (!sides.every((side) => typeof side === "number")) return undefined;
    const box = {
      ...(typeof width === "number" && { width }),
      ...(typeof height === "number" && { height }),
    };
    const isExact = fit === "fill" || enlarge || larger !== undefined;
    const isConfined = fit === "inside" && sides.length === 2;
    return isConfined || isExact
      ? { size: { kind: isConfined ? "confined" : "exact", isUpscaled: enlarge, ...box } }
      : undefined;
  },
};

const rotation: Rule<IiifValues> = {
  uses: ["!", "rotation"],
  steps: ({ "!": isMirrored, rotation: angle = 0 }) => [
    ...(isMirrored ? [{ op: "flip", horizontal: true, vertical: false } as const] : []),
    ...(angle % 360 === 0 ? [] : [{ op: "rotate", angle } as const]),
  ],
  fromStep(step) {
    if (step.op === "flip") return { "!": true };
    return step.op === "rotate" && !step.background ? { rotation: step.angle } : undefined;
  },
};

export const ORDER = ["region", size, rotation, "quality"] as const;
