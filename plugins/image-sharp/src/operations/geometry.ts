import { MediaError, type Size } from "@mediatap/core";
import {
  type Box,
  borderWidth,
  boxesFor,
  extractGeometry,
  type Focus,
  type Paint,
  placeAt,
  resizeGeometry,
} from "@mediatap/core/steps";
import { megapixels } from "../pixels/size.ts";
import { CLEAR, type Context, type Operation, type OperationWork, type Prices, tone } from "./operation.ts";
import { colorOver } from "./surface.ts";

const BLACK: Paint = { kind: "color", color: { r: 0, g: 0, b: 0, alpha: 1 } };

const same = (a: Size, b: Size) => a.width === b.width && a.height === b.height;
const smaller = (a: Size, b: Size) => a.width <= b.width && a.height <= b.height;
const isClear = (paint: Paint) => paint.kind === "color" && paint.color.alpha < 1;

/** Whether there are clear pixels once something was padded to a larger canvas. A paint fills what was clear as well. */
const clearAfter = (work: readonly OperationWork[], paint: Paint, alpha: boolean) =>
  work.length === 0 ? alpha : paint.kind === "color" && (alpha || isClear(paint));

interface CropPosition {
  readonly position?: Focus | undefined;
  readonly strategy?: "attention" | "entropy";
  /** For `explain`, if it is not what was requested. */
  readonly note?: string;
}

/** Where to crop if neither faces nor a focal point are known. */
function positionFor(focus: Focus | undefined, { animated, faces, searches = [] }: Context): CropPosition {
  // Each frame would choose its own position.
  const instead = animated ? "the centre" : "the salient region";
  if (focus === "faces") {
    const note = searches.includes("faces")
      ? `faces are detected when the image is rendered; if there is none, ${instead}`
      : `${faces ? "no face found" : "no faces known"}: ${instead} instead`;
    return animated ? { note } : { strategy: "attention", note };
  }
  if (focus === "custom") {
    return {
      note: searches.includes("focalPoint")
        ? "the focal point is read when the image is rendered; if there is none, the centre"
        : "no focal point is set: the centre instead",
    };
  }
  if (focus !== "attention" && focus !== "entropy") return { position: focus };
  return animated ? { note: `no ${focus} in animations: the centre instead` } : { strategy: focus };
}

/** A frame of colour or paint around the picture, up to the canvas. */
function pad(canvas: Box, content: Size, paint: Paint): OperationWork[] {
  if (same(canvas, content)) return [];
  if (paint.kind !== "color") return [{ kind: "fill", canvas, paint }];
  const value = {
    top: canvas.top,
    left: canvas.left,
    right: canvas.width - content.width - canvas.left,
    bottom: canvas.height - content.height - canvas.top,
    background: paint.color,
  };
  return [{ slot: "extend", value }];
}

/** A colour or colours taken from the picture; a blurred copy is something to pad with only. */
const isOfPicture = ({ kind }: Paint) => kind === "dominant" || kind === "gradient";

/** Pads `content` to a canvas at least as large. The colour around it is also behind its clear pixels. */
function padded(
  content: readonly OperationWork[],
  on: Box,
  size: Size,
  background: Paint | undefined,
  alpha: boolean,
) {
  const paint = background ?? BLACK;
  if (!alpha || background?.kind !== "color") {
    const around = pad(on, size, paint);
    const padding =
      around.length === 0 && alpha && isOfPicture(paint) ? [{ kind: "fill", paint } as const] : around;
    return { work: [...content, ...padding], alpha: clearAfter(padding, paint, alpha) };
  }
  const { color } = background;
  // Before the scaling, so that decoders can take it over.
  if (color.alpha === 1) {
    return {
      work: [{ slot: "flatten", value: color } as const, ...content, ...pad(on, size, paint)],
      alpha: false,
    };
  }
  const clear = pad(on, size, { kind: "color", color: CLEAR });
  return {
    work: [...content, ...clear, ...(color.alpha > 0 ? [colorOver(color, "dest-over", on)] : [])],
    alpha: true,
  };
}

const cut = (box: Box, of: Size): OperationWork[] => (same(box, of) ? [] : [{ slot: "before", value: box }]);

/** Whether a picture that becomes smaller is scaled in linear light. A drawing is drawn at its size. */
const isLinear = ({ linear, alpha, vector }: Context) => linear === true && !alpha && vector !== true;

function scaling(from: Size, to: Size, context: Context): OperationWork[] {
  if (same(from, to)) return [];
  const down = smaller(to, from);
  const linear = down && isLinear(context) ? { linear: true as const } : {};
  return [{ slot: "scale", value: { ...plain(to), from: plain(from), down, ...linear } }];
}

const plain = ({ width, height }: Size): Size => ({ width, height });

/**
 * A crop around what catches the eye that is enlarged, cut before: scaled up whole, a picture of another shape may take thousands of
 * times the pixels of the crop, and each would be looked at.
 */
