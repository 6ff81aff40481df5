import type { PluginApi, RawFrame } from "@mediatap/core";
import { z } from "zod";

declare module "@mediatap/core" {
  interface Steps {
    /** Black and white alone. */
    bitonal: Record<never, never>;
  }
}

/** Luma of Rec. 601 from which on a pixel is white. */
const LUMA_THRESHOLD = 128;

/** Adds the step of the quality `bitonal`. */
export function addBitonal(name: string, { hooks, steps }: Pick<PluginApi, "hooks" | "steps">): void {
  steps.define("bitonal", {
    schema: z.strictObject({ op: z.literal("bitonal") }),
    opaque: true,
    faces: "stay",
    cost: (_step, { width, height }) => (width * height) / 100_000,
  });
  hooks.step.for("bitonal").tap(name, bitonal);
}

/** One sample a pixel, or two if it has alpha. */
function bitonal({ data, width, height, channels }: RawFrame): RawFrame {
  const hasAlpha = channels === 2 || channels === 4;
  const samples = hasAlpha ? 2 : 1;
  const out = new Uint8Array(width * height * samples);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const from = pixel * channels;
    const sample = (channel: number) => data[from + channel] ?? 0;
    const luma = channels < 3 ? sample(0) : 0.299 * sample(0) + 0.587 * sample(1) + 0.114 * sample(2);
    out[pixel * samples] = luma < LUMA_THRESHOLD ? 0 : 255;
    if (hasAlpha) out[pixel * samples + 1] = sample(channels - 1);
  }
  return { data: out, width, height, channels: samples };
}
