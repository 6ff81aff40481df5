import { MediaError, printable, type Step, type StepOf } from "@mediatap/core";
import type { Layer, Rgba, TextStyle } from "@mediatap/core/steps";
import { colour } from "./colours.ts";
import { assertExpressions } from "./expression.ts";
import { inputOf, type Parts, pathOf, sort } from "./layer-parts.ts";
import { blendOf, placeOf } from "./layer-place.ts";
import { readStyle, SUBTITLES, TEXT } from "./layer-style.ts";
import { integer } from "./numbers.ts";
import type { Values } from "./parameters.ts";
import type { Reading } from "./reading.ts";
import type { Item, LayerBlock, Parameter } from "./tokenize.ts";
import { extent } from "./values.ts";
import { headOf, videoOutputOf } from "./video.ts";
import { isMoving, PICTURE, VIDEO } from "./wanted.ts";

/** Input that stands for a block of colour. */
const CANVAS = "ik_canvas";

const alpha = integer(1, 9);

/** Characters of a text; what is longer is cut. */
const MAX_TEXT = 2000;

/** What a text looks like where it says nothing of it. */
const TEXT_STYLE: TextStyle = { size: 45, color: { r: 0, g: 0, b: 0, alpha: 1 }, align: "center" };

const keysOf = (kind: object, ...more: string[]) => new Set([...Object.keys(kind), ...more]);

/** Parameters of a kind's own. */
const KEYS = {
  image: new Set(["al"]),
  block: new Set(["w", "h", "bg", "al"]),
  text: keysOf(TEXT, "al"),
  video: new Set<string>(),
  subtitles: keysOf(SUBTITLES),
} as const;

/** The items of one step of the language that no layer key is among → steps; the page of the source goes to `once`. */
export type ReadItems = (items: readonly Item[], reading: Reading, once: Values) => Step[];

/**
 * `l-image,…,l-end` and its like → a step. `undefined`: noted as missing. Throws `EINVAL` for what has no meaning in a layer of this
 * kind.
 */
export function readLayer(
  block: LayerBlock,
  reading: Reading,
  read: ReadItems,
): StepOf<"overlay"> | undefined {
  const kind = block.type === "subtitle" ? "subtitles" : block.type;
  if (kind !== "image" && kind !== "text" && kind !== "video" && kind !== "subtitles") {
    throw new MediaError("EINVAL", `Expected type of layer for l but received '${printable(block.type)}'`);
  }
  if ((kind === "video" || kind === "subtitles") && !isMoving(reading.wanted)) {
    reading.missing.push(`layers on pictures (l-${block.type})`);
    return undefined;
  }
  const isBlock = kind === "image" && inputOf(block) === CANVAS;
  const parts = sort(block, KEYS[isBlock ? "block" : kind], reading);
  const blend = blendOf(parts.place);
  const { time } = parts;
  return {
    op: "overlay",
    layer: isBlock ? blockOf(parts, reading, read) : READERS[kind](parts, reading, read),
    place: kind === "subtitles" ? { gravity: "bottom" } : placeOf(parts.place),
    ...(time && { time }),
    ...(blend && { blend }),
  };
}

/** What a layer shows, of its kind. */
const READERS: Readonly<
  Record<Exclude<Layer["kind"], "color">, (parts: Parts, reading: Reading, read: ReadItems) => Layer>
> = {
  image({ input, own, chain }, reading, read) {
    const isTrimmed = chain.some((step) =>
      step.some((item) => item.kind === "parameter" && item.key === "t"),
    );
    // A layer is trimmed unless it says otherwise.
    const trim: Parameter[] = isTrimmed ? [] : [{ kind: "parameter", key: "t", value: "true" }];
    const [first = [], ...rest] = chain;
    const once: Values = {};
    const inside: Reading = { ...reading, known: "own and parent", wanted: PICTURE };
    const steps = [[...trim, ...first], ...rest].flatMap((step) => read(step, inside, once));
    const frame: Step[] = once.pg === undefined ? [] : [{ op: "frame", page: once.pg }];
    return { kind: "image", path: pathOf(input), steps: [...frame, ...steps, ...faded(own.get("al"))] };
  },
  text({ input, own, chain }, reading, read) {
    const style: TextStyle = { ...TEXT_STYLE, ...readStyle(own, TEXT, reading) };
    const steps = chain.flatMap((step) => read(step, { ...reading, known: "parent", wanted: PICTURE }, {}));
    const text = [...input].slice(0, MAX_TEXT).join("");
    return { kind: "text", text, style, steps: [...steps, ...faded(own.get("al"))] };
  },
  video({ input, chain }, reading, read) {
    const once: Values = {};
    const inside: Reading = { ...reading, known: "own and parent", wanted: VIDEO };
    const steps = chain.flatMap((step) => read(step, inside, once));
    // How it is written means nothing for what is laid on another, but that it may be mute.
    const { audio } = videoOutputOf(once);
    const head = headOf(audio === "none" ? { ...once, vol: 0 } : once, VIDEO);
    return { kind: "video", path: pathOf(input), steps: [...head, ...steps] };
  },
  subtitles: ({ input, own }, reading) => ({
    kind: "subtitles",
    path: pathOf(input),
    style: readStyle(own, SUBTITLES, reading),
  }),
};

function blockOf({ own, chain }: Parts, reading: Reading, read: ReadItems): Layer {
  const { tokens } = reading;
  const side = (name: "width" | "height", key: string, original: Parameters<typeof extent>[0]) => {
    const text = own.get(key);
    const length = text === undefined ? undefined : extent(original)(text, key);
    assertExpressions(length, { known: "parent", tokens }, text ?? "", key);
    return length === undefined || length === "auto" ? {} : { [name]: length };
  };
  const size = { ...side("width", "w", "originalWidth"), ...side("height", "h", "originalHeight") };
  const background = own.get("bg");
  const color = background === undefined ? CLEAR : colour(background, "bg");
  const steps = chain.flatMap((step) => read(step, { ...reading, known: "parent", wanted: PICTURE }, {}));
  // The colour's own opacity, or a name instead of digits, outdoes `al`.
  const isFixed = background !== undefined && (color.alpha < 1 || !/^[0-9a-f]{3,8}$/i.test(background));
  const fade = faded(own.get("al"));
  return { kind: "color", color, ...size, steps: isFixed ? steps : [...steps, ...fade] };
}

const CLEAR: Rgba = { r: 0, g: 0, b: 0, alpha: 0 };

/** `al`, 1–9: nearly clear to nearly opaque. */
const faded = (text: string | undefined): Step[] =>
  text === undefined ? [] : [{ op: "opacity", value: alpha(text, "al") / 10 }];
