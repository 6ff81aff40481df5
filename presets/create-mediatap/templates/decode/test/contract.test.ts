import { describeDecode } from "@mediatap/test";
import { imageSharp } from "mediatap";
import { decodeExample } from "../src/index.ts";

const [width, height] = [40, 30];

/** Left half red, right half blue. */
function picture(): Uint8Array {
  const bytes = Buffer.alloc(16 + width * height * 8, 0xff);
  bytes.write("farbfeld");
  bytes.writeUInt32BE(width, 8);
  bytes.writeUInt32BE(height, 12);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const isLeft = pixel % width < width / 2;
    bytes.fill(isLeft ? 0xff : 0, 16 + pixel * 8, 18 + pixel * 8);
    bytes.fill(0, 18 + pixel * 8, 20 + pixel * 8);
    bytes.fill(isLeft ? 0 : 0xff, 20 + pixel * 8, 22 + pixel * 8);
  }
  return bytes;
}

describeDecode("decode-example", () => ({
  plugin: decodeExample(),
  engine: imageSharp(),
  files: [
    {
      name: "picture.ff",
      bytes: picture(),
      header: { format: "farbfeld", width, height, alpha: true, palette: false },
      pages: [
        {
          width,
          height,
          spots: [
            [0.25, 0.5, [255, 0, 0, 255]],
            [0.75, 0.5, [0, 0, 255, 255]],
          ],
        },
      ],
    },
  ],
}));
