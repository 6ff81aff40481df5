import type { Rgba } from "@mediatap/core";
import type { Sharp } from "sharp";
import type { Fill } from "./draws.ts";
import { openPixels, type Pixels } from "./held.ts";

/** TEMP */
export async function fill(pixels: Pixels, _part: Fill): Promise<Sharp> {
  const black: Rgba = { r: 0, g: 0, b: 0, alpha: 1 };
  return openPixels(pixels).flatten({ background: black });
}
