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
import type { Blend, OverlayOptions, Sharp } from "sharp";
import type { Settings } from "../options.ts";
import { openPixels, type Pixels, pixelsOf } from "../pixels/buffer.ts";
import { openImage } from "../pixels/image.ts";
import { megapixels } from "../pixels/size.ts";
import { type ImagePlan, planImage, planPixels } from "../plan/image-plan.ts";
import { boxesBefore } from "../read/focus.ts";
import type { LayerFiles } from "./open.ts";
import { renderTextLayer } from "./text.ts";

/** A layer's pixels, with alpha, and where they lie on the picture. */
export interface RenderedLayer {
  readonly pixels: Pixels;
  readonly placed: PlacedLayer;
  /** Variables of its expressions, now that all sizes are known. */
  readonly scope: Scope;
}

export interface LayerContext {
  readonly renderContext: RenderContext;
  readonly registry: StepRegistry;
  readonly settings: Settings;
  readonly files: LayerFiles;
  /** Runs a plan that starts from a file or from pixels, after its searches. */
  readonly render: (plan: ImagePlan, start: Source | Pixels) => Promise<Pixels>;
}

/** The plan of a layer, and the source or the pixels that it starts from. */
interface LayerStart {
  readonly plan: ImagePlan;
  readonly from: Source | Pixels;
}

/** Renders a layer and finds its position. Throws `ELIMIT` for one that is too large, `EINVAL` for one that has no size. */
export async function renderLayer(
  { layer, place }: StepOf<"overlay">,
  base: Size,
  tools: LayerContext,
): Promise<RenderedLayer> {
  const { plan, from } = await openLayer(layer, parentScope(base), tools);
  const pixels = await tools.render(plan, from);
  const placed = placeLayer(place, { base, layer: pixels, original: plan.original });
  const scope = scopeOf(plan.original, pixels, parentScope(base));
  return { pixels: cropToShown(pixels, placed.shown), placed, scope };
}

async function openLayer(layer: Layer, scope: Scope, tools: LayerContext): Promise<LayerStart> {
  const { renderContext, registry, settings, files } = tools;
  const common = { renderContext, registry, settings, scope };
  switch (layer.kind) {
    case "image": {
      const { source, header } = files.image(layer.path);
      const boxes = boxesBefore(layer.steps, renderContext);
      return { plan: planImage({ ...common, job: layerJob(layer.steps), header, ...boxes }), from: source };
    }
    case "color": {
      const size = blockSize(layer, scope);
      assertFits(size, renderContext);
      const create = { ...size, channels: 4 as const, background: layer.color };
      const from = await pixelsOf(openImage({ create, limitInputPixels: false }));
      return { plan: planPixels({ ...common, size, steps: layer.steps }), from };
    }
    case "text": {
      const from = await renderTextLayer(layer, scope, files, renderContext);
      return { plan: planPixels({ ...common, size: from, steps: layer.steps }), from };
    }
    default:
      // `openLayers` has refused them.
      throw new MediaError("EUNSUPPORTED", `Not supported here: layers of ${layer.kind} on images`);
  }
}

/** The job of an image layer: pixels with alpha, in sRGB, one frame. */
export const layerJob = (steps: readonly Step[]) => ({
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

/** A window of a picture. */
function cropToShown(pixels: Pixels, { left, top, width, height }: PlacedLayer["shown"]): Pixels {
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

/** A layer as an option of sharp. */
export function overlayOptions(
  { pixels, placed }: RenderedLayer,
  { blend }: StepOf<"overlay">,
): OverlayOptions {
  const { data, width, height, channels } = pixels;
  return {
    input: data,
    raw: { width, height, channels },
    left: placed.left,
    top: placed.top,
    blend: (blend && BLENDS[blend.mode]) ?? "over",
  };
}

/** The pixels of the picture under the opaque pixels of a layer, in the layer's size and shape. */
export function cutToLayer(picture: Pixels, layer: Pixels, { left, top }: PlacedLayer): Sharp {
  const { data, width, height, channels } = layer;
  return openPixels(picture)
    .extract({ left, top, width, height })
    .composite([{ input: data, raw: { width, height, channels }, blend: "dest-in" }]);
}
