import type { StepOf } from "@mediatap/core";
import type { PlacedLayer } from "@mediatap/core/steps";
import type { Blend, OverlayOptions, Sharp } from "sharp";
import { openPixels, type Pixels } from "../pixels/buffer.ts";
import type { DrawnLayer } from "./draw.ts";

const BLENDS: Readonly<Record<string, Blend>> = { multiply: "multiply", cutout: "dest-out" };

/** A layer in sharp's words. */
export function composed({ pixels, placed }: DrawnLayer, { blend }: StepOf<"overlay">): OverlayOptions {
  const { data, width, height, channels } = pixels;
  return {
    input: data,
    raw: { width, height, channels },
    left: placed.left,
    top: placed.top,
    blend: (blend && BLENDS[blend.mode]) ?? "over",
  };
}

/** What of the picture lies under the opaque parts of a layer, in the layer's size and shape. */
export function cutTo(picture: Pixels, layer: Pixels, { left, top }: PlacedLayer): Sharp {
  const { data, width, height, channels } = layer;
  return openPixels(picture)
    .extract({ left, top, width, height })
    .composite([{ input: data, raw: { width, height, channels }, blend: "dest-in" }]);
}
