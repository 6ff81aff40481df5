import { imageSharp } from "@mediatap/image-sharp";
import { describeDecode, type Spot } from "@mediatap/test";
import { decodeRaster } from "../src/index.ts";
import { makePnm, makeQoi, makeTga, quarters } from "./rasters.ts";

const SIZE = { width: 46, height: 30 };
const PICTURE = { ...SIZE, paint: quarters(SIZE.width, SIZE.height) };

const spots = (alpha: number): readonly Spot[] => [
  [0.25, 0.25, [255, 0, 0, 255]],
  [0.75, 0.25, [0, 255, 0, 255]],
  [0.25, 0.75, [0, 0, 255, 255]],
  [0.75, 0.75, [255, 255, 255, alpha]],
];

for (const [format, bytes, alpha] of [
  ["tga", makeTga({ ...PICTURE, bits: 32, alphaBits: 8, packed: true }), true],
  ["qoi", makeQoi(PICTURE), true],
  ["pnm", makePnm({ ...PICTURE, kind: 6 }), false],
] as const) {
  describeDecode(`decode-raster, ${format}`, () => ({
    plugin: decodeRaster(),
    engine: imageSharp(),
    files: [
      {
        name: `picture.${format}`,
        bytes,
        header: { format, ...SIZE, alpha, palette: false },
        pages: [{ ...SIZE, spots: spots(alpha ? 128 : 255) }],
      },
    ],
  }));
}
