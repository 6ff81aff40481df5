import { invalid, MediaError, type Size, type Step, type StepOf } from "@mediatap/core";
import {
  type Box,
  borderWidth,
  extractGeometry,
  type Focus,
  type Paint,
  placeAt,
  resizeGeometry,
} from "@mediatap/core/steps";
import type { GraphBuilder, Operations } from "./builder.ts";
import { BLACK, opaque } from "./colour.ts";
import { overlay } from "./overlay.ts";
import { assertPaint, colorOf, onBlurred } from "./paint.ts";
import { even, same } from "./units.ts";

type Operation<K extends Step["op"]> = (step: StepOf<K>, graph: GraphBuilder) => void;

const SEARCHED_FOCUSES: ReadonlySet<Focus> = new Set<Focus>(["attention", "entropy", "faces"]);

/** The salient region moves, and a crop must not. */
function assertFocus(focus: Focus | undefined, op: string): void {
  if (focus === undefined || !SEARCHED_FOCUSES.has(focus)) return;
  throw new MediaError("EUNSUPPORTED", `Not supported on videos: ${op} with the focus ${focus}`);
}

function crop(graph: GraphBuilder, { left, top, width, height }: Box): void {
  if (same(graph.current, { width, height })) return;
  graph.add(`crop=${width}:${height}:${left}:${top}:exact=1`);
  graph.current = { width, height };
}

function pad(graph: GraphBuilder, { width, height }: Size, at: Position, color: string): void {
  graph.add(`pad=${width}:${height}:${at.left}:${at.top}:color=${color}`);
  graph.current = { width, height };
}

interface Position {
  readonly left: number;
  readonly top: number;
}

const BLACK_PAINT: Paint = { kind: "color", color: BLACK };

/** Composes frames, scaled to `inner`, on a canvas. */
function composeOnCanvas(
  graph: GraphBuilder,
  [outer, inner]: readonly [outer: Size, inner: Size],
  paint: Paint,
  positionOf: (canvas: Size, inner: Size) => Position,
): void {
  const canvas = even(outer);
  const scaled = even({
    width: Math.min(inner.width, canvas.width),
    height: Math.min(inner.height, canvas.height),
  });
  if (same(scaled, canvas)) {
    graph.scale(canvas);
    return;
  }
  const position = positionOf(canvas, scaled);
  if (paint.kind === "blurred") {
    const scale = `scale=${scaled.width}:${scaled.height},setsar=1`;
    graph.add(onBlurred(paint, canvas, position, (label) => `${label}${scale}`));
    graph.current = canvas;
  } else {
    graph.scale(scaled);
    pad(graph, canvas, position, colorOf(paint));
  }
}

const resize: Operation<"resize"> = (step, graph) => {
  assertFocus(step.fit === "cover" || step.fit === "contain" ? step.focus : undefined, "resize");
  const { scaled, crop: window, canvas } = resizeGeometry(step, graph);
  if (canvas) {
    const paint = step.background ?? BLACK_PAINT;
    assertPaint(paint, "resize");
    return composeOnCanvas(graph, [canvas, scaled], paint, (outer, inner) =>
      placeAt(step.focus, outer, inner),
    );
  }
  graph.scale(scaled);
  if (window) crop(graph, { ...window, ...placeAt(step.focus, scaled, window, step.rounding) });
};

const extract: Operation<"extract"> = (step, graph) => {
  assertFocus(step.at ? undefined : step.focus, "extract");
  const { canvas, scaled: _, size, ...box } = extractGeometry(step, graph);
  crop(graph, box);
  if (!canvas) return;
  const paint = step.background ?? BLACK_PAINT;
  assertPaint(paint, "extract");
  composeOnCanvas(graph, [size, graph.current], paint, (outer, inner) => ({
    left: Math.min(canvas.left, outer.width - inner.width),
    top: Math.min(canvas.top, outer.height - inner.height),
  }));
};

const TRANSPOSE_FILTERS: Readonly<Record<number, string>> = {
  90: "transpose=clock",
  180: "hflip,vflip",
  270: "transpose=cclock",
};

