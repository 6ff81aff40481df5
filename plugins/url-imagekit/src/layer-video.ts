import { invalid, type StepOf } from "@mediatap/core";
import type { SubtitleStyle } from "@mediatap/core/steps";
import { colour, printColour } from "./colours.ts";
import type { ReadItems } from "./layer.ts";
import { pathOf, read1, sort, type ValuesOf } from "./layer-parts.ts";
import { placeOf } from "./layer-place.ts";
import { font, positive, typography } from "./layer-text.ts";
import { decimal, printNumber, type Reader } from "./numbers.ts";
import type { Values } from "./parameters.ts";
import type { Reading } from "./reading.ts";
import type { LayerBlock } from "./tokenize.ts";
import { headOf, videoOutputOf } from "./video.ts";
import { VIDEO } from "./wanted.ts";

type Rgba = ReturnType<typeof colour>;

/** Pixels around or beside a letter; far more than makes sense. */
const MOST = 1000;

const width = (text: string | undefined, expected: string, all: string, key: string): number => {
  const value = decimal(text ?? "");
  if (value === undefined || value > MOST) throw invalid(key, expected, all);
  return value;
};

const outline: Reader<{ width: number; color: Rgba }> = (text, key) => {
  const [first, second = "", ...rest] = text.split("_");
  const expected = "<width>_<colour>";
  if (rest.length > 0) throw invalid(key, expected, text);
  return { width: width(first, expected, text, key), color: colour(second, key) };
};

const shadow: Reader<{ color: Rgba; indent: number }> = (text, key) => {
  const [first = "", second, ...rest] = text.split("_");
  const expected = "<colour>_<indent>";
  if (rest.length > 0) throw invalid(key, expected, text);
  return { color: colour(first, key), indent: width(second, expected, text, key) };
};

/** Parameters of subtitles beside their file. */
const SUBTITLES = {
  fs: positive,
  ff: font,
  co: colour,
  tg: typography("b", "i"),
  bg: colour,
  fol: outline,
  fsh: shadow,
} as const;

/** `l-video` and `l-subtitles` → a step. Throws `EINVAL` for what has no meaning in them. */
export function readMoving(block: LayerBlock, reading: Reading, read: ReadItems): StepOf<"overlay"> {
  return block.type === "video" ? readVideo(block, reading, read) : readSubtitles(block, reading);
}

function readVideo(block: LayerBlock, reading: Reading, read: ReadItems): StepOf<"overlay"> {
  const { input, place, time, chain } = sort(block, {}, reading);
  const once: Values = {};
  const inside: Reading = { ...reading, known: "own and parent", wanted: VIDEO };
  const steps = chain.flatMap((step) => read(step, inside, once));
  // How it is written means nothing for what is laid on another, but that it may be mute.
  const { audio } = videoOutputOf(once);
  const head = headOf(audio === "none" ? { ...once, vol: 0 } : once, VIDEO);
  return {
    op: "overlay",
    layer: { kind: "video", path: pathOf(input), steps: [...head, ...steps] },
    place: placeOf(place),
    ...(time && { time }),
  };
}

function readSubtitles(block: LayerBlock, reading: Reading): StepOf<"overlay"> {
  const { input, time, own } = sort(block, SUBTITLES, reading);
  return {
    op: "overlay",
    layer: { kind: "subtitles", path: pathOf(input), style: styleOf(read1(SUBTITLES, own, reading)) },
    place: { gravity: "bottom" },
    ...(time && { time }),
  };
}

function styleOf({ fs, ff, co, tg, bg, fol, fsh }: ValuesOf<typeof SUBTITLES>): SubtitleStyle {
  return {
    ...(fs !== undefined && { size: fs }),
    ...(ff !== undefined && { font: ff }),
    ...tg,
    ...(co && { color: co }),
    ...(bg && { background: bg }),
    ...(fol && { outline: fol }),
    ...(fsh && { shadow: fsh }),
  };
}

/** The parameters of a style that only subtitles have. */
export function printEdges({ outline, shadow }: SubtitleStyle): (string | undefined)[] {
  return [
    outline && `fol-${printNumber(outline.width)}_${printColour(outline.color)}`,
    shadow && `fsh-${printColour(shadow.color)}_${printNumber(shadow.indent)}`,
  ];
}
