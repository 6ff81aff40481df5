import type { Rgba } from "@mediatap/core/steps";

export const BLACK: Rgba = { r: 0, g: 0, b: 0, alpha: 1 };

/** Two hexadecimal digits. */
export const hex = (value: number) =>
  Math.round(Math.min(255, Math.max(0, value)))
    .toString(16)
    .padStart(2, "0");

/** A colour as filters read it, on black, since videos have no transparency. */
export const opaque = ({ r, g, b, alpha }: Rgba): string =>
  `0x${hex(r * alpha)}${hex(g * alpha)}${hex(b * alpha)}`;
