import type { Step, StepOf } from "@mediatap/core";
import type { Layer, Length, Offset, Place } from "@mediatap/core/steps";
import { printColour } from "./colours.ts";
import { printExpression } from "./expression.ts";
import { TIMES } from "./layer-parts.ts";
import { printStyle, SUBTITLES, TEXT } from "./layer-style.ts";
import { type Items, item, itemsOf } from "./numbers.ts";
import { PICTURE, VIDEO, type Wanted } from "./wanted.ts";

/** A layer in the language; `printSteps` gives the steps of the language for a layer's own. */
export function printLayer(
  { layer, place, time = {}, blend }: StepOf<"overlay">,
  printSteps: (steps: readonly Step[], wanted: Wanted) => string[],
): string {
  const steps = layer.kind === "subtitles" ? [] : layer.steps;
  const [first, ...rest] = printSteps(steps, layer.kind === "video" ? VIDEO : PICTURE);
  const untrimmed = layer.kind === "image" && !layer.steps.some(({ op }) => op === "trim");
  const head = itemsOf(
    ...printInput(layer),
    untrimmed ? "t-false" : undefined,
    ...(layer.kind === "subtitles" ? [] : printPlace(place)),
    ...Object.entries(TIMES).map(([key, name]) => item(key, time[name], printExpression)),
    blend && `lm-${blend.mode}`,
    ...(blend?.mode === "displace" ? [`x-${signed(blend.x)}`, `y-${signed(blend.y)}`] : []),
  );
  // A condition stands alone in its step.
  const separator = first?.startsWith("if-") ? ":" : ",";
  return `${[first ? head + separator + first : head, ...rest].join(":")},l-end`;
}

function printInput(layer: Layer): Items {
  switch (layer.kind) {
    case "image":
    case "video":
      return [`l-${layer.kind}`, printFile(layer.path)];
    case "subtitles":
      return ["l-subtitles", printFile(layer.path), ...printStyle(layer.style, SUBTITLES)];
    case "text":
      return [
        "l-text",
        printed(layer.text, /^[A-Za-z0-9._-]+$/, layer.text),
        ...printStyle(layer.style, TEXT),
      ];
    case "color": {
      const { color, width, height } = layer;
      return [
        "l-image",
        "i-ik_canvas",
        color.alpha === 0 ? undefined : `bg-${printColour(color)}`,
        item("w", width, printExpression),
        item("h", height, printExpression),
      ];
    }
  }
}

const printFile = (path: string) => printed(path.replaceAll("/", "@@"), /^[\w.@-]+$/, path);

const printed = (text: string, plain: RegExp, full: string) =>
  plain.test(text) ? `i-${text}` : `ie-${Buffer.from(full).toString("base64url")}`;

const printGravity = (gravity: string) => gravity.replace("-", "_");

function printPlace(place: Place): Items {
  if ("gravity" in place) {
    return [place.gravity === "center" ? undefined : `lfo-${printGravity(place.gravity)}`];
  }
  return [
    place.x && printOffset("lx", place.x),
    place.y && printOffset("ly", place.y),
    item("lap", place.anchor, printGravity),
  ];
}

function printOffset(key: string, { by, of, fromEnd }: Offset): string {
  return `${key}${of === "center" ? "c" : ""}-${fromEnd ? `N${printExpression(by)}` : signed(by)}`;
}

/** A length; `N` for one that counts in the other direction. */
function signed(value: Length): string {
  const isNegative = typeof value === "object" && value[0] === "sub" && value[1] === 0;
  return isNegative ? `N${printExpression(value[2])}` : printExpression(value);
}
