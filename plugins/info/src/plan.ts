import {
  bodyOf,
  FACES_PRICE,
  type Header,
  type InfoField,
  MediaError,
  type Plan,
  type RenderContext,
} from "@mediatap/core";
import { describe, type Need, needsOf } from "./fields.ts";
import type { File } from "./file.ts";

export const NAME = "info";

/** Milliseconds of one core, and bytes. */
type Price = Pick<Plan, "cost" | "memory">;

const MB = 1024 * 1024;

/** To read a header again, and to write the description. */
const BASE_PRICE: Price = { cost: 2, memory: MB };

/** Beside decoding: to scale the picture down, and to analyse its pixels. */
const PRICES: Readonly<Record<Need, Price>> = {
  preview: { cost: 25, memory: 8 * MB },
  faces: FACES_PRICE,
  attention: { cost: 25, memory: 4 * MB },
  keyFrames: { cost: 150, memory: 32 * MB },
};

/** Of a picture that its engine reads without help, for a megapixel and a pixel: between those of its formats. */
const DEFAULT_DECODE_PRICE = { cost: 0, megapixelCost: 15, memory: 0, pixelMemory: 8, vector: false };

/** Longest side of a preview. */
const PREVIEW_SIDE = 512;

/** Milliseconds of work from which a plan is queued as heavy. */
const HEAVY_COST_MS = 400;

/** Throws `EUNSUPPORTED` for a field of which no plugin knows anything. */
export function planOf(file: File, fields: readonly InfoField[], context: RenderContext): Plan {
  const needs = needsOf(fields, context);
  for (const need of needs) {
    if (!context.hasInspector(need))
      throw new MediaError("EUNSUPPORTED", `Not supported here: ${need} of files`);
  }
  const prices = [BASE_PRICE, ...[...needs].map((need) => PRICES[need])];
  if (file.header && needs.has("preview")) prices.push(decodePrice(file.header));
  const sum = (field: keyof Price) => Math.ceil(prices.reduce((all, price) => all + price[field], 0));
  const cost = sum("cost");
  return {
    engine: NAME,
    lane: cost > HEAVY_COST_MS ? "heavy" : "light",
    cost,
    memory: sum("memory"),
    explain: () => ({ fields, ...(needs.size > 0 && { needs: [...needs] }) }),
    async run(context) {
      const { values, degraded } = await describe(file, fields, context);
      const bytes = Buffer.from(JSON.stringify(values));
      return {
        ...(degraded && { degraded }),
        body: bodyOf(bytes),
        type: "application/json",
        format: "json",
      };
    },
  };
}

/** Of the picture's first frame. */
function decodePrice({ width, height, format, weight = 1, decode = DEFAULT_DECODE_PRICE }: Header): Price {
  const { cost, megapixelCost, memory, pixelMemory, vector = format === "svg" } = decode;
  const factor = vector ? Math.min(1, PREVIEW_SIDE / Math.max(width, height)) : 1;
  const pixels = width * height * factor ** 2;
  return { cost: cost + (megapixelCost * weight * pixels) / 1e6, memory: memory + pixelMemory * pixels };
}
