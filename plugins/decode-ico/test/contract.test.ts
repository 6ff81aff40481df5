import { imageSharp } from "@mediatap/image-sharp";
import { describeDecode, makePng, type Spot } from "@mediatap/test";
import { decodeIco } from "../src/index.ts";
import { makeBmp, makeIco, quarters, RGB } from "./bitmaps.ts";

const SPOTS: readonly Spot[] = [
  [0.25, 0.25, [255, 0, 0, 255]],
  [0.75, 0.25, [0, 255, 0, 255]],
  [0.25, 0.75, [0, 0, 255, 255]],
  [0.75, 0.75, [255, 255, 255, 255]],
];

const SIZE = { width: 45, height: 30 };

describeDecode("decode-ico, bitmaps", () => ({
  plugin: decodeIco(),
  engine: imageSharp(),
  files: [
    {
      name: "picture.bmp",
      bytes: makeBmp({ ...SIZE, bits: 24, pixel: quarters(SIZE.width, SIZE.height, RGB) }),
      header: { format: "bmp", ...SIZE, alpha: false, palette: false, density: 100 },
      pages: [{ ...SIZE, spots: SPOTS }],
    },
  ],
}));

const icon = (side: number) => {
  const colors = RGB.map((color) => 0xff000000 + color);
  return { width: side, height: side, bits: 32, pixel: quarters(side, side, colors) };
};

describeDecode("decode-ico, icons", () => ({
  plugin: decodeIco(),
  engine: imageSharp(),
  document: true,
  files: [
    {
      name: "one.ico",
      bytes: makeIco([icon(48)]),
      header: { format: "ico", width: 48, height: 48, alpha: true },
      pages: [{ width: 48, height: 48, spots: SPOTS }],
    },
    {
      name: "favicon.ico",
      bytes: makeIco([icon(16), makePng(64, 64, () => [1, 2, 3, 255]), icon(32)]),
      header: { format: "ico", width: 64, height: 64 },
      pages: [
        { width: 64, height: 64, spots: [[0.5, 0.5, [1, 2, 3, 255]]] },
        { width: 32, height: 32, spots: SPOTS },
        { width: 16, height: 16, spots: SPOTS },
      ],
    },
  ],
}));
