import { imageSharp } from "@mediatap/image-sharp";
import { describeDecode, type Spot } from "@mediatap/test";
import { decodePdf } from "../src/index.ts";
import { makePdf, quarters } from "./pdf.ts";

const RED: Spot[2] = [255, 0, 0, 255];
const GREEN: Spot[2] = [0, 255, 0, 255];
const BLUE: Spot[2] = [0, 0, 255, 255];
const WHITE: Spot[2] = [255, 255, 255, 255];

const spots = (...[a, b, c, d]: [Spot[2], Spot[2], Spot[2], Spot[2]]): Spot[] => [
  [0.25, 0.25, a],
  [0.75, 0.25, b],
  [0.25, 0.75, c],
  [0.75, 0.75, d],
];

describeDecode("decode-pdf", () => ({
  plugin: decodePdf(),
  engine: imageSharp(),
  document: true,
  bytes: "pdfBytes",
  files: [
    {
      name: "page.pdf",
      bytes: makePdf([{ width: 120, height: 80, content: quarters(120, 80) }]),
      header: { format: "pdf", width: 120, height: 80, alpha: false },
      pages: [{ width: 120, height: 80, spots: spots(RED, GREEN, BLUE, WHITE) }],
    },
    {
      name: "pages.pdf",
      bytes: makePdf([
        { width: 120, height: 80, content: quarters(120, 80) },
        { width: 60, height: 90, content: quarters(60, 90), compressed: true },
        { width: 120, height: 80, content: quarters(120, 80), turned: 90 },
      ]),
      header: { format: "pdf", width: 120, height: 80 },
      pages: [
        { width: 120, height: 80, spots: spots(RED, GREEN, BLUE, WHITE) },
        { width: 60, height: 90, spots: spots(RED, GREEN, BLUE, WHITE) },
        { width: 80, height: 120, spots: spots(BLUE, RED, WHITE, GREEN) },
      ],
    },
  ],
}));
