import { invalid, MediaError } from "../errors.ts";
import { type Expression, evaluate, type Scope, type Size, scopeOf } from "../expression.ts";
import type { Focus, StepOf } from "../transformation.ts";
import type { Stage } from "./registry.ts";

/** A rectangle; `left` and `top` from the upper left corner. */
export interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

export interface ResizeGeometry {
  /** Size to which the whole picture is scaled. */
  readonly scaled: Size;
  /** What is then cut out of it, around the focus. */
  readonly crop?: Size;
  /** What it is then laid on, placed by the focus. */
  readonly canvas?: Size;
  /** Size of the result. */
  readonly size: Size;
}

export interface ExtractGeometry extends Box {
  /** Larger area that the cut piece is laid on: its size, and where the piece lies on it. */
  readonly canvas?: Box;
  /** Size of the result. */
  readonly size: Size;
}

/** ImageKit's range for a result of `dpr`. */
const DPR_MAX = 5000;

export const megapixels = ({ width, height }: Size) => (width * height) / 1e6;

/** Nearest whole number of pixels, at least one. */
const whole = (value: number) => Math.max(1, Math.round(value));

/** Variables known at a step. */
export const scopeAt = ({ original, current, scope }: Stage): Scope => scopeOf(original, current, scope);

/** A length or factor that must be above zero, not rounded yet. */
function positive(name: string, expression: Expression, scope: Scope): number {
  const value = evaluate(expression, scope);
  if (!(value > 0)) throw invalid(name, "a positive number", value);
  return value;
}

interface Wish {
  readonly width?: Expression;
  readonly height?: Expression;
  readonly ratio?: Expression;
  readonly dpr?: Expression;
}

/** The dimensions asked for: `ratio` completes a single one, `dpr` multiplies both unless that leaves 1–5000 px. */
function wanted(step: Wish, stage: Stage): { width?: number; height?: number } {
  const scope = scopeAt(stage);
  let width = step.width === undefined ? undefined : positive("width", step.width, scope);
  let height = step.height === undefined ? undefined : positive("height", step.height, scope);
  if (step.ratio !== undefined && (width === undefined) !== (height === undefined)) {
    const ratio = positive("ratio", step.ratio, scope);
    width ??= (height as number) * ratio;
    height ??= width / ratio;
  }
  const dpr = step.dpr === undefined ? 1 : positive("dpr", step.dpr, scope);
  const given = [width, height].filter((side) => side !== undefined).map((side) => Math.round(side * dpr));
  const factor = given.every((side) => side >= 1 && side <= DPR_MAX) ? dpr : 1;
  return {
    ...(width !== undefined && { width: whole(width * factor) }),
    ...(height !== undefined && { height: whole(height * factor) }),
  };
}

const scaledBy = ({ width, height }: Size, factor: number): Size => ({
  width: whole(width * factor),
  height: whole(height * factor),
});

/** What a `resize` does to a picture of `stage.current`. Throws `EINVAL` for a length of zero or less. */
export function resizeGeometry(step: StepOf<"resize">, stage: Stage): ResizeGeometry {
  const { current } = stage;
  const { width, height } = wanted(step, stage);
  const cap = step.enlarge ? Number.POSITIVE_INFINITY : 1;
  if (width === undefined && height === undefined) return { scaled: current, size: current };
  if (width === undefined || height === undefined) {
    const factor = width === undefined ? (height as number) / current.height : width / current.width;
    const scaled = scaledBy(current, Math.min(factor, cap));
    return { scaled, size: scaled };
  }
  const box = { width, height };
  const across = width / current.width;
  const down = height / current.height;
  switch (step.fit) {
    case "inside":
    case "outside": {
      const factor = step.fit === "inside" ? Math.min(across, down) : Math.max(across, down);
      const scaled = scaledBy(current, Math.min(factor, cap));
      return { scaled, size: scaled };
    }
    case "contain": {
      const scaled = scaledBy(current, Math.min(across, down, cap));
      return { scaled, canvas: box, size: box };
    }
    case "fill": {
      const scaled = scaledBy(box, Math.min(1, cap / Math.max(across, down)));
      return { scaled, size: scaled };
    }
    case "cover": {
      const factor = Math.max(across, down);
      // Without enlarging, the largest window of the box's ratio is cut at the picture's own scale.
      if (factor > cap) {
        const crop = within(scaledBy(box, Math.min(1 / across, 1 / down)), current);
        return { scaled: current, crop, size: crop };
      }
      const rough = scaledBy(current, factor);
      const scaled = { width: Math.max(rough.width, width), height: Math.max(rough.height, height) };
      return { scaled, crop: box, size: box };
    }
  }
}

