import type { StepOf } from "@mediatap/core";
import type { Focus, Length, Paint } from "@mediatap/core/steps";
import type { Mode, Values } from "./parameters.ts";
import type { Reading } from "./reading.ts";

type Resize = StepOf<"resize">;
type Extract = StepOf<"extract">;

/** The modes that scale: `fit` of the resize step, and whether a small picture is scaled up. */
const SCALING: Readonly<Partial<Record<Mode, Pick<Resize, "fit" | "enlarge">>>> = {
  maintain_ratio: { fit: "cover", enlarge: true },
  maintain_ratio_no_enlarge: { fit: "cover", enlarge: false },
  force: { fit: "fill", enlarge: true },
  at_max: { fit: "inside", enlarge: false },
  at_max_enlarge: { fit: "inside", enlarge: true },
  at_least: { fit: "outside", enlarge: true },
  pad_resize: { fit: "contain", enlarge: true },
  pad_resize_no_enlarge: { fit: "contain", enlarge: false },
};

/** The modes that cut a window out of the unscaled picture: what happens where it leaves the picture. */
const CUTTING: Readonly<Partial<Record<Mode, Pick<Extract, "outside" | "shrink">>>> = {
  extract: { outside: "clip", shrink: true },
  pad_extract: { outside: "pad", shrink: true },
  pad_extract_no_shrink: { outside: "pad", shrink: false },
};

/** The resize or extract step of one step of the language, and whether it has used up the background. */
export interface Geometry {
  readonly step: Resize | Extract | undefined;
  readonly padded: boolean;
}

/** Width, height and mode → a step. */
export function geometry(values: Values, { hints }: Reading): Geometry {
  const automatic = values.w === "auto" ? hints.width() : undefined;
  const width = values.w === "auto" ? automatic : values.w;
  const height = values.h;
  const oneSide = (width === undefined) !== (height === undefined);
  if (width === undefined && height === undefined) {
    // A width that a missing hint would have told is still a width.
    const boxless = values.w === undefined && values.fo === "faces";
    return { step: boxless ? tight(values) : undefined, padded: false };
  }
  // A width from a hint is in device pixels already.
  const dpr = values.dpr === "auto" ? (automatic === undefined ? hints.dpr() : undefined) : values.dpr;
  const size = {
    ...(width !== undefined && { width }),
    ...(height !== undefined && height !== "auto" && { height }),
    ...(oneSide && values.ar !== undefined && { ratio: values.ar }),
    ...(dpr !== undefined && dpr !== 1 && { dpr }),
  };
  const mode = values.cm ?? values.c ?? "maintain_ratio";
  const cutting = CUTTING[mode];
  const scaling = SCALING[mode] ?? { fit: "cover", enlarge: true };
  if (cutting) {
    const padded = cutting.outside === "pad";
    return { step: extract(size, cutting, values), padded: padded && values.bg !== undefined };
  }
  // The other side follows, so there is no box to fill, to pad or to crop to.
  if (oneSide && values.ar === undefined) {
    return { step: { op: "resize", ...size, fit: "inside", enlarge: scaling.enlarge }, padded: false };
  }
  const focus = scaling.fit === "cover" ? cropFocus(values) : gravity(values.fo);
  const places = scaling.fit === "cover" || scaling.fit === "contain";
  const padded = scaling.fit === "contain" && values.bg !== undefined;
  const background = padded ? values.bg : undefined;
  return {
    step: {
      op: "resize",
      ...size,
      ...scaling,
      ...(places && focus && { focus }),
      ...(scaling.fit === "cover" && zoom(values)),
      ...(background && { background }),
    },
    padded,
  };
}

function extract(
  size: { width?: Length; height?: Length },
  cutting: Pick<Extract, "outside" | "shrink">,
  values: Values,
): Extract {
  const at = corner(values);
  const focus = at ? undefined : cropFocus(values);
  const background = cutting.outside === "pad" ? solid(values.bg) : undefined;
  return {
    op: "extract",
    ...size,
    ...(at && { at }),
    ...(focus && { focus }),
    ...(!at && zoom(values)),
    // A window placed by its middle that leaves the picture is documented as an error.
    outside: cutting.outside === "clip" && at?.from === "center" ? "error" : cutting.outside,
    shrink: cutting.shrink,
    ...(background && { background }),
  };
}

/** Without a box, the crop is as large as the faces, or as `ar` makes it. */
function tight(values: Values): Extract {
  return {
    op: "extract",
    ...(values.ar !== undefined && { ratio: values.ar }),
    focus: "faces",
    ...zoom(values),
    outside: "clip",
    shrink: true,
  };
}

/** It counts around faces only. */
function zoom({ fo, z }: Values): { zoom?: number } {
  return fo === "faces" && z !== undefined && z !== 1 ? { zoom: z } : {};
}

function corner({ x, y, xc, yc }: Values): Extract["at"] {
  if (xc !== undefined || yc !== undefined) return { from: "center", x: xc ?? 0, y: yc ?? 0 };
  if (x !== undefined || y !== undefined) return { from: "corner", x: x ?? 0, y: y ?? 0 };
  return undefined;
}

function cropFocus({ fo }: Values): Focus | undefined {
  return fo === "center" ? undefined : fo;
}

/** Only gravities say where a whole picture lies; any other focus leaves it in the middle. */
function gravity(focus: Focus | undefined): Focus | undefined {
  const other = focus === "attention" || focus === "entropy" || focus === "faces" || focus === "custom";
  return other || focus === "center" ? undefined : focus;
}

function solid(background: Paint | undefined): Paint | undefined {
  return background?.kind === "blurred" ? undefined : background;
}
