import { imageSharp } from "@mediatap/image-sharp";
import { describeDecode } from "@mediatap/test";
import { decodeHeic } from "../src/index.ts";
import { BLUE, GREEN, heic, QUARTERS, RED, SIZE, WHITE } from "./fixtures.ts";

describeDecode("decode-heic", async () => ({
  plugin: decodeHeic(),
  engine: imageSharp(),
  files: [
    {
      name: "quarters.heic",
      bytes: await heic("quarters"),
      header: { format: "heic", ...SIZE, alpha: false, depth: 8, orientation: 1 },
      pages: [{ ...SIZE, spots: QUARTERS }],
    },
    {
      // A grid of tiles, as phones write it.
      name: "tiles.heic",
      bytes: await heic("tiles"),
      header: { format: "heic", ...SIZE, alpha: false },
      pages: [{ ...SIZE, spots: QUARTERS }],
    },
    {
      name: "alpha.heic",
      bytes: await heic("alpha"),
      header: { format: "heic", ...SIZE, alpha: true },
      pages: [
        {
          ...SIZE,
          spots: [
            [0.25, 0.25, RED],
            [0.75, 0.25, [...GREEN.slice(0, 3), 0] as unknown as typeof GREEN],
            [0.25, 0.75, BLUE],
            [0.75, 0.75, [...WHITE.slice(0, 3), 128] as unknown as typeof WHITE],
          ],
        },
      ],
    },
    {
      name: "two.heic",
      bytes: await heic("two"),
      header: { format: "heic", ...SIZE },
      pages: [
        { ...SIZE, spots: QUARTERS },
        { width: 64, height: 64, spots: [[0.5, 0.5, [10, 200, 30, 255]]] },
      ],
    },
  ],
}));
