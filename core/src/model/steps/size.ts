import { z } from "zod";
import type { Paint } from "../colour.ts";
import type { Expression } from "../expression.ts";
import type { StepOf } from "../transformation.ts";
import { foldFields, without } from "./canonical.ts";
import { facesAfterExtract, facesAfterResize } from "./follow.ts";
import { extractGeometry, resizeGeometry } from "./geometry.ts";
import type { StepDefinition } from "./registry.ts";
import { expression, focus, paint } from "./schema.ts";

declare module "../transformation.ts" {
  interface Steps {
    /** Scales, and crops or pads where `fit` says so. Without both dimensions the other follows the ratio. */
    resize: {
      readonly width?: Length;
      readonly height?: Length;
      /** Width / height; counts only beside exactly one of `width` and `height`. */
      readonly ratio?: Expression;
      /**
       * `cover`: fill the box, crop the excess · `contain`: fit inside, pad to the box · `fill`: stretch ·
       * `inside`: fit inside · `outside`: smallest picture that covers the box.
       */
      readonly fit: "cover" | "contain" | "fill" | "inside" | "outside";
      /** Whether a small picture may be scaled up. */
      readonly enlarge: boolean;
      /** Without `enlarge`: a size for which the picture would have to be scaled up is refused. Left out: it is as large as it can be. */
      readonly larger?: "error";
      /** Multiplies width and height; ignored where a result would leave 1–5000 px. Zero or less is an error. */
      readonly dpr?: Expression;
      /** For `cover` and `contain`. Left out: the centre. */
      readonly focus?: Focus;
      /** For `cover` around faces: above 1 the crop shows so much less of what is around them. @default 1 */
      readonly zoom?: number;
      /**
       * For `cover`: where the middle of the crop falls between two pixels, the crop lies at the one after it, as other servers have it. Left out:
       * at the one before it.
       */
      readonly rounding?: "up";
      /** For `contain`; an opaque colour also lies behind clear parts of the picture. Left out: black, around it only. */
      readonly background?: Paint;
    };
    /**
     * Cuts a window out of the unscaled picture. A missing dimension is the picture's; with neither of them `faces` cuts the
     * box that holds all faces, made wider or higher up to `ratio`.
     */
    extract: {
      readonly width?: Length;
      readonly height?: Length;
      /** As in `resize`. */
      readonly ratio?: Expression;
      readonly dpr?: Expression;
      /** The window's corner (`from: "corner"`) or its middle; a missing one of the pair is 0. */
      readonly at?: { readonly from: "corner" | "center"; readonly x: Length; readonly y: Length };
      /** Where the window lies when `at` is left out. */
      readonly focus?: Focus;
      /** Around faces: below 1 the window shows more of what is around them, above 1 less. Its size stays. @default 1 */
      readonly zoom?: number;
      /** A window that leaves the picture: an error, cut to what is there, or padded. */
      readonly outside: "error" | "clip" | "pad";
      /** `false`: the window grows to hold the whole picture (`pad` only). */
      readonly shrink: boolean;
      /** As in `resize`. */
      readonly background?: Paint;
    };
  }
}

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
    larger: z.literal("error").exactOptional(),
    dpr: dpr.exactOptional(),
    focus: focus.exactOptional(),
    zoom: zoom.exactOptional(),
    rounding: z.literal("up").exactOptional(),
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
      ...(tidied.fit === "cover" ? [] : (["zoom", "rounding"] as const)),
      ...(tidied.fit === "contain" ? [] : ["background" as const]),
      ...(tidied.enlarge ? ["larger" as const] : []),
    );
  },
  size: (step, stage) => resizeGeometry(step, stage).size,
  faces: (step, stage) => facesAfterResize(step, stage, resizeGeometry(step, stage)),
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
  faces: (step, stage) => facesAfterExtract(step, stage, extractGeometry(step, stage)),
};

/** Steps that set the size. */
export const sizeSteps = { resize, extract };
