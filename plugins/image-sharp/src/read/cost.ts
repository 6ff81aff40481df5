import type { Header, Size } from "@mediatap/core";
import { megapixels } from "../pixels/size.ts";

/** Milliseconds of one core to decode a megapixel, measured with photographs. */
export const DECODE_COST: Readonly<Record<string, number> & { svg: number }> = {
  jpeg: 4,
  png: 12,
  apng: 24,
  webp: 14,
  avif: 30,
  gif: 7,
  svg: 20,
  tiff: 5,
};

/** Milliseconds of the plugin that decodes a file for this engine, if one does. */
export const decoderCost = ({ decode }: Header, size: Size): number =>
  decode ? decode.cost + decode.megapixelCost * megapixels(size) : 0;

/** Milliseconds to decode the whole picture. */
export const decodeCost = (header: Header, size: Size): number =>
  header.decode
    ? decoderCost(header, size)
    : (DECODE_COST[header.format] ?? 20) * (header.weight ?? 1) * megapixels(size);
