import { z } from "zod";
import type {
  Blend,
  Layer,
  Offset,
  Place,
  Showing,
  StepOf,
  SubtitleStyle,
  TextStyle,
} from "../transformation.ts";
import { fold, foldFields, foldTime } from "./canonical.ts";
import type { StepDefinition } from "./registry.ts";
import { expression, gravity, innerStep, rgba, stretch } from "./schema.ts";

declare module "../transformation.ts" {
  interface Steps {
    /** Lays a layer on the picture. Its size stays, unless the layer cuts it out. */
    overlay: {
      readonly layer: Layer;
      readonly place: Place;
      /** When it shows, on a video. Left out: all the time. */
      readonly time?: Showing;
      /** Left out: the layer covers what lies below. */
      readonly blend?: Blend;
    };
  }
}

/** Characters of a text. */
const MAX_TEXT_LENGTH = 2500;

const style: z.ZodType<TextStyle> = z.strictObject({
  size: expression,
  font: z.string().min(1).max(500).exactOptional(),
  bold: z.boolean().exactOptional(),
  italic: z.boolean().exactOptional(),
  strikethrough: z.boolean().exactOptional(),
  color: rgba,
  align: z.enum(["left", "center", "right"]),
  width: expression.exactOptional(),
  lineHeight: expression.exactOptional(),
  padding: z.tuple([expression, expression, expression, expression]).exactOptional(),
  background: rgba.exactOptional(),
});

const pixels = z.number().min(0).max(1000);

const subtitleStyle: z.ZodType<SubtitleStyle> = z.strictObject({
  size: expression.exactOptional(),
  font: z.string().min(1).max(500).exactOptional(),
  bold: z.boolean().exactOptional(),
  italic: z.boolean().exactOptional(),
  color: rgba.exactOptional(),
  background: rgba.exactOptional(),
  outline: z.strictObject({ width: pixels, color: rgba }).exactOptional(),
  shadow: z.strictObject({ color: rgba, indent: pixels }).exactOptional(),
});

const steps = z.array(innerStep);

const layer: z.ZodType<Layer> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("image"), path: z.string().min(1), steps }),
  z.strictObject({ kind: z.literal("text"), text: z.string().min(1).max(MAX_TEXT_LENGTH), style, steps }),
  z.strictObject({
    kind: z.literal("color"),
    color: rgba,
    width: expression.exactOptional(),
    height: expression.exactOptional(),
    steps,
  }),
  z.strictObject({ kind: z.literal("video"), path: z.string().min(1), steps }),
  z.strictObject({ kind: z.literal("subtitles"), path: z.string().min(1), style: subtitleStyle }),
]);

const offset: z.ZodType<Offset> = z.strictObject({
  by: expression,
  of: z.enum(["edge", "center"]),
  fromEnd: z.boolean().exactOptional(),
});

const place: z.ZodType<Place> = z.union([
  z.strictObject({ gravity }),
  z.strictObject({
    x: offset.exactOptional(),
    y: offset.exactOptional(),
    anchor: gravity.exactOptional(),
  }),
]);

const blend: z.ZodType<Blend> = z.discriminatedUnion("mode", [
  z.strictObject({ mode: z.enum(["multiply", "cutout", "cutter"]) }),
  z.strictObject({ mode: z.literal("displace"), x: expression, y: expression }),
]);

/** Laying something on the picture. The layer's own steps are checked by their definitions, as those of a branch are. */
const overlay: StepDefinition<StepOf<"overlay">> = {
  schema: z.strictObject({
    op: z.literal("overlay"),
    layer,
    place,
    time: z.strictObject(stretch).exactOptional(),
    blend: blend.exactOptional(),
  }),
  canonical: ({ layer, place, time, blend, ...step }) => ({
    ...step,
    layer: foldLayer(layer),
    place: foldPlace(place),
    ...showing(time),
    ...(blend && { blend: blend.mode === "displace" ? foldFields(blend, "x", "y") : blend }),
  }),
  faces: ({ blend }, { faces }) =>
    blend?.mode === "cutter" || blend?.mode === "displace" ? undefined : faces,
};

/** Steps that lay something on the picture. */
export const overlaySteps = { overlay };

function foldLayer(layer: Layer): Layer {
  switch (layer.kind) {
    case "image":
    case "video":
      return layer;
    case "subtitles":
      return { ...layer, style: foldFields(layer.style, "size") };
    case "color":
      return foldFields(layer, "width", "height");
    case "text": {
      const { padding, ...style } = foldFields(layer.style, "size", "width", "lineHeight");
      const [top, right, bottom, left] = (padding ?? [0, 0, 0, 0]).map(fold) as [never, never, never, never];
      const isPadded = [top, right, bottom, left].some((side) => side !== 0);
      return {
        ...layer,
        style: { ...style, ...(isPadded && { padding: [top, right, bottom, left] as const }) },
      };
    }
  }
}

function showing(time: Showing = {}): { time?: Showing } {
  const folded = foldTime(time);
  return Object.keys(folded).length > 0 ? { time: folded } : {};
}

function foldPlace(place: Place): Place {
  if ("gravity" in place) return place;
  const { x, y, anchor } = place;
  return {
    ...(x && { x: foldFields(x, "by") }),
    ...(y && { y: foldFields(y, "by") }),
    ...(anchor && anchor !== "top-left" && { anchor }),
  };
}
