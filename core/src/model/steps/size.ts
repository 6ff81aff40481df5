import { z } from "zod";
import type { StepOf } from "../transformation.ts";
import { foldFields, without } from "./canonical.ts";
import { extractGeometry, megapixels, resizeGeometry } from "./geometry.ts";
import type { StepDefinition } from "./registry.ts";
import { expression, focus, paint } from "./schema.ts";

const dpr = expression.refine(
  (value) => typeof value !== "number" || value > 0,
  "Expected a positive number",
);

const zoom = z.number().positive();

/** `ratio` and `zoom` where they do not count, a `dpr` of 1 and the default focus are left out: equal requests are equal. */
function tidy<S extends StepOf<"resize"> | StepOf<"extract">>(step: S): S {
  const single = (step.width === undefined) !== (step.height === undefined);
  const none = step.width === undefined && step.height === undefined;
  const folded = foldFields<S>(step, "width", "height", "ratio", "dpr");
  return without<S>(
    folded,
    ...(single || (none && step.focus === "faces") ? [] : ["ratio" as const]),
    ...(none || folded.dpr === 1 ? ["dpr" as const] : []),
    ...(step.focus === "center" ? ["focus" as const] : []),
    ...(step.focus !== "faces" || step.zoom === 1 ? ["zoom" as const] : []),
  );
}

const resize: StepDefinition<StepOf<"resize">> = {
  schema: z.strictObject({
    op: z.literal("resize"),
    width: expression.exactOptional(),
    height: expression.exactOptional(),
    ratio: expression.exactOptional(),
    fit: z.enum(["cover", "contain", "fill", "inside", "outside"]),
    enlarge: z.boolean(),
    dpr: dpr.exactOptional(),
    focus: focus.exactOptional(),
    zoom: zoom.exactOptional(),
    background: paint.exactOptional(),
  }),
  canonical(step) {
    const { width, height, ratio } = step;
    if (width === undefined && height === undefined) return undefined;
    const single = (width === undefined || height === undefined) && ratio === undefined;
    const tidied = tidy(single ? { ...step, fit: "inside" as const } : step);
    return without<StepOf<"resize">>(
      tidied,
      ...(tidied.fit === "cover" || tidied.fit === "contain" ? [] : ["focus" as const]),
      ...(tidied.fit === "cover" ? [] : ["zoom" as const]),
      ...(tidied.fit === "contain" ? [] : ["background" as const]),
    );
  },
  size: (step, stage) => resizeGeometry(step, stage).size,
  // Each pixel of the larger side is read or written once; writing between others takes more of them.
  cost: (_step, before, after) =>
    Math.max(4 * megapixels(before), megapixels(after) > megapixels(before) ? 20 * megapixels(after) : 0),
};

const extract: StepDefinition<StepOf<"extract">> = {
  schema: z.strictObject({
    op: z.literal("extract"),
    width: expression.exactOptional(),
    height: expression.exactOptional(),
    ratio: expression.exactOptional(),
    dpr: dpr.exactOptional(),
    at: z.strictObject({ from: z.enum(["corner", "center"]), x: expression, y: expression }).exactOptional(),
    focus: focus.exactOptional(),
    zoom: zoom.exactOptional(),
    outside: z.enum(["error", "clip", "pad"]),
    shrink: z.boolean(),
    background: paint.exactOptional(),
  }),
  canonical(step) {
    const tidied = tidy(step.at ? { ...step, at: foldFields(step.at, "x", "y") } : step);
    return without<StepOf<"extract">>(
      step.outside === "pad" ? tidied : { ...tidied, shrink: true },
      ...(step.at ? (["focus", "zoom"] as const) : []),
      ...(step.outside === "pad" ? [] : ["background" as const]),
    );
  },
  size: (step, stage) => extractGeometry(step, stage).size,
};

/** Steps that set the size. */
export const sizeSteps = { resize, extract };
