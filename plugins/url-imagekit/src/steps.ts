import type { Step, StepOf } from "@mediatap/core";
import type { Focus, Length, Paint } from "@mediatap/core/steps";
import { stepFor, stepsFor } from "./operations.ts";
import { MODES, type Values } from "./parameters.ts";
import type { Reading } from "./reading.ts";
import { SEARCHED } from "./values.ts";
import { isMoving } from "./wanted.ts";

type Resize = StepOf<"resize">;
type Extract = StepOf<"extract">;
type Cutting = Pick<Extract, "outside" | "shrink">;

/**
 * One step of the language → steps of the Transformation, in the language's fixed order: trim, resize or crop,
 * rotate and flip, colours and filters, blur, gradient, distortion, shadow, corners, border, opacity and background.
 */
export function stepsOf(values: Values, reading: Reading): Step[] {
  const { step: box, padded } = geometry(values, reading);
  const steps: Step[] = [];
  stepFor("t", values, steps);
  if (box) steps.push(box);
  stepsFor(values, steps);
  const faded = values.o !== undefined && values.o < 100;
  // Padding has used the background up, unless later operations opened new holes in the picture.
  const turned = (values.rt ?? 0) % 90 !== 0 || values["e-distort"] !== undefined;
  // Videos have no clear parts: what corners leave is filled.
  const holes = faded || turned || (values.r !== undefined && isMoving(reading.wanted));
  const background = values.bg && (!padded || holes) ? backgroundOf(values.bg, faded) : undefined;
  if (background) steps.push({ op: "flatten", background });
  return steps;
}

/** The background of a picture. A blurred copy exists only as padding; below a faded picture colours are opaque. */
function backgroundOf(paint: Paint, opaque: boolean): Paint | undefined {
  if (paint.kind === "blurred") return undefined;
  if (paint.kind === "color" && opaque) return { kind: "color", color: { ...paint.color, alpha: 1 } };
  return paint;
}

/** The resize or extract step of one step of the language, and whether it has used up the background. */
interface Geometry {
  readonly step?: Resize | Extract;
  readonly padded: boolean;
}

/** Width, height and mode → a step. */
function geometry(values: Values, { hints }: Reading): Geometry {
  const { w, h, ar, bg, fo } = values;
  const automatic = w === "auto" ? hints.width() : undefined;
  const width = w === "auto" ? automatic : w;
  if (width === undefined && h === undefined) {
    // A width whose hint is missing is still a width.
    return { ...(w === undefined && fo === "faces" && { step: tight(values) }), padded: false };
  }
  const oneSide = (width === undefined) !== (h === undefined);
  // A width from a hint is in device pixels already.
  const dpr = values.dpr === "auto" ? (automatic === undefined ? hints.dpr() : undefined) : values.dpr;
  const size = {
    ...(width !== undefined && { width }),
    ...(h !== undefined && h !== "auto" && { height: h }),
    ...(oneSide && ar !== undefined && { ratio: ar }),
    ...(dpr !== undefined && dpr !== 1 && { dpr }),
  };
  const mode = MODES[values.cm ?? values.c ?? "maintain_ratio"];
  if (!("fit" in mode)) {
    return { step: extract(size, mode, values), padded: mode.outside === "pad" && bg !== undefined };
  }
  const { fit, enlarge } = mode;
  // The other side follows, so there is no box to fill, to pad or to crop to.
  if (oneSide && ar === undefined) {
    return { step: { op: "resize", ...size, fit: "inside", enlarge }, padded: false };
  }
  const focus = fit === "cover" ? cropFocus(values) : fit === "contain" ? gravity(fo) : undefined;
  const background = fit === "contain" ? bg : undefined;
  return {
    step: {
      op: "resize",
      ...size,
      fit,
      enlarge,
      ...(focus && { focus }),
      ...(fit === "cover" && zoom(values)),
      ...(background && { background }),
    },
    padded: background !== undefined,
  };
}

function extract(
  size: { width?: Length; height?: Length },
  { outside, shrink }: Cutting,
  values: Values,
): Extract {
  const { x, y, xc, yc, bg } = values;
  const at = corner("center", xc, yc) ?? corner("corner", x, y);
  const focus = at ? undefined : cropFocus(values);
  // A blurred copy is something to pad a whole picture with only.
  const background = outside === "pad" && bg?.kind !== "blurred" ? bg : undefined;
  return {
    op: "extract",
    ...size,
    ...(at && { at }),
    ...(focus && { focus }),
    ...(!at && zoom(values)),
    // A window placed by its middle that leaves the picture is documented as an error.
    outside: outside === "clip" && at?.from === "center" ? "error" : outside,
    shrink,
    ...(background && { background }),
  };
}

/** Without a box, the crop is as large as the faces, or as `ar` makes it. */
const tight = (values: Values): Extract => ({
  op: "extract",
  ...(values.ar !== undefined && { ratio: values.ar }),
  focus: "faces",
  ...zoom(values),
  outside: "clip",
  shrink: true,
});

/** It counts around faces only. */
const zoom = ({ fo, z }: Values): { zoom?: number } =>
  fo === "faces" && z !== undefined && z !== 1 ? { zoom: z } : {};

const corner = (from: "center" | "corner", x: Length | undefined, y: Length | undefined): Extract["at"] =>
  x === undefined && y === undefined ? undefined : { from, x: x ?? 0, y: y ?? 0 };

const cropFocus = ({ fo }: Values): Focus | undefined => (fo === "center" ? undefined : fo);

/** Only gravities say where a whole picture lies; any other focus leaves it in the middle. */
const gravity = (focus: Focus | undefined): Focus | undefined =>
  focus === undefined || focus === "center" || SEARCHED.has(focus) ? undefined : focus;
