import type { Step } from "@mediatap/core";
import type { Paint } from "@mediatap/core/steps";
import { geometry } from "./modes.ts";
import { stepFor, stepsFor } from "./operations.ts";
import type { Values } from "./parameters.ts";
import type { Reading } from "./reading.ts";
import { isMoving } from "./wanted.ts";

/**
 * One step of the language → steps of the Transformation, in the language's fixed order: trim, resize or crop,
 * rotate and flip, colours and filters, blur, gradient, distortion, shadow, corners, border, opacity and background.
 */
export function stepsOf(values: Values, reading: Reading): Step[] {
  const { step: box, padded } = geometry(values, reading);
  const steps = [...stepFor("t", values), ...(box ? [box] : []), ...stepsFor(values)];
  const faded = values.o !== undefined && values.o < 100;
  // Padding has used the background up, unless later operations opened new holes in the picture.
  const turned = (values.rt ?? 0) % 90 !== 0 || values["e-distort"] !== undefined;
  // Videos have no clear parts: what corners leave is filled.
  const holes = faded || turned || (values.r !== undefined && isMoving(reading.wanted));
  const background = values.bg && (!padded || holes) ? behind(values.bg, faded) : undefined;
  if (background) steps.push({ op: "flatten", background });
  return steps;
}

/** What lies behind a picture. A blurred copy exists only as padding; behind a faded picture colours are opaque. */
function behind(paint: Paint, opaque: boolean): Paint | undefined {
  if (paint.kind === "blurred") return undefined;
  if (paint.kind === "color" && opaque) return { kind: "color", color: { ...paint.color, alpha: 1 } };
  return paint;
}
