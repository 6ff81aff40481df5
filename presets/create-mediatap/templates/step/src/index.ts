import type { Plugin, RawFrame, StepOf } from "@mediatap/core";
import { z } from "@mediatap/core/zod";

declare module "@mediatap/core" {
  interface Steps {
    /** Grey values between two colours, 0xRRGGBB. */
    duotone: { readonly dark: number; readonly light: number };
  }
}

const color = z.int().min(0).max(0xffffff);
const schema = z.strictObject({ op: z.literal("duotone"), dark: color, light: color });

/** Adds the step `duotone`. Replace it by yours. */
export function stepExample(): Plugin {
  const name = "step-example";
  return {
    name,
    version: "0.1.0",
    apiVersion: 1,
    apply({ hooks, steps, fingerprint }) {
      fingerprint(`${name}@0.1.0`);
      steps.define("duotone", {
        schema,
        opaque: true,
        cost: (_step, { width, height }) => (width * height) / 100_000,
      });
      hooks.step.for("duotone").tap(name, (frame, step) => toned(frame, step));
    },
  };
}

function toned({ data, width, height, channels }: RawFrame, { dark, light }: StepOf<"duotone">): RawFrame {
  const hasAlpha = channels === 2 || channels === 4;
  const colors = channels - (hasAlpha ? 1 : 0);
  const samples = hasAlpha ? 4 : 3;
  const out = new Uint8Array(width * height * samples);
  for (let pixel = 0; pixel < width * height; pixel++) {
    let sum = 0;
    for (let channel = 0; channel < colors; channel++) sum += data[pixel * channels + channel] ?? 0;
    const grey = sum / colors / 255;
    for (const [channel, shift] of [16, 8, 0].entries()) {
      const [from, to] = [(dark >> shift) & 255, (light >> shift) & 255];
      out[pixel * samples + channel] = Math.round(from + (to - from) * grey);
    }
    if (hasAlpha) out[pixel * samples + 3] = data[pixel * channels + channels - 1] ?? 255;
  }
  return { data: out, width, height, channels: samples };
}

export default stepExample;
