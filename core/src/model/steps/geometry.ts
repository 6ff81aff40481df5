import { invalid, MediaError } from "../errors.ts";
import { type Expression, evaluate, type Scope, type Size, scopeOf } from "../expression.ts";
import type { FocusBox } from "../render-context.ts";
import type { Focus, StepOf } from "../transformation.ts";
import type { Box, Corner } from "./box.ts";
import { around, between, windowOn } from "./faces.ts";
import type { Stage } from "./registry.ts";

export interface ResizeGeometry {
  /** Size to which the picture, or its window, is scaled. */
  readonly scaled: Size;
  /** What is then cut out of it, around the focus. */
  readonly crop?: Size;
  /** Where the crop lies, looking at faces or the focal point. Left out: the focus tells. */
  readonly at?: Corner;
  /** What is cut out of the picture before it is scaled. */
  readonly window?: Box;
  /** What it is then laid on, placed by the focus. */
  readonly canvas?: Size;
  /** Size of the result. */
  readonly size: Size;
}

export interface ExtractGeometry extends Box {
  /** Size to which the cut piece is scaled. Left out: it is not. */
  readonly scaled?: Size;
  /** Larger area that the cut piece is laid on: its size, and where the piece lies on it. */
  readonly canvas?: Box;
  /** Size of the result. */
  readonly size: Size;
}

/** Pixels of a side up to which `dpr` has an effect. */
const MAX_DPR_SIDE_PIXELS = 5000;

export const megapixels = ({ width, height }: Size) => (width * height) / 1e6;

/** Nearest whole number of pixels, at least one. */
const wholePixels = (value: number) => Math.max(1, Math.round(value));

/** Variables known at a step. */
export const scopeAt = ({ original, current, scope }: Stage): Scope => scopeOf(original, current, scope);

/** A length or factor that must be above zero, not rounded yet. */
function positive(name: string, expression: Expression, scope: Scope): number {
  const value = evaluate(expression, scope);
  if (!(value > 0)) throw invalid(name, "a positive number", value);
  return value;
}

/** The dimensions asked for: `ratio` completes a single one, `dpr` multiplies both unless that leaves 1–5000 px. */
export function requestedSize(
  step: Pick<StepOf<"resize">, "width" | "height" | "ratio" | "dpr">,
  scope: Scope,
): { width?: number; height?: number } {
  let width = step.width === undefined ? undefined : positive("width", step.width, scope);
  let height = step.height === undefined ? undefined : positive("height", step.height, scope);
  if (step.ratio !== undefined && (width === undefined) !== (height === undefined)) {
    const ratio = positive("ratio", step.ratio, scope);
    width ??= (height as number) * ratio;
    height ??= width / ratio;
  }
  const dpr = step.dpr === undefined ? 1 : positive("dpr", step.dpr, scope);
  const given = [width, height].filter((side) => side !== undefined).map((side) => Math.round(side * dpr));
  const factor = given.every((side) => side >= 1 && side <= MAX_DPR_SIDE_PIXELS) ? dpr : 1;
  return {
    ...(width !== undefined && { width: wholePixels(width * factor) }),
    ...(height !== undefined && { height: wholePixels(height * factor) }),
  };
}

const scaledBy = ({ width, height }: Size, factor: number): Size => ({
  width: wholePixels(width * factor),
  height: wholePixels(height * factor),
});

/**
 * What a `resize` does to a picture of `stage.current`. Throws `EINVAL` for a length of zero or less, and for a picture that is too
 * small where `larger` is `error`.
 */
export function resizeGeometry(step: StepOf<"resize">, stage: Stage): ResizeGeometry {
  if (step.larger === undefined) return scaledGeometry(step, stage);
  const geometry = scaledGeometry({ ...step, enlarge: true }, stage);
  const { current } = stage;
  const { width, height } = geometry.scaled;
  if (width <= current.width && height <= current.height) return geometry;
  throw new MediaError(
    "EINVAL",
    `Expected a size within the ${current.width}x${current.height} pixels of the image but received ${width}x${height}`,
  );
}

function scaledGeometry(step: StepOf<"resize">, stage: Stage): ResizeGeometry {
  const { current } = stage;
  const { width, height } = requestedSize(step, scopeAt(stage));
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
      const faces = boxesFor(step, stage);
      const zoom = faces ? Math.max(1, step.zoom ?? 1) : 1;
      const largest = scaledBy(box, 1 / (factor * zoom));
      if (faces && zoom > 1) {
        const window = within(largest, current);
        const size = step.enlarge ? box : within(box, window);
        return { window: { ...window, ...windowOn(faces, current, window) }, scaled: size, size };
      }
      const at = (scaled: Size, crop: Size) => faces && { at: windowOn(faces, scaled, crop) };
      // Without enlarging, the largest window of the box's ratio is cut at the picture's own scale.
      if (factor > cap) {
        const crop = within(largest, current);
        return { scaled: current, crop, ...at(current, crop), size: crop };
      }
      const rough = scaledBy(current, factor);
      const scaled = { width: Math.max(rough.width, width), height: Math.max(rough.height, height) };
      return { scaled, crop: box, ...at(scaled, box), size: box };
    }
  }
}

/** What a crop looks at: the faces or the focal point, if its focus is one of them and it is known. */
export function boxesFor(
  { focus }: { readonly focus?: Focus },
  { faces }: Pick<Stage, "faces">,
): readonly FocusBox[] | undefined {
  if (!faces || (focus !== "faces" && focus !== "custom")) return undefined;
  const boxes = faces.filter(({ isFocalPoint = false }) => isFocalPoint === (focus === "custom"));
  return boxes.length > 0 ? boxes : undefined;
}

