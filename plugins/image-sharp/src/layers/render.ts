import {
  MediaError,
  type RenderContext,
  type Size,
  type Source,
  type Step,
  type StepOf,
} from "@mediatap/core";
import {
  evaluate,
  type Layer,
  type PlacedLayer,
  parentScope,
  placeLayer,
  type Scope,
  type StepRegistry,
  scopeOf,
} from "@mediatap/core/steps";
import sharp, { type Blend, type OverlayOptions, type Sharp } from "sharp";
import type { Settings } from "../options.ts";
import { openPixels, type Pixels, pixelsOf } from "../pixels/buffer.ts";
import { megapixels } from "../pixels/size.ts";
import { type Draft, draftOf, draftOfPixels } from "../plan/image-plan.ts";
import { boxesBefore } from "../read/focus.ts";
import type { LayerFiles } from "./open.ts";
import { drawStyled } from "./text.ts";

/** A layer's pixels, with alpha, and where they lie on the picture. */
export interface DrawnLayer {
  readonly pixels: Pixels;
  readonly placed: PlacedLayer;
  /** What its expressions may name, now that all sizes are known. */
  readonly scope: Scope;
}

export interface LayerTools {
  readonly renderContext: RenderContext;
  readonly registry: StepRegistry;
  readonly settings: Settings;
  readonly files: LayerFiles;
  /** Carries out a draft that starts from a file or from pixels, with what it looks for. */
  readonly draw: (draft: Draft, start: Source | Pixels) => Promise<Pixels>;
}

/** How a layer begins: a picture of its own, and the size that it has there. */
interface Start {
  readonly draft: Draft;
  readonly from: Source | Pixels;
}

/** Draws a layer and finds its place. Throws `ELIMIT` for one that is too large, `EINVAL` for one that has no size. */
export async function drawLayer(
  { layer, place }: StepOf<"overlay">,
  base: Size,
  tools: LayerTools,
): Promise<DrawnLayer> {
  const { draft, from } = await start(layer, parentScope(base), tools);
  const pixels = await tools.draw(draft, from);
  const placed = placeLayer(place, { base, layer: pixels, original: draft.original });
  const scope = scopeOf(draft.original, pixels, parentScope(base));
  return { pixels: windowOf(pixels, placed.shown), placed, scope };
}

async function start(layer: Layer, scope: Scope, tools: LayerTools): Promise<Start> {
  const { renderContext, registry, settings, files } = tools;
  const parts = { renderContext, registry, settings, scope };
  switch (layer.kind) {
    case "image": {
      const { source, header } = files.image(layer.path);
      const boxes = boxesBefore(layer.steps, renderContext);
      return { draft: draftOf({ ...parts, job: wantedSize(layer.steps), header, ...boxes }), from: source };
    }
    case "color": {
      const size = blockSize(layer, scope);
      assertFits(size, renderContext);
      const create = { ...size, channels: 4 as const, background: layer.color };
      const from = await pixelsOf(sharp({ create, limitInputPixels: false }));
      return { draft: draftOfPixels({ ...parts, size, steps: layer.steps }), from };
    }
    case "text": {
      const from = await drawStyled(layer, scope, files, renderContext);
      return { draft: draftOfPixels({ ...parts, size: from, steps: layer.steps }), from };
    }
    default:
      // `openLayers` has seen to it.
      throw new MediaError("EUNSUPPORTED", `Not supported here: layers of ${layer.kind} on images`);
  }
}

/** What a layer is requested for as: pixels with alpha, in sRGB, one frame. */
export const wantedSize = (steps: readonly Step[]) => ({
  transformation: { steps, output: { format: "png", colorProfile: "srgb", metadata: "strip" } as const },
  accept: "basic" as const,
});

/** Size of a block of colour, before its steps. */
export const blockSize = (
  { width = "parentWidth", height = "parentHeight" }: Extract<Layer, { kind: "color" }>,
  scope: Scope,
): Size => ({ width: lengthOf("width", width, scope), height: lengthOf("height", height, scope) });

function lengthOf(name: string, length: Parameters<typeof evaluate>[0], scope: Scope): number {
  const value = Math.round(evaluate(length, scope));
  if (value < 1) throw new MediaError("EINVAL", `Expected positive integer for ${name} of a layer`);
  return value;
}

function assertFits(size: Size, { limits }: RenderContext): void {
  if (megapixels(size) <= limits.outputMegapixels && Math.max(size.width, size.height) <= limits.outputSide) {
    return;
  }
  throw new MediaError(
    "ELIMIT",
    `Expected a layer of at most ${limits.outputMegapixels} megapixels and ${limits.outputSide} pixels a side`,
  );
}

/** A part of a picture. */
function windowOf(pixels: Pixels, { left, top, width, height }: PlacedLayer["shown"]): Pixels {
  if (width === pixels.width && height === pixels.height) return pixels;
  const { channels } = pixels;
  const data = Buffer.allocUnsafe(width * height * channels);
  for (let row = 0; row < height; row++) {
    const from = ((top + row) * pixels.width + left) * channels;
    pixels.data.copy(data, row * width * channels, from, from + width * channels);
  }
  return { ...pixels, data, width, height };
}

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
