import type { Step, StepOf } from "@mediatap/core";
import type { Layer, Length, Offset, Place, SubtitleStyle, TextStyle } from "@mediatap/core/steps";
import { printColour } from "./colours.ts";
import { printExpression } from "./expression.ts";
import { printShowing } from "./layer-time.ts";
import { printEdges } from "./layer-video.ts";
import { PICTURE, VIDEO, type Wanted } from "./wanted.ts";

type Parts = (string | undefined)[];

/** A layer in the language; `printSteps` gives the steps of the language for a layer's own. */
export function printLayer(
  { layer, place, time, blend }: StepOf<"overlay">,
  printSteps: (steps: readonly Step[], wanted: Wanted) => string[],
): string {
  const steps = layer.kind === "subtitles" ? [] : layer.steps;
  const [first, ...rest] = printSteps(steps, layer.kind === "video" ? VIDEO : PICTURE);
  const untrimmed = layer.kind === "image" && !layer.steps.some(({ op }) => op === "trim");
  const head = [
    ...printInput(layer),
    untrimmed ? "t-false" : undefined,
    ...(layer.kind === "subtitles" ? [] : printPlace(place)),
    ...(time ? printShowing(time) : []),
    blend && `lm-${blend.mode}`,
    ...(blend?.mode === "displace" ? [`x-${signed(blend.x)}`, `y-${signed(blend.y)}`] : []),
  ].filter((part) => part !== undefined);
  // A condition stands alone in its step.
  const together = first?.startsWith("if-")
    ? [head.join(","), first]
    : [[...head, first].filter(Boolean).join(",")];
  return `${[...together, ...rest].join(":")},l-end`;
}

function printInput(layer: Layer): Parts {
  switch (layer.kind) {
    case "image":
      return ["l-image", printFile(layer.path)];
    case "video":
      return ["l-video", printFile(layer.path)];
    case "subtitles":
      return ["l-subtitles", printFile(layer.path), ...printSubtitles(layer.style)];
    case "text":
      return ["l-text", printed(layer.text, /^[A-Za-z0-9._-]+$/, layer.text), ...printStyle(layer.style)];
    case "color": {
      const { color, width, height } = layer;
      return [
        "l-image",
        "i-ik_canvas",
        color.alpha === 0 ? undefined : `bg-${printColour(color)}`,
        length("w", width),
        length("h", height),
      ];
    }
  }
}

const printFile = (path: string) => printed(path.replaceAll("/", "@@"), /^[\w.@-]+$/, path);

const printed = (text: string, plain: RegExp, full: string) =>
  plain.test(text) ? `i-${text}` : `ie-${Buffer.from(full).toString("base64url")}`;

function printStyle(style: TextStyle): Parts {
  const { size, font, color, align, width, lineHeight, padding, background } = style;
  return [
    length("fs", size),
    printFont(font),
    `co-${printColour(color)}`,
    `ia-${align}`,
    length("w", width),
    length("lh", lineHeight),
    padding && `pa-${printPadding(padding)}`,
    background && `bg-${printColour(background)}`,
    printLooks(style),
  ];
}

function printSubtitles(style: SubtitleStyle): Parts {
  const { size, font, color, background } = style;
  return [
    length("fs", size),
    printFont(font),
    color && `co-${printColour(color)}`,
    background && `bg-${printColour(background)}`,
    printLooks(style),
    ...printEdges(style),
  ];
}

const printFont = (font: string | undefined) => font?.replaceAll("/", "@@").replace(/^/, "ff-");

function printLooks({ bold, italic, strikethrough }: Partial<TextStyle>): string | undefined {
  const looks = [bold && "b", italic && "i", strikethrough && "strikethrough"].filter(Boolean);
  return looks.length > 0 ? `tg-${looks.join("_")}` : undefined;
}

function printPadding(padding: NonNullable<TextStyle["padding"]>): string {
  const [top] = padding;
  return typeof top === "number" ? padding.map(printExpression).join("_") : printExpression(top);
}

function printPlace(place: Place): Parts {
  if ("gravity" in place) {
    return [place.gravity === "center" ? undefined : `lfo-${place.gravity.replace("-", "_")}`];
  }
  return [
    place.x && printOffset("lx", place.x),
    place.y && printOffset("ly", place.y),
    place.anchor && `lap-${place.anchor.replace("-", "_")}`,
  ];
}

function printOffset(key: string, { by, of, fromEnd }: Offset): string {
  return `${key}${of === "center" ? "c" : ""}-${fromEnd ? `N${printExpression(by)}` : signed(by)}`;
}

/** A length; `N` for one that counts in the other direction. */
function signed(value: Length): string {
  if (typeof value === "number") return value < 0 ? `N${printExpression(-value)}` : printExpression(value);
  const isNegative = typeof value === "object" && value[0] === "sub" && value[1] === 0;
  return isNegative ? `N${printExpression(value[2])}` : printExpression(value);
}

const length = (key: string, value: Length | undefined) =>
  value === undefined ? undefined : `${key}-${printExpression(value)}`;
