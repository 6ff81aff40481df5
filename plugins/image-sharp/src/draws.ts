import {
  type Box,
  borderWidth,
  extractGeometry,
  type Focus,
  type Paint,
  placeAt,
  type Rgba,
  resizeGeometry,
  type Size,
  type Step,
  type StepOf,
  type StepStage,
} from "@mediatap/core";
import { EFFECTS, type Effect } from "./effects.ts";
import type { Draw } from "./pass.ts";

/** Fills what is clear, and the area around, with a paint that depends on the picture. */
export interface Fill {
  readonly kind: "fill";
  /** Size of the result, and where the picture lies on it. Left out: the picture's own. */
  readonly canvas?: Box;
  readonly paint: Paint;
}

/** A layer that decides over the whole picture: what is left of it, or where its pixels go. */
export interface Reshape {
  readonly kind: "reshape";
  readonly step: StepOf<"overlay">;
}

/** A step of a third party. */
export interface Foreign {
  readonly kind: "foreign";
  readonly step: Step;
}

export type Work = Draw | Fill | Reshape | Effect | Foreign;

/** What a step comes to. */
export interface Drawn {
  readonly work: readonly Work[];
  /** Size afterwards; only pixels can tell it where `unsure`. */
  readonly size: Size;
  readonly unsure?: boolean;
  readonly alpha: boolean;
  readonly note?: string;
}

/** The picture before a step. */
export interface Context extends StepStage {
  readonly alpha: boolean;
  readonly animated: boolean;
  /** Its faces are looked for later. */
  readonly pending?: boolean;
}

export type Drawer<K extends Step["op"]> = (step: StepOf<K>, context: Context) => Drawn;

const CLEAR: Rgba = { r: 0, g: 0, b: 0, alpha: 0 };
const BLACK: Paint = { kind: "color", color: { r: 0, g: 0, b: 0, alpha: 1 } };

const same = (a: Size, b: Size) => a.width === b.width && a.height === b.height;
const smaller = (a: Size, b: Size) => a.width <= b.width && a.height <= b.height;
const isClear = (paint: Paint) => paint.kind === "color" && paint.color.alpha < 1;

/** Whether there are clear pixels once something was laid on a larger canvas. A paint fills what was clear as well. */
const clearAfter = (work: readonly Work[], paint: Paint, alpha: boolean) =>
  work.length === 0 ? alpha : paint.kind === "color" && (alpha || isClear(paint));

/** Only colours, not places: the size stays. */
const tone = (work: readonly Work[], { current, alpha }: Context): Drawn => ({ work, size: current, alpha });

interface Look {
  readonly place?: Focus | undefined;
  readonly strategy?: "attention" | "entropy";
  /** What to say where it is not what was asked for. */
  readonly note?: string;
}

/** Which way to look where no faces tell. */
function looking(focus: Focus | undefined, { animated, faces, pending }: Context): Look {
  // Each frame would choose a place of its own.
  const instead = animated ? "the centre" : "what catches the eye";
  if (focus === "faces") {
    const note = pending
      ? `faces are looked for when the picture is made; where there is none, ${instead}`
      : `${faces ? "no face found" : "no faces known"}: ${instead} instead`;
    return animated ? { note } : { strategy: "attention", note };
  }
  if (focus === "custom") return { note: "no stored area known: the centre instead" };
  if (focus !== "attention" && focus !== "entropy") return { place: focus };
  return animated ? { note: `no ${focus} in animations: the centre instead` } : { strategy: focus };
}

/** A frame of colour or paint around the picture, up to the canvas. */
function pad(canvas: Box, piece: Size, paint: Paint): Work[] {
  if (same(canvas, piece)) return [];
  if (paint.kind !== "color") return [{ kind: "fill", canvas, paint }];
  const value = {
    top: canvas.top,
    left: canvas.left,
    right: canvas.width - piece.width - canvas.left,
    bottom: canvas.height - piece.height - canvas.top,
    background: paint.color,
  };
  return [{ slot: "extend", value }];
}

/** An opaque colour given for the padding lies behind the picture's own clear parts, too. */
function behind(background: Paint | undefined, alpha: boolean): Work[] {
  if (!alpha || background?.kind !== "color" || background.color.alpha < 1) return [];
  return [{ slot: "flatten", value: background.color }];
}

const cut = (box: Box, of: Size): Work[] => (same(box, of) ? [] : [{ slot: "before", value: box }]);

const scaling = (from: Size, to: Size): Work[] =>
  same(from, to) ? [] : [{ slot: "scale", value: { ...plain(to), down: smaller(to, from) } }];

const plain = ({ width, height }: Size): Size => ({ width, height });

