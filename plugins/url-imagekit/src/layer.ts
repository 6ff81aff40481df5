import { MediaError, printable, type Step, type StepOf } from "@mediatap/core";
import type { Layer, Rgba } from "@mediatap/core/steps";
import { colour } from "./colours.ts";
import { inputOf, type Parts, pathOf, read1, sort } from "./layer-parts.ts";
import { blendOf, placeOf } from "./layer-place.ts";
import { TEXT, type TextValues, textOf } from "./layer-text.ts";
import { readMoving } from "./layer-video.ts";
import { integer } from "./numbers.ts";
import type { Values } from "./parameters.ts";
import type { Reading } from "./reading.ts";
import type { Item, LayerBlock } from "./tokenize.ts";
import { extent } from "./values.ts";
import { isMoving, PICTURE } from "./wanted.ts";

/** Input that stands for a block of colour. */
const CANVAS = "ik_canvas";

/** Parameters of a block of colour. */
const BLOCK = {
  w: extent("originalWidth"),
  h: extent("originalHeight"),
  bg: colour,
  al: integer(1, 9),
} as const;

/** The items of one step of the language that no layer key is among → steps; the page of the source goes to `once`. */
export type ReadItems = (items: readonly Item[], reading: Reading, once: Values) => Step[];

/**
 * `l-image,…,l-end` and `l-text,…,l-end` → a step. `undefined`: noted as missing. Throws `EINVAL` for what has no meaning
 * in a layer of this kind.
 */
export function readLayer(
  block: LayerBlock,
  reading: Reading,
  read: ReadItems,
): StepOf<"overlay"> | undefined {
  switch (block.type) {
    case "image":
      return readImage(block, reading, read);
    case "text":
      return readText(block, reading, read);
    case "video":
    case "subtitles":
    case "subtitle":
      if (isMoving(reading.wanted)) return readMoving(block, reading, read);
      reading.missing.push(`layers on pictures (l-${block.type})`);
      return undefined;
    default:
      throw new MediaError("EINVAL", `Expected type of layer for l but received '${printable(block.type)}'`);
  }
}

function readImage(block: LayerBlock, reading: Reading, read: ReadItems): StepOf<"overlay"> {
  const isBlock = inputOf(block) === CANVAS;
  const parts = sort(block, isBlock ? BLOCK : { al: BLOCK.al }, reading);
  const blend = blendOf(parts.place);
  const layer: Layer = isBlock ? blockOf(parts, reading, read) : pictureOf(parts, reading, read);
  const { time } = parts;
  return {
    op: "overlay",
    layer,
    place: placeOf(parts.place),
    ...(time && { time }),
    ...(blend && { blend }),
  };
}

function pictureOf({ input, own, chain }: Parts, reading: Reading, read: ReadItems): Layer {
  const isTrimmed = chain.some((step) => step.some((item) => item.kind === "parameter" && item.key === "t"));
  // A layer is trimmed unless it says otherwise.
  const trim: Item[] = isTrimmed ? [] : [{ kind: "parameter", key: "t", value: "true" }];
  const [first = [], ...rest] = chain.filter((step) => step.length > 0);
  const once: Values = {};
  const inside: Reading = { ...reading, known: "own and parent", wanted: PICTURE };
  const steps = [[...trim, ...first], ...rest].flatMap((step) => read(step, inside, once));
  const frame: Step[] = once.pg === undefined ? [] : [{ op: "frame", page: once.pg }];
  return { kind: "image", path: pathOf(input), steps: [...frame, ...steps, ...faded(alphaOf(own))] };
}

function blockOf({ own, chain }: Parts, reading: Reading, read: ReadItems): Layer {
  const { w, h, bg = CLEAR } = read1(BLOCK, own, reading);
  const steps = chain.flatMap((step) => read(step, { ...reading, known: "parent", wanted: PICTURE }, {}));
  // The colour's own opacity, or a name instead of digits, outdoes `al`.
  const alpha = bg.alpha < 1 && bg !== CLEAR ? undefined : isNamed(own.get("bg")) ? undefined : alphaOf(own);
  return {
    kind: "color",
    color: bg,
    ...(w !== undefined && w !== "auto" && { width: w }),
    ...(h !== undefined && h !== "auto" && { height: h }),
    steps: [...steps, ...faded(alpha)],
  };
}

function readText(block: LayerBlock, reading: Reading, read: ReadItems): StepOf<"overlay"> {
  const { input, place, time, own, chain } = sort(block, TEXT, reading);
  const blend = blendOf(place);
  const values = read1(TEXT, own, reading) as TextValues;
  const steps = chain.flatMap((step) => read(step, { ...reading, known: "parent", wanted: PICTURE }, {}));
  return {
    op: "overlay",
    layer: { ...textOf(input, values), steps: [...steps, ...faded(values.al)] },
    place: placeOf(place),
    ...(time && { time }),
    ...(blend && { blend }),
  };
}

const CLEAR: Rgba = { r: 0, g: 0, b: 0, alpha: 0 };

const isNamed = (text: string | undefined) => text !== undefined && !/^[0-9a-f]{3,8}$/i.test(text);

const alphaOf = (own: ReadonlyMap<string, string>) => {
  const text = own.get("al");
  return text === undefined ? undefined : BLOCK.al(text, "al");
};

/** 1–9: nearly clear to nearly opaque. */
const faded = (alpha: number | undefined): Step[] =>
  alpha === undefined ? [] : [{ op: "opacity", value: alpha / 10 }];
