import type { Plugin, RawFrame } from "@mediatap/core";
import { z } from "zod";

declare module "@mediatap/core" {
  interface Steps {
    /** Blocks of one colour, `size` pixels wide and high. */
    pixelate: { readonly size: number };
  }
}

const schema = z.strictObject({ op: z.literal("pixelate"), size: z.int().min(1).max(1000) });

/** Adds the step `pixelate`. Engines hand it the pixels; what is before and after it they do themselves. */
export function pixelate(): Plugin {
  const name = "step-pixelate";
  return {
    name,
    version: "1.0.0",
    apiVersion: 1,
    apply({ hooks, steps, fingerprint }) {
      // Part of every record: pictures made by another version are made again.
      fingerprint(`${name}@1.0.0`);
      steps.define("pixelate", {
        schema,
        // Blocks of one pixel change nothing.
        canonical: (step) => (step.size === 1 ? undefined : step),
        // Photographs stay JPEGs.
        opaque: true,
        cost: (_step, { width, height }) => (width * height) / 50_000,
      });
      hooks.step.for("pixelate").tap(name, (frame, step) => pixelated(frame, step.size));
    },
  };
}

/** Each pixel as the one in the middle of its block. */
function pixelated({ data, width, height, channels }: RawFrame, size: number): RawFrame {
  const out = new Uint8Array(data.length);
  const middle = (at: number, end: number) => Math.min(end - 1, at - (at % size) + Math.floor(size / 2));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (middle(y, height) * width + middle(x, width)) * channels;
      out.set(data.subarray(from, from + channels), (y * width + x) * channels);
    }
  }
  return { data: out, width, height, channels };
}