const resize: Drawer<"resize"> = (step, context) => {
  const { current, alpha } = context;
  const { scaled, crop, at, canvas, window, size } = resizeGeometry(step, context);
  const { place, strategy, note } = at || window ? {} : looking(step.focus, context);
  const scale = scaling(window ?? current, scaled);
  if (window) return { work: [...cut(window, current), ...scale], size, alpha };
  const told = note === undefined || !(crop ?? canvas) ? {} : { note };
  if (crop && strategy && !same(crop, scaled)) {
    return { work: [{ slot: "smart", value: { ...crop, strategy, scaled: true } }], size, alpha, ...told };
  }
  if (crop) {
    return {
      work: [...scale, ...cut({ ...crop, ...(at ?? placeAt(place, scaled, crop)) }, scaled)],
      size,
      alpha,
      ...told,
    };
  }
  if (!canvas) return { work: scale, size, alpha };
  const paint = step.background ?? BLACK;
  const lies = { ...canvas, ...placeAt(place, canvas, scaled) };
  const filled = behind(step.background, alpha);
  const padding = pad(lies, scaled, paint);
  const clear = clearAfter(padding, paint, alpha && filled.length === 0);
  return { work: [...filled, ...scale, ...padding], size, alpha: clear, ...told };
};

const extract: Drawer<"extract"> = (step, context) => {
  const { current, alpha, faces = [] } = context;
  const { canvas, scaled, size, ...box } = extractGeometry(step, context);
  const placed = step.at !== undefined || (step.focus === "faces" && faces.length > 0);
  const { strategy, note } = placed ? {} : looking(step.focus, context);
  const told = note === undefined ? {} : { note };
  const piece = scaled ?? box;
  const window: Work[] =
    strategy && !same(box, current)
      ? [{ slot: "smart", value: { ...plain(box), strategy, scaled: false } }]
      : [...cut(box, current), ...scaling(box, piece)];
  if (!canvas) return { work: window, size, alpha, ...told };
  const paint = step.background ?? BLACK;
  const filled = behind(step.background, alpha);
  const padding = pad(canvas, piece, paint);
  const clear = clearAfter(padding, paint, alpha && filled.length === 0);
  return { work: [...filled, ...window, ...padding], size, alpha: clear, ...told };
};

const rotate: Drawer<"rotate"> = ({ angle, background }, { current, alpha }) => {
  const turn = ((angle % 360) + 360) % 360;
  if (turn === 0) return { work: [], size: current, alpha };
  if (turn % 90 === 0) {
    const size = turn === 180 ? current : { width: current.height, height: current.width };
    return { work: [{ slot: "turn", value: turn as 90 | 180 | 270 }], size, alpha };
  }
  const color = background?.kind === "color" ? background.color : CLEAR;
  const turned: Work = { slot: "rotate", value: { angle: turn, background: color } };
  const work: Work[] =
    background && background.kind !== "color" ? [turned, { kind: "fill", paint: background }] : [turned];
  // libvips rounds the new canvas in its own way.
  return { work, size: current, unsure: true, alpha: !background || clearAfter(work, background, alpha) };
};

const flip: Drawer<"flip"> = ({ horizontal, vertical }, context) =>
  tone(
    [
      ...(vertical ? [{ slot: "flip", value: true } as const] : []),
      ...(horizontal ? [{ slot: "flop", value: true } as const] : []),
    ],
    context,
  );

/** libvips blurs from a sigma of 0.3 on; less would not be seen. */
const blur: Drawer<"blur"> = ({ sigma }, context) =>
  tone(sigma < 0.3 ? [] : [{ slot: "blur", value: sigma }], context);

const grayscale: Drawer<"grayscale"> = (_step, context) =>
  tone([{ slot: "grayscale", value: true }], context);

const contrast: Drawer<"contrast"> = (_step, context) => tone([{ slot: "normalise", value: true }], context);

/** `amount` 50 is sharp's own strength; it has no upper end. */
const sharpen: Drawer<"sharpen"> = ({ amount }, context) => {
  const strength = Math.min(amount / 50, 1000);
  const value = { sigma: 1, m1: strength, m2: 2 * strength, x1: 2, y2: 10 * strength, y3: 20 * strength };
  return tone(amount === 0 ? [] : [{ slot: "sharpen", value }], context);
};

/** In libvips' words: what differs by less than the threshold (of 100 steps of lightness) is left alone. */
const unsharp: Drawer<"unsharp"> = ({ radius, sigma, amount, threshold }, context) => {
  const value = {
    sigma: Math.min(10, Math.max(0.3, sigma || radius / 2)),
    m1: 0,
    m2: Math.min(amount, 1000),
    x1: Math.min(threshold, 1) * 100,
    y2: 100,
    y3: 100,
  };
  return tone(amount === 0 ? [] : [{ slot: "sharpen", value }], context);
};

