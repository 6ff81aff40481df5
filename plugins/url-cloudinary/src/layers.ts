import { invalid, type Step, type StepOf } from "@mediatap/core";
import {
  checkName,
  type Group,
  type GroupReader,
  integer,
  joinNames,
  lenient,
  type ReadContext,
  unsupported,
} from "@mediatap/core/language";
import type { Expression, Gravity, Layer, Offset, Place, Showing, TextStyle } from "@mediatap/core/steps";
import { type Names, uploadsOf } from "./grammar.ts";
import type { CloudinaryValues } from "./parameters.ts";
import { type Cloudinary, lengthOf } from "./steps.ts";

/** Effects that say how a layer is laid on the image. */
const BLENDS: ReadonlyMap<string, NonNullable<StepOf<"overlay">["blend"]>> = new Map([
  ["multiply", { mode: "multiply" }],
  ["cut_out", { mode: "cutout" }],
]);

/** Parameters that say where and when a layer shows. */
const PLACE = new Set(["g", "x", "y", "so", "eo", "du"]);

/** Parameters of a text that its style takes. */
const STYLE = new Set(["co", "b"]);

export interface LayerParts {
  /** `l_…` without the key. */
  readonly source: string;
  /** What is done to the layer, and where it lies. */
  readonly inner: readonly Group[];
  readonly place: Group;
}

/** One overlay → its step. */
export function overlayOf(
  { source, inner, place }: LayerParts,
  context: ReadContext,
  read: GroupReader<CloudinaryValues>,
  names: Names,
): Step {
  const kind = kindOf(source);
  const nested = [...inner.flat(), ...place].find(({ key }) => key === "l" || key === "if");
  if (nested) throw unsupported("layers and conditions in a layer", nested.key, nested.value);
  const blendItem = place.find(({ key, value }) => key === "e" && BLENDS.has(value));
  const placed = read(
    place.filter((item) => item !== blendItem),
    { ...context, media: "video" },
  );
  if (placed.steps.some(({ op }) => op !== "clip"))
    throw unsupported("steps beside fl_layer_apply", "l", source);
  const { fl = [] } = placed.values;
  const isRelative = [
    fl,
    ...inner.map(
      (group) =>
        read(
          group.filter(({ key }) => key === "fl"),
          context,
        ).values.fl ?? [],
    ),
  ]
    .flat()
    .includes("relative");
  const style = kind === "text" ? inner.flat().filter(({ key }) => STYLE.has(key)) : [];
  const box = kind === "text" ? textBox(inner) : undefined;
  const rest = inner
    .map((group) =>
      group.filter(
        (item) =>
          item.key !== "fl" &&
          !style.includes(item) &&
          !(box !== undefined && (item.key === "w" || item.key === "c")),
      ),
    )
    .filter((group) => group.length > 0);
  const readings = rest.map((group) =>
    read(group, { ...context, media: kind === "video" ? "video" : "image" }),
  );
  for (const { output } of readings) {
    if (Object.keys(output).length > 0) throw unsupported("a format of a layer", "l", source);
  }
  const own = readings.flatMap(({ steps }) => steps);
  const steps = isRelative ? relative(own) : own;
  const blend = blendItem
    ? BLENDS.get(blendItem.value)
    : fl.includes("cutter")
      ? ({ mode: "cutter" } as const)
      : undefined;
  const time = timeOf(placed.values);
  if (time && context.media !== "video") throw unsupported("times of layers of images", "l", source);
  return {
    op: "overlay",
    layer: layerOf(kind, source, steps, { style: read(style, context).values, width: box }, names, context),
    place: placeOf(placed.values, context),
    ...(time && { time }),
    ...(blend && { blend }),
  };
}

function kindOf(source: string): "image" | "text" | "video" {
  const [first = ""] = source.split(":");
  if (first === "text" || first === "video") return first;
  if (["fetch", "subtitles", "lut", "audio", "authenticated", "private", "auto"].includes(first)) {
    throw unsupported("this kind of layer", "l", source);
  }
  return "image";
}

