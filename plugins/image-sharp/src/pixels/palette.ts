/** A picture of one frame, or the first of several. */
interface Picture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

export interface Rgb {
  readonly r: number;
  readonly g: number;
  readonly b: number;
}

/** Indexes of pixels, counted from 0. */
type PixelIndexes = Iterable<number>;

/** Bits a channel by which colours count as one. */
const BITS_PER_CHANNEL = 4;
const BLACK: Rgb = { r: 0, g: 0, b: 0 };

/** The mean of the most frequent group of similar colours; clear pixels do not count. */
function commonColor({ data, channels }: Picture, indexes: PixelIndexes): Rgb {
  const groups = new Map<number, { count: number; r: number; g: number; b: number }>();
  let best = { count: 0, ...BLACK };
  const colored = channels >= 3;
  for (const index of indexes) {
    const at = index * channels;
    const alpha = channels === 2 ? data[at + 1] : channels === 4 ? data[at + 3] : 255;
    if ((alpha as number) < 128) continue;
    const r = data[at] as number;
    const g = colored ? (data[at + 1] as number) : r;
    const b = colored ? (data[at + 2] as number) : r;
    const shift = 8 - BITS_PER_CHANNEL;
    const key = ((r >> shift) << (2 * BITS_PER_CHANNEL)) | ((g >> shift) << BITS_PER_CHANNEL) | (b >> shift);
    const group = groups.get(key) ?? { count: 0, r: 0, g: 0, b: 0 };
    groups.set(key, group);
    group.count++;
    group.r += r;
    group.g += g;
    group.b += b;
    if (group.count > best.count) best = group;
  }
  const { count } = best;
  if (count === 0) return BLACK;
  return { r: Math.round(best.r / count), g: Math.round(best.g / count), b: Math.round(best.b / count) };
}

function* rectangle(
  picture: Picture,
  left: number,
  top: number,
  width: number,
  height: number,
): PixelIndexes {
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) yield y * picture.width + x;
  }
}

function* border(picture: Picture): PixelIndexes {
  const { width, height } = picture;
  yield* rectangle(picture, 0, 0, width, 1);
  yield* rectangle(picture, 0, height - 1, width, 1);
  yield* rectangle(picture, 0, 0, 1, height);
  yield* rectangle(picture, width - 1, 0, 1, height);
}

/** The dominant colour of the outermost pixels. */
export const dominantColor = (picture: Picture): Rgb => commonColor(picture, border(picture));

/** Colours of the left and right edge (`across`), or of the upper and lower one. */
export function edgeColors(picture: Picture, across: boolean): [Rgb, Rgb] {
  const { width, height } = picture;
  const [w, h] = across ? [1, height] : [width, 1];
  const edge = (left: number, top: number) => commonColor(picture, rectangle(picture, left, top, w, h));
  return [edge(0, 0), edge(width - w, height - h)];
}

/** Pixels that are sampled to find the most common colour. */
const MAX_SAMPLED_PIXELS = 50_000;

/** The dominant colour of the whole picture. */
export function mostCommonColor(picture: Picture): Rgb {
  const pixels = picture.width * picture.height;
  // Odd, so that it meets other columns in each row.
  const stride = 2 * Math.floor(pixels / MAX_SAMPLED_PIXELS / 2) + 1;
  return commonColor(picture, every(stride, pixels));
}

function* every(stride: number, end: number): PixelIndexes {
  for (let index = 0; index < end; index += stride) yield index;
}

/** Longest side of what is looked at in a corner: pixels are walked over one by one. */
const MAX_CORNER_SIDE = 64;

/** Colours of the corners, row by row; a corner is an eighth of each side. */
export function cornerColors(picture: Picture): [Rgb, Rgb, Rgb, Rgb] {
  const width = Math.min(MAX_CORNER_SIDE, Math.ceil(picture.width / 8));
  const height = Math.min(MAX_CORNER_SIDE, Math.ceil(picture.height / 8));
  const at = (left: number, top: number) =>
    commonColor(picture, rectangle(picture, left, top, width, height));
  const right = picture.width - width;
  const bottom = picture.height - height;
  return [at(0, 0), at(right, 0), at(0, bottom), at(right, bottom)];
}