const trim: Drawer<"trim"> = ({ tolerance }, { current, alpha }) => ({
  work: [{ slot: "trim", value: tolerance }],
  size: current,
  unsure: true,
  alpha,
});

const border: Drawer<"border"> = (step, context) => {
  const { width, height } = context.current;
  const edge = borderWidth(step, context);
  const size = { width: width + 2 * edge, height: height + 2 * edge };
  const alpha = context.alpha || (edge > 0 && step.color.alpha < 1);
  return {
    work: pad({ ...size, left: edge, top: edge }, context.current, { kind: "color", color: step.color }),
    size,
    alpha,
  };
};

const round: Drawer<"round"> = ({ radius }, { current }) => {
  const input = Buffer.from(maskOf(radius, current));
  // Tiled from the corner, so that each frame of an animation gets the mask.
  return {
    work: [{ slot: "over", value: { input, blend: "dest-in", tile: true, left: 0, top: 0 } }],
    size: current,
    alpha: true,
  };
};

/** An SVG of the picture's size: white where the picture stays. */
function maskOf(radius: StepOf<"round">["radius"], { width, height }: Size): string {
  const shape =
    radius === "max"
      ? `<ellipse cx="${width / 2}" cy="${height / 2}" rx="${width / 2}" ry="${height / 2}"/>`
      : `<path d="${roundedPath(radius, width, height)}"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${shape}</svg>`;
}

/** Radii that do not fit beside each other are all made smaller by the same factor (CSS Backgrounds 3 §4.5). */
function roundedPath(
  radii: readonly [number, number, number, number],
  width: number,
  height: number,
): string {
  const [a, b, c, d] = radii;
  const factor = Math.min(1, width / (a + b), width / (c + d), height / (b + c), height / (a + d));
  const [tl, tr, br, bl] = radii.map((radius) => radius * factor) as [number, number, number, number];
  return [
    `M${tl} 0H${width - tr}A${tr} ${tr} 0 0 1 ${width} ${tr}`,
    `V${height - br}A${br} ${br} 0 0 1 ${width - br} ${height}`,
    `H${bl}A${bl} ${bl} 0 0 1 0 ${height - bl}V${tl}A${tl} ${tl} 0 0 1 ${tl} 0Z`,
  ].join("");
}

/** A colour laid over or under all of the picture. */
const veil = (color: Rgba, blend: "dest-in" | "dest-over", { width, height }: Size): Work => ({
  slot: "over",
  value: {
    input: { create: { width, height, channels: 4, background: color } },
    blend,
    tile: true,
    left: 0,
    top: 0,
  },
});

const opacity: Drawer<"opacity"> = ({ value }, { current }) => ({
  work: [veil({ ...CLEAR, alpha: value }, "dest-in", current)],
  size: current,
  alpha: true,
});

const flatten: Drawer<"flatten"> = ({ background }, context) => {
  const { current, alpha } = context;
  if (!alpha) return tone([], context);
  if (background.kind !== "color") {
    return { work: [{ kind: "fill", paint: background }], size: current, alpha: false };
  }
  const { color } = background;
  if (color.alpha < 1) return { work: [veil(color, "dest-over", current)], size: current, alpha: true };
  return { work: [{ slot: "flatten", value: color }], size: current, alpha: false };
};

const overlay: Drawer<"overlay"> = (step, { current, alpha }) => {
  const mode = step.blend?.mode;
  const drawn = { size: current, alpha: alpha || mode === "cutout" || mode === "cutter" };
  if (mode === "displace") return { ...drawn, work: [{ kind: "reshape", step }] };
  // The result is as large as the layer, which only its own pixels tell.
  if (mode === "cutter") return { ...drawn, work: [{ kind: "reshape", step }], unsure: true };
  return {
    ...drawn,
    work: [{ slot: "over", value: { layer: step, base: current, opaque: !drawn.alpha } }],
  };
};

const DRAWERS = {
  // The decoder has been told which frame to read.
  frame: ((_step, context) => tone([], context)) as Drawer<"frame">,
  resize,
  extract,
  rotate,
  flip,
  blur,
  grayscale,
  contrast,
  sharpen,
  unsharp,
  trim,
  border,
  round,
  opacity,
  flatten,
  ...EFFECTS,
  overlay,
};

/** What a step comes to at a point of the chain. Throws `EUNSUPPORTED` for what this engine cannot do. */
export function draw(step: Step, context: Context): Drawn {
  const drawer = (DRAWERS as Partial<Record<string, (step: Step, context: Context) => Drawn>>)[step.op];
  if (drawer) return drawer(step, context);
  return { work: [{ kind: "foreign", step }], size: context.current, unsure: true, alpha: true };
}
