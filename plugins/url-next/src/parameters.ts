import { MediaError } from "@mediatap/core";
import { type Parameters, unprintable } from "@mediatap/core/language";
import type { NextSettings } from "./options.ts";

/** The error for a parameter, in Next's words. */
export const refuse = (text: string) => new MediaError("EINVAL", text);

/** What the values of the parameters are. */
export interface NextValues {
  w: number;
  q: number;
}

const WIDTH = '"w" parameter (width)';
const QUALITY = '"q" parameter (quality)';

/** The parameters beside `url`, as far as the settings allow them. */
export function parametersOf({
  deviceSizes,
  imageSizes,
  qualities,
}: Pick<NextSettings, "deviceSizes" | "imageSizes" | "qualities">): Parameters<NextValues> {
  const widths = new Set([...deviceSizes, ...imageSizes]);
  return {
    w: {
      means: "width; an image is never scaled up",
      values: "one of `deviceSizes` and `imageSizes`",
      read: (text) => {
        const width = Number(text);
        if (!/^[0-9]+$/.test(text) || width <= 0) throw refuse(`${WIDTH} must be an integer greater than 0`);
        if (!widths.has(width)) throw refuse(`${WIDTH} of ${width} is not allowed`);
        return width;
      },
      step: (width) => ({ op: "resize", width, fit: "inside", enlarge: false }),
      fromStep: (step) => {
        if (step.op !== "resize") return undefined;
        const { width } = step;
        if (typeof width !== "number" || !widths.has(width))
          throw unprintable(`resize to a width of ${width}`);
        return width;
      },
    },
    q: {
      means: "quality",
      values: "one of `qualities`",
      read: (text) => {
        const quality = Number(text);
        if (!/^[0-9]+$/.test(text) || quality < 1 || quality > 100) {
          throw refuse(`${QUALITY} must be an integer between 1 and 100`);
        }
        if (!qualities.includes(quality)) throw refuse(`${QUALITY} of ${quality} is not allowed`);
        return quality;
      },
      output: (quality) => ({ quality }),
      fromOutput: ({ quality }) => (typeof quality === "number" ? quality : undefined),
    },
  };
}
