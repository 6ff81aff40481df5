import type { Paint, Step } from "@mediatap/core";
import { geometry } from "./modes.ts";
import type { Values } from "./parameters.ts";
import type { Reading } from "./reading.ts";
import { isMoving } from "./wanted.ts";

/**
 * One step of the language → steps of the Transformation, in the language's fixed order: trim, resize or crop,
 * rotate and flip, colours and filters, blur, gradient, distortion, shadow, corners, border, opacity and background.
 */
export function stepsOf(values: Values, reading: Reading): Step[] {
  const { step: box, padded } = geometry(values, reading);
  const steps: Step[] = [];
  if (values.t) steps.push({ op: "trim", tolerance: values.t });
  if (box) steps.push(box);
  if (values.rt) steps.push({ op: "rotate", angle: values.rt });
  if (values.fl) steps.push({ op: "flip", ...values.fl });
  if (values.cr) steps.push({ op: "recolor", ...values.cr });
  if (values["e-grayscale"]) steps.push({ op: "grayscale" });
  if (values["e-contrast"]) steps.push({ op: "contrast" });
  if (values["e-sharpen"] !== undefined) steps.push({ op: "sharpen", amount: values["e-sharpen"] });
  if (values["e-usm"]) steps.push({ op: "unsharp", ...values["e-usm"] });
  if (values["e-colorize"]) steps.push({ op: "colorize", ...values["e-colorize"] });
  if (values.bl !== undefined) steps.push({ op: "blur", sigma: sigmaOf(values.bl) });
  if (values["e-gradient"]) steps.push({ op: "gradient", ...values["e-gradient"] });
  if (values["e-distort"]) steps.push({ op: "distort", ...values["e-distort"] });
  if (values["e-shadow"]) steps.push({ op: "shadow", ...values["e-shadow"] });
  if (values.r && !isSquare(values.r)) steps.push({ op: "round", radius: values.r });
  if (values.b && values.b.width !== 0) steps.push({ op: "border", ...values.b });
  const faded = values.o !== undefined && values.o < 100;
  if (values.o !== undefined && faded) steps.push({ op: "opacity", value: values.o / 100 });
  // Padding has used the background up, unless later operations opened new holes in the picture.
  const turned = (values.rt ?? 0) % 90 !== 0 || values["e-distort"] !== undefined;
  // Videos have no clear parts: what corners leave is filled.
  const holes = faded || turned || (values.r !== undefined && isMoving(reading.wanted));
  const background = values.bg && (!padded || holes) ? behind(values.bg, faded) : undefined;
  if (background) steps.push({ op: "flatten", background });
  return steps;
}

/** Blur radius → sigma, by the formula in the documentation of sharp. */
export function sigmaOf(radius: number): number {
  return 1 + radius / 2;
}

export function radiusOf(sigma: number): number {
  return Math.round((sigma - 1) * 2);
}

function isSquare(radius: NonNullable<Values["r"]>): boolean {
  return radius !== "max" && radius.every((corner) => corner === 0);
}

/** What lies behind a picture. A blurred copy exists only as padding; behind a faded picture colours are opaque. */
function behind(paint: Paint, opaque: boolean): Paint | undefined {
  if (paint.kind === "blurred") return undefined;
  if (paint.kind === "color" && opaque) return { kind: "color", color: { ...paint.color, alpha: 1 } };
  return paint;
}
