import sharp from "sharp";

/** A part of an image: its edges as fractions of width and height. */
export interface Part {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** An image whose red is the distance of a pixel from the left, and whose green that from the top. */
export function coordinates(width: number, height: number): Promise<Buffer> {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data.set([((x + 0.5) / width) * 255, ((y + 0.5) / height) * 255, 128], (y * width + x) * 3);
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** Size, format and the part of a `coordinates` image that an image shows; `right` is below `left` if it is mirrored. */
export async function shown(bytes: Uint8Array) {
  const { format } = await sharp(bytes).metadata();
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  // Not at the edges, where scaling and encoding mix in other pixels.
  const at = (x: number, y: number, channel: number) => {
    const [column, row] = [Math.floor(x * width), Math.floor(y * height)];
    return (data[(row * width + column) * channels + channel] as number) / 255;
  };
  const along = (axis: "x" | "y", length: number) => {
    const [from, to] = [0.25, 0.75].map((place) => (Math.floor(place * length) + 0.5) / length) as [
      number,
      number,
    ];
    const [first, last] =
      axis === "x" ? [at(0.25, 0.5, 0), at(0.75, 0.5, 0)] : [at(0.5, 0.25, 1), at(0.5, 0.75, 1)];
    const slope = (last - first) / (to - from);
    return [first - slope * from, first + slope * (1 - from)] as const;
  };
  const [[left, right], [top, bottom]] = [along("x", width), along("y", height)];
  const part: Part = { left, top, right, bottom };
  return { width, height, format, part };
}

/** How far two parts are apart, at the edge that differs most. */
export const distance = (one: Part, other: Part): number =>
  Math.max(...(["left", "top", "right", "bottom"] as const).map((edge) => Math.abs(one[edge] - other[edge])));
