import type { Rule } from "@mediatap/core/language";
import type { AkamaiValues } from "./parameters.ts";

/** The sizes of the query; the image does not become larger. */
const size: Rule<AkamaiValues> = {
  uses: ["imwidth", "imheight", "imdensity"],
  steps({ imwidth, imheight, imdensity = 1 }) {
    const side = (length: number) => Math.max(1, Math.round(length * imdensity));
    if (imwidth === undefined && imheight === undefined) return [];
    return [
      {
        op: "resize",
        ...(imwidth !== undefined && { width: side(imwidth) }),
        ...(imheight !== undefined && { height: side(imheight) }),
        fit: "inside",
        enlarge: false,
      },
    ];
  },
  // `Resize` has words for each of them.
  fromStep: () => undefined,
};

/** Each transformation is a group of its own; this is the order of what one group can contain. */
export const ORDER = [
  "Resize",
  "Scale",
  "Crop",
  "AspectCrop",
  "FitAndFill",
  "Trim",
  "Mirror",
  "Rotate",
  "Grayscale",
  "Blur",
  "Opacity",
  "BackgroundColor",
  size,
] as const;