const rotate: Operation<"rotate"> = ({ angle }, graph) => {
  const rotation = TRANSPOSE_FILTERS[((angle % 360) + 360) % 360];
  if (!rotation) throw invalid("rotate.angle", "0, 90, 180, 270 or 360 on a video", angle);
  graph.add(rotation);
  const { width, height } = graph.current;
  if (angle % 180 !== 0) graph.current = { width: height, height: width };
};

const flip: Operation<"flip"> = ({ horizontal, vertical }, graph) =>
  graph.add(...(horizontal ? ["hflip"] : []), ...(vertical ? ["vflip"] : []));

const border: Operation<"border"> = (step, graph) => {
  const edge = borderWidth(step, graph);
  // Padding goes by pairs of pixels, as chroma does.
  const size = even(graph.current);
  if (size.width > graph.current.width || size.height > graph.current.height) graph.scale(size);
  else crop(graph, { left: 0, top: 0, ...size });
  const outer = { width: size.width + 2 * edge, height: size.height + 2 * edge };
  pad(graph, outer, { left: edge, top: edge }, opaque(step.color));
};

const round: Operation<"round"> = ({ radius }, graph) => {
  const size = graph.current;
  const paint = graph.background;
  assertPaint(paint, "round");
  const mask = graph.input({ kind: "mask", radius, size, inverted: paint.kind !== "blurred" });
  if (paint.kind === "blurred") {
    const masked = (label: string, { extra }: { extra: (input: typeof mask) => string }) =>
      `${label}[${extra(mask)}]alphamerge`;
    return graph.add(onBlurred(paint, size, { left: 0, top: 0 }, masked));
  }
  // One frame of the corners, composed over all frames.
  graph.add(({ from, to, label, extra }) => {
    const [alpha, filled, edges, corner] = [label(), label(), label(), label()];
    return [
      `[${extra(mask)}]split[${alpha}][${filled}]`,
      `[${filled}]format=yuv420p,drawbox=c=${colorOf(paint)}:t=fill[${edges}]`,
      `[${edges}][${alpha}]alphamerge[${corner}]`,
      `[${from}][${corner}]overlay=0:0[${to}]`,
    ];
  });
};

/** There is nothing behind a video: transparent pixels show the next `flatten`, or black. */
const opacity: Operation<"opacity"> = ({ value }, graph) => {
  const paint = graph.background;
  if (paint.kind !== "color") {
    throw new MediaError("EUNSUPPORTED", "Not supported on videos: opacity on a blurred background");
  }
  const { r, g, b } = paint.color;
  const [y, u, v] = yuv(r, g, b);
  const mix = (to: number) => `val*${value}+${((1 - value) * to).toFixed(2)}`;
  graph.add(`lutyuv=y=${mix(y)}:u=${mix(u)}:v=${mix(v)}`);
};

/** Luma and chroma of a colour, of limited range (BT.601). */
function yuv(r: number, g: number, b: number): [number, number, number] {
  const luma = 0.299 * r + 0.587 * g + 0.114 * b;
  return [
    16 + (219 * luma) / 255,
    128 + (224 / 255) * ((b - luma) / 1.772),
    128 + (224 / 255) * ((r - luma) / 1.402),
  ];
}

const blur: Operation<"blur"> = ({ sigma }, graph) => {
  if (sigma >= 0.3) graph.add(`gblur=sigma=${sigma}`);
};

const grayscale: Operation<"grayscale"> = (_step, graph) => graph.add("lutyuv=u=128:v=128");

/** As strong as on images, as far as ffmpeg's filter goes; `amount` 50 is the plain strength. */
const sharpen: Operation<"sharpen"> = ({ amount }, graph) => {
  if (amount > 0) graph.add(`unsharp=5:5:${Math.min(5, amount / 50).toFixed(2)}:5:5:0`);
};

/** Frames are opaque from their beginning: no background is needed. */
const flatten: Operation<"flatten"> = ({ background }) => assertPaint(background, "flatten");

/** The operations of this engine by their names. `clip`, `speed` and `volume` are steps of the whole video: see `GraphBuilder`. */
export const OPERATIONS: Operations = {
  resize,
  extract,
  rotate,
  flip,
  border,
  round,
  opacity,
  blur,
  grayscale,
  sharpen,
  flatten,
  overlay,
} satisfies Record<string, Operation<never>>;
