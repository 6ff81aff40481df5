import { invalid, MediaError, type Size, type Step, type StepOf } from "@mediatap/core";
import {
  type Box,
  borderWidth,
  extractGeometry,
  type Focus,
  type Paint,
  placeAt,
  placeLayer,
  resizeGeometry,
} from "@mediatap/core/steps";
import { assertPaint, BLACK, blurredCopy, onBlurred, opaque } from "./paint.ts";
import type { Drafting } from "./picture.ts";
import type { Clock, Times } from "./timeline.ts";
import { even, same, seconds } from "./units.ts";

type Drawer<K extends Step["op"]> = (step: StepOf<K>, draft: Drafting) => void;

const SEARCHED: ReadonlySet<Focus> = new Set<Focus>(["attention", "entropy", "faces"]);

/** What catches the eye moves, and a crop must not. */
function assertFocus(focus: Focus | undefined, op: string): void {
  if (focus === undefined || !SEARCHED.has(focus)) return;
  throw new MediaError("EUNSUPPORTED", `Not supported on videos: ${op} with the focus ${focus}`);
}

function crop(draft: Drafting, { left, top, width, height }: Box): void {
  if (same(draft.current, { width, height })) return;
  draft.add(`crop=${width}:${height}:${left}:${top}:exact=1`);
  draft.current = { width, height };
}

/** Padding goes by pairs of pixels, as chroma does. */
function evened(draft: Drafting): void {
  const size = even(draft.current);
  if (size.width > draft.current.width || size.height > draft.current.height) draft.scale(size);
  else crop(draft, { left: 0, top: 0, ...size });
}

/** Lays the picture, scaled to `inner`, on a canvas. */
function lay(
  draft: Drafting,
  wanted: Size,
  inner: Size,
  paint: Paint,
  place: (canvas: Size, inner: Size) => Box | Place,
) {
  const canvas = even(wanted);
  const scaled = even({
    width: Math.min(inner.width, canvas.width),
    height: Math.min(inner.height, canvas.height),
  });
  if (same(scaled, canvas)) return draft.scale(canvas);
  const { left, top } = place(canvas, scaled);
  if (paint.kind === "blurred") {
    draft.add(onBlurred(paint, canvas, { left, top }, `scale=${scaled.width}:${scaled.height},setsar=1`));
  } else {
    draft.scale(scaled);
    const color = opaque(paint.kind === "color" ? paint.color : BLACK);
    draft.add(`pad=${canvas.width}:${canvas.height}:${left}:${top}:color=${color}`);
  }
  draft.current = canvas;
}

interface Place {
  readonly left: number;
  readonly top: number;
}

const black: Paint = { kind: "color", color: BLACK };

const resize: Drawer<"resize"> = (step, draft) => {
  assertFocus(step.fit === "cover" || step.fit === "contain" ? step.focus : undefined, "resize");
  const { scaled, crop: window, canvas } = resizeGeometry(step, draft);
  if (canvas) {
    const paint = step.background ?? black;
    assertPaint(paint, "resize");
    return lay(draft, canvas, scaled, paint, (outer, inner) => placeAt(step.focus, outer, inner));
  }
  draft.scale(scaled);
  if (window) crop(draft, { ...window, ...placeAt(step.focus, scaled, window) });
};

const extract: Drawer<"extract"> = (step, draft) => {
  assertFocus(step.at ? undefined : step.focus, "extract");
  const { canvas, scaled: _, size, ...box } = extractGeometry(step, draft);
  crop(draft, box);
  if (!canvas) return;
  const paint = step.background ?? black;
  assertPaint(paint, "extract");
  lay(draft, size, draft.current, paint, (outer, inner) => ({
    left: Math.min(canvas.left, outer.width - inner.width),
    top: Math.min(canvas.top, outer.height - inner.height),
  }));
};

const TURNS: Readonly<Record<number, string>> = {
  90: "transpose=clock",
  180: "hflip,vflip",
  270: "transpose=cclock",
};

const rotate: Drawer<"rotate"> = ({ angle }, draft) => {
  const turn = TURNS[((angle % 360) + 360) % 360];
  if (!turn) throw invalid("rotate.angle", "0, 90, 180, 270 or 360 on a video", angle);
  draft.add(turn);
  const { width, height } = draft.current;
  if (angle % 180 !== 0) draft.current = { width: height, height: width };
};

const flip: Drawer<"flip"> = ({ horizontal, vertical }, draft) =>
  draft.add(...(horizontal ? ["hflip"] : []), ...(vertical ? ["vflip"] : []));

const border: Drawer<"border"> = (step, draft) => {
  const edge = borderWidth(step, draft);
  evened(draft);
  const { width, height } = draft.current;
  const size = { width: width + 2 * edge, height: height + 2 * edge };
  draft.add(`pad=${size.width}:${size.height}:${edge}:${edge}:color=${opaque(step.color)}`);
  draft.current = size;
};

