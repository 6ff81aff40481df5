import { imageSharp } from "@mediatap/image-sharp";
import { type DecodeFile, describeDecode, type Spot } from "@mediatap/test";
import { decodePsd } from "../src/index.ts";
import { makePsd, type Psd, quarters } from "./psd.ts";

const SIZE = { width: 70, height: 50 };
const SPOTS: readonly Spot[] = [
  [0.25, 0.25, [255, 0, 0, 255]],
  [0.75, 0.25, [0, 255, 0, 255]],
  [0.25, 0.75, [0, 0, 255, 255]],
  [0.75, 0.75, [255, 255, 255, 255]],
];
const rgb: Psd = { ...SIZE, mode: 3, samples: quarters(SIZE.width, SIZE.height) };

const file = (name: string, psd: Psd, header: Partial<DecodeFile["header"]> = {}): DecodeFile => ({
  name,
  bytes: makePsd(psd),
  header: { format: "psd", ...SIZE, alpha: false, ...header },
  pages: [{ ...SIZE, spots: SPOTS }],
});

describeDecode("decode-psd", () => ({
  plugin: decodePsd(),
  engine: imageSharp(),
  document: true,
  files: [
    file("rle.psd", rgb, { depth: 8 }),
    file("raw.psd", { ...rgb, compression: "raw" }),
    file("large.psb", { ...rgb, large: true }),
    file("deep.psd", { ...rgb, depth: 16 }, { depth: 16 }),
  ],
}));