const within = (inner: Size, outer: Size): Size => ({
  width: Math.min(inner.width, outer.width),
  height: Math.min(inner.height, outer.height),
});

/**
 * Upper left corner of `inner` in `outer`. Also for an `inner` that is larger: the corner is then negative. A focus that
 * is no gravity counts as the centre. `rounding`: of half a pixel.
 */
export function placeAt(
  focus: Focus | undefined,
  outer: Size,
  inner: Size,
  rounding: "up" | "down" = "down",
): Corner {
  const at = (focus ?? "center").split("-");
  const half = (length: number) => (rounding === "up" ? Math.ceil(length / 2) : Math.trunc(length / 2));
  const free = { width: outer.width - inner.width, height: outer.height - inner.height };
  return {
    left: at.includes("left") ? 0 : at.includes("right") ? free.width : half(free.width),
    top: at.includes("top") ? 0 : at.includes("bottom") ? free.height : half(free.height),
  };
}

/**
 * What an `extract` cuts out of a picture of `stage.current`. Throws `EINVAL` for a window that lies outside where
 * `outside` is `error`, or where nothing of the picture is in it.
 */
export function extractGeometry(step: StepOf<"extract">, stage: Stage): ExtractGeometry {
  const { current } = stage;
  if (isTight(step)) return tight(step, stage);
  const requested = { ...current, ...requestedSize(step, scopeAt(stage)) };
  const extendsCanvas = step.outside === "pad" && !step.shrink;
  if (step.zoom !== undefined && !step.at && !extendsCanvas && boxesFor(step, stage)) {
    return zoomed(step, stage, requested, step.zoom);
  }
  const window = extendsCanvas
    ? { width: Math.max(requested.width, current.width), height: Math.max(requested.height, current.height) }
    : requested;
  const { left, top } = corner(step, stage, window);
  const piece = intersection({ left, top, ...window }, current);
  if (piece.width <= 0 || piece.height <= 0) {
    throw new MediaError("EINVAL", "Expected a window that overlaps the image");
  }
  if (piece.width === window.width && piece.height === window.height) return { ...piece, size: window };
  switch (step.outside) {
    case "error":
      throw new MediaError(
        "EINVAL",
        `Expected a window inside the image of ${current.width}x${current.height} but received ${window.width}x${window.height} at ${left},${top}`,
      );
    case "clip":
      return { ...piece, size: { width: piece.width, height: piece.height } };
    case "pad":
      return { ...piece, canvas: { left: piece.left - left, top: piece.top - top, ...window }, size: window };
  }
}

/** A window of another size than asked for, around faces, then scaled to the size asked for. */
function zoomed(step: StepOf<"extract">, stage: Stage, requested: Size, zoom: number): ExtractGeometry {
  const window = scaledBy(requested, 1 / zoom);
  const across = requested.width / window.width;
  const down = requested.height / window.height;
  const scale = ({ left, top, width, height }: Box): Box => ({
    left: Math.round(left * across),
    top: Math.round(top * down),
    width: wholePixels(width * across),
    height: wholePixels(height * down),
  });
  const { zoom: _zoom, width: _width, height: _height, ratio: _ratio, dpr: _dpr, ...rest } = step;
  const { canvas, size: _size, ...piece } = extractGeometry({ ...rest, ...window }, stage);
  const { width, height } = within(scale(piece), requested);
  const scaled = { width, height };
  if (!canvas) return { ...piece, scaled, size: scaled };
  const left = Math.min(scale(canvas).left, requested.width - width);
  const top = Math.min(scale(canvas).top, requested.height - height);
  return { ...piece, scaled, canvas: { left, top, ...requested }, size: requested };
}

/** Whether an extraction takes its size from faces. */
const isTight = ({ width, height, at, focus }: StepOf<"extract">) =>
  focus === "faces" && width === undefined && height === undefined && !at;

/** The box around all faces; without any, all of the picture that has the ratio. */
function tight(step: StepOf<"extract">, stage: Stage): ExtractGeometry {
  const { current } = stage;
  const ratio = step.ratio === undefined ? undefined : positive("ratio", step.ratio, scopeAt(stage));
  const faces = boxesFor(step, stage);
  const box = faces ? around(faces, current) : { left: 0, top: 0, ...current };
  const zoom = faces ? (step.zoom ?? 1) : 1;
  const size = withRatio(scaledBy(box, 1 / zoom), ratio, current);
  const left = between(0, box.left + (box.width - size.width) / 2, current.width - size.width);
  const top = between(0, box.top + (box.height - size.height) / 2, current.height - size.height);
  return { left, top, ...size, size };
}

/** A size grown to a ratio, as far as there is room for both sides. */
function withRatio({ width, height }: Size, ratio: number | undefined, room: Size): Size {
  if (ratio === undefined) return within({ width, height }, room);
  const wide = Math.min(Math.max(width, height * ratio), room.width, room.height * ratio);
  return within({ width: wholePixels(wide), height: wholePixels(wide / ratio) }, room);
}

function corner(step: StepOf<"extract">, stage: Stage, window: Size): Corner {
  const faces = boxesFor(step, stage);
  if (!step.at)
    return faces ? windowOn(faces, stage.current, window) : placeAt(step.focus, stage.current, window);
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
export function rotatedSize(size: Size, angle: number): Size {
  const { width, height } = size;
  const turn = ((angle % 360) + 360) % 360;
  if (turn % 180 === 0) return size;
  if (turn % 90 === 0) return { width: height, height: width };
  const cos = Math.abs(Math.cos((turn * Math.PI) / 180));
  const sin = Math.abs(Math.sin((turn * Math.PI) / 180));
  return { width: wholePixels(width * cos + height * sin), height: wholePixels(width * sin + height * cos) };
}