const round: Drawer<"round"> = ({ radius }, draft) => {
  const size = draft.current;
  const paint = draft.behind;
  assertPaint(paint, "round");
  const isBlurred = paint.kind === "blurred";
  const request = draft.mask({ kind: "mask", radius, size, inverted: !isBlurred });
  if (!isBlurred) {
    const color = opaque(paint.kind === "color" ? paint.color : BLACK);
    // One frame of the corners, laid on all pictures.
    draft.add(({ from, to, label, extra }) => {
      const [mask, filled, edges, corner] = [label(), label(), label(), label()];
      return [
        `[${extra(request)}]split[${mask}][${filled}]`,
        `[${filled}]format=yuv420p,drawbox=c=${color}:t=fill[${edges}]`,
        `[${edges}][${mask}]alphamerge[${corner}]`,
        `[${from}][${corner}]overlay=0:0[${to}]`,
      ];
    });
    return;
  }
  draft.add(({ from, to, label, extra }) => {
    const [copy, picture, back, front] = [label(), label(), label(), label()];
    return [
      `[${from}]split[${copy}][${picture}]`,
      `[${copy}]${blurredCopy(paint, size)}[${back}]`,
      `[${picture}][${extra(request)}]alphamerge[${front}]`,
      `[${back}][${front}]overlay=0:0[${to}]`,
    ];
  });
};

/** There is nothing behind a video: what is clear shows the next `flatten`, or black. */
const opacity: Drawer<"opacity"> = ({ value }, draft) => {
  const paint = draft.behind;
  if (paint.kind !== "color")
    throw new MediaError("EUNSUPPORTED", "Not supported on videos: opacity on a blurred background");
  const { r, g, b } = paint.color;
  const [y, u, v] = yuv(r, g, b);
  const mix = (to: number) => `val*${value}+${((1 - value) * to).toFixed(2)}`;
  draft.add(`lutyuv=y=${mix(y)}:u=${mix(u)}:v=${mix(v)}`);
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

const blur: Drawer<"blur"> = ({ sigma }, draft) => {
  if (sigma >= 0.3) draft.add(`gblur=sigma=${sigma}`);
};

const grayscale: Drawer<"grayscale"> = (_step, draft) => draft.add("lutyuv=u=128:v=128");

/** As strong as on pictures, as far as ffmpeg's filter goes; `amount` 50 is the plain strength. */
const sharpen: Drawer<"sharpen"> = ({ amount }, draft) => {
  if (amount > 0) draft.add(`unsharp=5:5:${Math.min(5, amount / 50).toFixed(2)}:5:5:0`);
};

/** Pictures are opaque from their beginning: there is nothing left to lay on a background. */
const flatten: Drawer<"flatten"> = ({ background }) => assertPaint(background, "flatten");

/** Commas separate filters. */
const between = ({ start, end }: Times, clock: Clock, offset: number): string =>
  `enable=between(t\\,${seconds(clock(start, offset))}\\,${seconds(clock(end, offset) - INSTANT)})`;

/** The picture at its end is the first without the layer. */
const INSTANT = 0.001;

const overlay: Drawer<"overlay"> = (step, draft) => {
  if (step.blend) {
    throw new MediaError("EUNSUPPORTED", `Not supported on videos: the layer mode ${step.blend.mode}`);
  }
  // The picture must have its form before the layer's place is known.
  draft.add();
  switch (step.layer.kind) {
    case "video":
      return layVideo(step, draft);
    case "subtitles": {
      const name = draft.subtitles(step);
      draft.add(({ from, to, offset }) => {
        const [shift, back] =
          offset === 0 ? ["", ""] : [`setpts=PTS+${offset}/TB,`, `,setpts=PTS-${offset}/TB`];
        return [`[${from}]${shift}ass=f=${name}.ass:fontsdir=${name}-fonts${back}[${to}]`];
      });
      return;
    }
    default:
      return layPicture(step, draft);
  }
};

/** Drawn by the image engine at its place on a clear canvas, so that layers lie as on pictures. */
function layPicture(step: StepOf<"overlay">, draft: Drafting): void {
  const [request, clock] = [draft.layer(step), draft.clock()];
  draft.add(({ from, to, extra, offset }) => {
    const time = request.time ? `:${between(request.time, clock, offset)}` : "";
    return [`[${from}][${extra(request)}]overlay=0:0${time}[${to}]`];
  });
}

function layVideo(step: StepOf<"overlay">, draft: Drafting): void {
  const { video, time } = draft.video(step);
  const { picture } = video.graph;
  if (!picture) throw new MediaError("EINVAL", "Expected a layer with a video track");
  const [clock, base, layer] = [draft.clock(), draft.current, picture.size];
  const { probe } = video.file;
  const original = probe.video ?? { width: 0, height: 0 };
  const { left, top, shown } = placeLayer(
    step.place,
    { base, layer, original },
    { originalDuration: probe.duration },
  );
  const cut = same(shown, layer)
    ? ""
    : `crop=${shown.width}:${shown.height}:${shown.left}:${shown.top}:exact=1,`;
  draft.add(({ from, to, label, extra, offset }) => {
    const [inner, front] = [label(), label()];
    const start = seconds(clock(time.start, offset));
    return [
      picture.wire({ from: extra(video), to: inner, extra, prefix: `${inner}x` }),
      `[${inner}]${cut}setpts=PTS-STARTPTS+${start}/TB[${front}]`,
      `[${from}][${front}]overlay=${left}:${top}:eof_action=pass:${between(time, clock, offset)}[${to}]`,
    ];
  });
}

/** The operations of this engine by their names. `clip`, `speed` and `volume` are steps of the whole video: see `graphOf`. */
export const OPERATIONS: Readonly<Partial<Record<string, (step: never, draft: Drafting) => void>>> = {
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
} satisfies Record<string, Drawer<never>>;
