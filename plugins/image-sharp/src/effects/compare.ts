import { likeness } from "@mediatap/core/decode";
import type { Samples } from "./samples.ts";

/** How alike two frames of one channel are: the result's samples are one number of 64 bits, low byte first. */
export function pixels({ data, width, height }: Samples): Samples {
  const half = width * height;
  const [a, b] = [data.subarray(0, half), data.subarray(half)];
  const result = new Uint8Array(8);
  const alike = likeness({ data: a, width, height }, { data: b, width, height });
  new DataView(result.buffer).setFloat64(0, alike, true);
  return { data: result, width: result.length, height: 1, channels: 1, frames: 1 };
}
