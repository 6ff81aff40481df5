// How alike two pictures look: the mean structural similarity (SSIM; Wang et al., 2004) of their luma, over windows of 8x8
// samples, four apart.

const BLOCK = 4;
/** Samples of a window. */
const WINDOW = 64;
/** Keep flat windows from being divided by nothing: (0.01 · 255)² and (0.03 · 255)², in sums of a window instead of means. */
const C1 = (0.01 * 255) ** 2 * WINDOW * WINDOW;
const C2 = (0.03 * 255) ** 2 * WINDOW * (WINDOW - 1);

/** Sums of a block: the samples of both pictures, their squares, and their products. */
const SUMS = 4;

export interface Luma {
  /** A byte a pixel. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** 1: the same; 0: nothing in common. Pictures narrower or lower than 8 pixels count as the same. */
export function likeness(a: Luma, b: Luma): number {
  const columns = a.width >> 2;
  const rows = a.height >> 2;
  if (columns < 2 || rows < 2) return 1;
  let above = new Uint32Array(columns * SUMS);
  let here = new Uint32Array(columns * SUMS);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    sum(a, b, row, here);
    if (row > 0) total += rowOf(above, here, columns);
    [above, here] = [here, above];
  }
  return total / ((columns - 1) * (rows - 1));
}

/** The sums of a row of blocks. */
function sum({ data: a, width }: Luma, { data: b }: Luma, row: number, sums: Uint32Array): void {
  for (let at = 0; at < sums.length; at += SUMS) {
    let [s1, s2, squares, products] = [0, 0, 0, 0];
    for (let y = 0; y < BLOCK; y++) {
      const start = (row * BLOCK + y) * width + at;
      for (let pixel = start; pixel < start + BLOCK; pixel++) {
        const p = a[pixel] as number;
        const q = b[pixel] as number;
        s1 += p;
        s2 += q;
        squares += p * p + q * q;
        products += p * q;
      }
    }
    sums[at] = s1;
    sums[at + 1] = s2;
    sums[at + 2] = squares;
    sums[at + 3] = products;
  }
}

/** The similarities of the windows that two rows of blocks make, added up. */
function rowOf(above: Uint32Array, here: Uint32Array, columns: number): number {
  let total = 0;
  for (let at = 0; at < (columns - 1) * SUMS; at += SUMS) {
    const of = (index: number) =>
      (above[at + index] as number) +
      (above[at + SUMS + index] as number) +
      (here[at + index] as number) +
      (here[at + SUMS + index] as number);
    const [s1, s2, squares, products] = [of(0), of(1), of(2), of(3)];
    const variances = squares * WINDOW - s1 * s1 - s2 * s2;
    const covariance = products * WINDOW - s1 * s2;
    total += ((2 * s1 * s2 + C1) * (2 * covariance + C2)) / ((s1 * s1 + s2 * s2 + C1) * (variances + C2));
  }
  return total;
}
