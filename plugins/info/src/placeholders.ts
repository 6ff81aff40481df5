import type { RawFrame } from "@mediatap/core";
import { decode, encode } from "blurhash";
import { rgbaToThumbHash, thumbHashToRGBA } from "thumbhash";
import { type Pixels, reduced } from "./pixels.ts";
import { dataUrl } from "./png.ts";

/** A hash from which clients render a blurred picture, and that picture. */
export interface Placeholder {
  readonly hash: string;
  /** PNG, of at most 32 pixels a side. */
  readonly url: string;
}

/** Longest side that ThumbHash accepts. */
const THUMB_SIDE = 100;

/** ThumbHash, in Base64 (https://evanw.github.io/thumbhash/). */
export function thumbHashOf(frame: RawFrame): Placeholder {
  const { data, width, height } = reduced(frame, THUMB_SIDE);
  const hash = rgbaToThumbHash(width, height, data);
  const { w, h, rgba } = thumbHashToRGBA(hash);
  const url = dataUrl({ data: new Uint8ClampedArray(rgba), width: w, height: h });
  return { hash: Buffer.from(hash).toString("base64"), url };
}

/** More pixels change nothing that can be seen. */
const BLUR_SIDE = 32;
/** Components along the longer and the shorter side. */
const [LONG, SHORT] = [4, 3];

/** BlurHash (https://blurha.sh), of 4 × 3 components; clear pixels are white. */
export function blurHashOf(frame: RawFrame): Placeholder {
  const { data, width, height } = onWhite(reduced(frame, BLUR_SIDE));
  const [across, down] = width >= height ? [LONG, SHORT] : [SHORT, LONG];
  const hash = encode(data, width, height, across, down);
  const pixels = new Uint8ClampedArray(decode(hash, width, height));
  return { hash, url: dataUrl({ data: pixels, width, height }) };
}

function onWhite({ data, width, height }: Pixels): Pixels {
  const opaque = data.map((value, at) => {
    if (at % 4 === 3) return 255;
    const alpha = (data[at - (at % 4) + 3] as number) / 255;
    return value * alpha + 255 * (1 - alpha);
  });
  return { data: opaque, width, height };
}