const within = (inner: Size, outer: Size): Size => ({
  width: Math.min(inner.width, outer.width),
  height: Math.min(inner.height, outer.height),
});

/**
 * Upper left corner of `inner` in `outer`. Also for an `inner` that is larger: the corner is then negative. A focus that
 * is no gravity counts as the centre.
 */
export function placeAt(focus: Focus | undefined, outer: Size, inner: Size): { left: number; top: number } {
  const at = (focus ?? "center").split("-");
  const free = { width: outer.width - inner.width, height: outer.height - inner.height };
  return {
    left: at.includes("left") ? 0 : at.includes("right") ? free.width : Math.trunc(free.width / 2),
    top: at.includes("top") ? 0 : at.includes("bottom") ? free.height : Math.trunc(free.height / 2),
  };
}

/**
 * What an `extract` cuts out of a picture of `stage.current`. Throws `EINVAL` for a window that lies outside where
 * `outside` is `error`, or where nothing of the picture is in it.
 */
export function extractGeometry(step: StepOf<"extract">, stage: Stage): ExtractGeometry {
  const { current } = stage;
  const asked = { ...current, ...wanted(step, stage) };
  const window =
    step.outside === "pad" && !step.shrink
      ? { width: Math.max(asked.width, current.width), height: Math.max(asked.height, current.height) }
      : asked;
  const { left, top } = corner(step, stage, window);
  const piece = intersection({ left, top, ...window }, current);
  if (piece.width <= 0 || piece.height <= 0) {
    throw new MediaError("EINVAL", "Expected a window that overlaps the picture");
  }
  if (piece.width === window.width && piece.height === window.height) return { ...piece, size: window };
  switch (step.outside) {
    case "error":
      throw new MediaError(
        "EINVAL",
        `Expected a window inside the picture of ${current.width}x${current.height} but received ${window.width}x${window.height} at ${left},${top}`,
      );
    case "clip":
      return { ...piece, size: { width: piece.width, height: piece.height } };
    case "pad":
      return { ...piece, canvas: { left: piece.left - left, top: piece.top - top, ...window }, size: window };
  }
}

function corner(step: StepOf<"extract">, stage: Stage, window: Size): { left: number; top: number } {
  if (!step.at) return placeAt(step.focus, stage.current, window);
  const scope = scopeAt(stage);
  const x = Math.round(evaluate(step.at.x, scope));
  const y = Math.round(evaluate(step.at.y, scope));
  if (step.at.from === "corner") return { left: x, top: y };
  return { left: x - Math.floor(window.width / 2), top: y - Math.floor(window.height / 2) };
}

function intersection(window: Box, picture: Size): Box {
  const left = Math.max(0, window.left);
  const top = Math.max(0, window.top);
  return {
    left,
    top,
    width: Math.min(picture.width, window.left + window.width) - left,
    height: Math.min(picture.height, window.top + window.height) - top,
  };
}

/** Size of the canvas that a rotated picture needs. */
export function rotatedSize({ width, height }: Size, angle: number): Size {
  const turn = ((angle % 360) + 360) % 360;
  if (turn % 180 === 0) return { width, height };
  if (turn % 90 === 0) return { width: height, height: width };
  const cos = Math.abs(Math.cos((turn * Math.PI) / 180));
  const sin = Math.abs(Math.sin((turn * Math.PI) / 180));
  return { width: whole(width * cos + height * sin), height: whole(width * sin + height * cos) };
}