function smart(
  scaled: Size,
  crop: Size,
  strategy: "attention" | "entropy",
  context: Context,
): OperationWork[] {
  const { current } = context;
  const side = (length: number, from: number, to: number) =>
    Math.min(from, Math.max(1, Math.round((length * from) / to)));
  const window = {
    width: side(crop.width, current.width, scaled.width),
    height: side(crop.height, current.height, scaled.height),
  };
  const cut: OperationWork[] = same(window, current)
    ? []
    : [{ slot: "smart", value: { ...window, strategy, scaled: false } }];
  return [...cut, ...scaling(window, crop, context)];
}

/** Pixels a side up to which libvips scales, even if most is cut away. */
const MAX_SCALED_SIDE = 10_000_000;

function assertScalable({ width, height }: Size): void {
  if (Math.max(width, height) < MAX_SCALED_SIDE) return;
  throw new MediaError(
    "ELIMIT",
    `Expected less than ${MAX_SCALED_SIDE} pixels a side before the crop of a resize`,
  );
}

const resize: Operation<"resize"> = (step, context) => {
  const { current, alpha } = context;
  const { scaled, crop, at, canvas, window } = resizeGeometry(step, context);
  const { position, strategy, note } = at || window ? {} : positionFor(step.focus, context);
  const scale = scaling(window ?? current, scaled, context);
  if (window) return { work: [...cut(window, current), ...scale], alpha };
  const notes = note === undefined || !(crop ?? canvas) ? {} : { note };
  if (crop && strategy && !same(crop, scaled)) {
    const wholePicture = context.vector === true || smaller(scaled, current);
    const work: OperationWork[] = !wholePicture
      ? smart(scaled, crop, strategy, context)
      : isLinear(context)
        ? [...scale, { slot: "smart", value: { ...crop, strategy, scaled: false } }]
        : [{ slot: "smart", value: { ...crop, strategy, scaled: true } }];
    return { work, alpha, ...notes };
  }
  if (crop) assertScalable(scaled);
  if (crop) {
    return {
      work: [
        ...scale,
        ...cut({ ...crop, ...(at ?? placeAt(position, scaled, crop, step.rounding)) }, scaled),
      ],
      alpha,
      ...notes,
    };
  }
  if (!canvas) return { work: scale, alpha };
  const box = { ...canvas, ...placeAt(position, canvas, scaled) };
  return { ...padded(scale, box, scaled, step.background, alpha), ...notes };
};

const extract: Operation<"extract"> = (step, context) => {
  const { current, alpha } = context;
  const { canvas, scaled, size, ...box } = extractGeometry(step, context);
  const placed = step.at !== undefined || boxesFor(step, context) !== undefined;
  const { strategy, note } = placed ? {} : positionFor(step.focus, context);
  const notes = note === undefined ? {} : { note };
  const content = scaled ?? box;
  const window: OperationWork[] =
    strategy && !same(box, current)
      ? [{ slot: "smart", value: { ...plain(box), strategy, scaled: false } }]
      : [...cut(box, current), ...scaling(box, content, context)];
  if (!canvas && !step.background) return { work: window, alpha, ...notes };
  return {
    ...padded(window, canvas ?? { left: 0, top: 0, ...size }, content, step.background, alpha),
    ...notes,
  };
};

const rotate: Operation<"rotate"> = ({ angle, background }, { alpha }) => {
  const turn = ((angle % 360) + 360) % 360;
  if (turn === 0) return { work: [], alpha };
  if (turn % 90 === 0) {
    return { work: [{ slot: "turn", value: turn as 90 | 180 | 270 }], alpha };
  }
  const color = background?.kind === "color" ? background.color : CLEAR;
  const turned: OperationWork = { slot: "rotate", value: { angle: turn, background: color } };
  const work: OperationWork[] =
    background && background.kind !== "color" ? [turned, { kind: "fill", paint: background }] : [turned];
  // libvips rounds the new canvas in its own way.
  return { work, sizeUnknown: true, alpha: !background || clearAfter(work, background, alpha) };
};

const flip: Operation<"flip"> = ({ horizontal, vertical }, context) =>
  tone(
    [
      ...(vertical ? [{ slot: "flip", value: true } as const] : []),
      ...(horizontal ? [{ slot: "flop", value: true } as const] : []),
    ],
    context,
  );

/** Pixels below which libvips refuses to trim a side. */
const MIN_TRIM_SIDE = 3;

const trim: Operation<"trim"> = ({ tolerance }, context) => {
  const { current, alpha } = context;
  if (Math.min(current.width, current.height) < MIN_TRIM_SIDE) return tone([], context);
  return { work: [{ slot: "trim", value: { tolerance, alpha } }], sizeUnknown: true, alpha };
};

const border: Operation<"border"> = (step, context) => {
  const edge = borderWidth(step, context);
  const alpha = context.alpha || (edge > 0 && step.color.alpha < 1);
  return {
    work: pad({ ...context.after, left: edge, top: edge }, context.current, {
      kind: "color",
      color: step.color,
    }),
    alpha,
  };
};

/** Operations that change size and position. */
export const geometry = { resize, extract, rotate, flip, trim, border };

export const geometryPrices: Prices = {
  resize: (_step, before, after) =>
    Math.max(4 * megapixels(before), megapixels(after) > megapixels(before) ? 20 * megapixels(after) : 0),
  rotate: (step, _before, after) => megapixels(after) * (step.angle % 90 === 0 ? 4 : 16),
  trim: (_step, before) => megapixels(before) * 110,
};
