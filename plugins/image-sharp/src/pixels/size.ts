import type { Size } from "@mediatap/core";

export const megapixels = ({ width, height }: Size) => (width * height) / 1e6;