function layerOf(
  kind: "image" | "text" | "video",
  source: string,
  steps: readonly Step[],
  text: { readonly style: Cloudinary; readonly width: Expression | undefined },
  names: Names,
  { media }: ReadContext,
): Layer {
  if (kind === "text") return { kind, ...textOf(source, text), steps };
  if (kind === "video" && media !== "video") throw unsupported("layers of videos on images", "l", source);
  const id = source
    .replace(/^(?:image:|video:)?(?:upload:)?/, "")
    .split(":")
    .map(checkName);
  const path = `${uploadsOf(names, kind)}${joinNames(id)}`;
  const extension = kind === "video" ? names.videoExtension : names.extension;
  const isWhole = !extension || /\.[a-z0-9]{1,5}$/i.test(path);
  return { kind, path: isWhole ? path : `${path}.${extension}`, steps };
}

/** The width in which the lines of a text are wrapped: `w_200,c_fit`. */
function textBox(inner: readonly Group[]): Expression | undefined {
  const group = inner.find((items) => items.some(({ key, value }) => key === "c" && value === "fit"));
  const width = group?.find(({ key }) => key === "w");
  if (!group || !width) return undefined;
  const height = group.find(({ key }) => key === "h");
  if (height) throw unsupported("the height of a text", "h", height.value);
  return integer(1, 10_000)(width.value, "w");
}

const ALIGNS = { left: "left", start: "left", center: "center", right: "right", end: "right" } as const;

/** `text:Arial_40_bold:Hello%20World`. */
function textOf(
  source: string,
  { style, width }: { readonly style: Cloudinary; readonly width: Expression | undefined },
) {
  const [, written = "", ...texts] = source.split(":");
  const [, font = "", size = "", more = ""] = /^([^_].*?)_(\d+)((?:_.*)?)$/.exec(written) ?? [];
  if (size === "") throw unsupported("the style of another text", "l", source);
  // Encoded twice by hand; clients do so for these two characters alone.
  const text = lenient(texts.join(":")).replace(/%2c/gi, ",").replace(/%2f/gi, "/");
  if (text.trim() === "") throw invalid("l", "text", source);
  const { b: background } = style;
  if (background && background.kind !== "color") throw unsupported("this background of a text", "b");
  const height = integer(1, 1000)(size, "l");
  let parsed: TextStyle = {
    size: height,
    font,
    color: style.co ?? { r: 0, g: 0, b: 0, alpha: 1 },
    align: "left",
    ...(width !== undefined && { width }),
    ...(background && { background: background.color }),
  };
  const spaced = more.replace(/_line_spacing_(-?\d+)/, (_, extra: string) => {
    parsed = { ...parsed, lineHeight: height + Number(extra) };
    return "";
  });
  for (const word of spaced.split("_").slice(1)) {
    if (word === "bold" || word === "italic" || word === "strikethrough")
      parsed = { ...parsed, [word]: true };
    else if (Object.hasOwn(ALIGNS, word)) parsed = { ...parsed, align: ALIGNS[word as keyof typeof ALIGNS] };
    else if (word !== "normal" && word !== "none") throw unsupported("this style of a text", "l", word);
  }
  return { text, style: parsed };
}

/** Fractions of a layer's own size → of the image below. */
function relative<T>(value: T): T {
  if (value === "currentWidth") return "parentWidth" as T;
  if (value === "currentHeight") return "parentHeight" as T;
  if (Array.isArray(value)) return value.map(relative) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, relative(part)])) as T;
}

function timeOf({ so, eo, du }: Cloudinary): Showing | undefined {
  if (so === undefined && eo === undefined && du === undefined) return undefined;
  return {
    ...(so !== undefined && { start: so }),
    ...(eo !== undefined && { end: eo }),
    ...(du !== undefined && { duration: du }),
  };
}

/** By gravity; `x` and `y` lead away from it, to the inside. */
function placeOf({ g = "center", x, y }: Cloudinary, context: ReadContext): Place {
  if (["attention", "entropy", "faces", "custom", "xy_center"].includes(g))
    throw unsupported("a layer on what is found", "g", g);
  const gravity = g as Gravity;
  if (x === undefined && y === undefined) return { gravity };
  const words = gravity.split("-");
  const along = (length: Expression | undefined, start: string, end: string): Offset => {
    const by = length ?? 0;
    if (words.includes(start)) return { by, of: "edge" };
    return words.includes(end) ? { by, of: "edge", fromEnd: true } : { by, of: "center" };
  };
  return {
    x: along(lengthOf(x, "parentWidth", context), "left", "right"),
    y: along(lengthOf(y, "parentHeight", context), "top", "bottom"),
    anchor: gravity,
  };
}

/** Whether an item says where or when a layer shows. */
export const isPlace = (key: string) => PLACE.has(key);

export const isBlend = (effect: string) => BLENDS.has(effect);
