import { createRequire } from "node:module";
import type Sharp from "sharp";

/** The sharp of `image-sharp`: another peer may bring one of another version. */
export const sharp = createRequire(new URL("../../plugins/image-sharp/package.json", import.meta.url))(
  "sharp",
) as typeof Sharp;
