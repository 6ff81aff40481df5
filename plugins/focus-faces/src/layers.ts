// The operations of a small convolutional network, on one picture: rows, columns and channels, channels innermost.

export interface Shape {
  readonly rows: number;
  readonly columns: number;
  readonly channels: number;
}

/** Samples of a picture, or weights. */
export type Samples = Float32Array;

export interface Picture {
  readonly data: Samples;
  readonly shape: Shape;
}

export interface Kernel {
  readonly weights: Samples;
  readonly bias: Samples;
  readonly rows: number;
  readonly columns: number;
}

const sizeOf = ({ rows, columns, channels }: Shape) => rows * columns * channels;

export const blank = (shape: Shape): Picture => ({ data: new Float32Array(sizeOf(shape)), shape });

/** Rows or columns before the first that a kernel reaches over the edge by ("same" padding). */
const reach = (inner: number, outer: number, kernel: number, stride: number) =>
  Math.max(0, (inner - 1) * stride + kernel - outer) >> 1;

/** Each output channel is a weighted sum over all input channels of the kernel's area. Weights: output, row, column, input. */
export function convolve(from: Picture, kernel: Kernel, stride: number, to: Picture): void {
  if (kernel.rows === 1 && kernel.columns === 1 && stride === 1) {
    mix(from, kernel, to);
    return;
  }
  const { rows, columns, channels } = from.shape;
  const above = reach(to.shape.rows, rows, kernel.rows, stride);
  const before = reach(to.shape.columns, columns, kernel.columns, stride);
  const area = kernel.rows * kernel.columns * channels;
  const patch = new Float32Array(area);
  let at = 0;
  for (let row = 0; row < to.shape.rows; row++) {
    for (let column = 0; column < to.shape.columns; column++) {
      patch.fill(0);
      for (let y = 0; y < kernel.rows; y++) {
        const inRow = row * stride + y - above;
        if (inRow < 0 || inRow >= rows) continue;
        const first = Math.max(0, column * stride - before);
        const last = Math.min(columns, column * stride - before + kernel.columns);
        const offset = (y * kernel.columns + first - (column * stride - before)) * channels;
        const start = (inRow * columns + first) * channels;
        patch.set(from.data.subarray(start, start + (last - first) * channels), offset);
      }
      weigh(patch, 0, area, kernel, to.data, at, to.shape.channels);
      at += to.shape.channels;
    }
  }
}

/** A convolution of single pixels. */
function mix(from: Picture, kernel: Kernel, to: Picture): void {
  const inputs = from.shape.channels;
  const outputs = to.shape.channels;
  const pixels = from.shape.rows * from.shape.columns;
  for (let pixel = 0; pixel < pixels; pixel++) {
    weigh(from.data, pixel * inputs, inputs, kernel, to.data, pixel * outputs, outputs);
  }
}

/** Weighted sums of `length` samples; four at a time, since reading takes as long as computing. */
function weigh(
  data: Samples,
  start: number,
  length: number,
  { weights, bias }: Kernel,
  to: Samples,
  at: number,
  outputs: number,
): void {
  let output = 0;
  for (; output + 3 < outputs; output += 4) {
    let a = bias[output] as number;
    let b = bias[output + 1] as number;
    let c = bias[output + 2] as number;
    let d = bias[output + 3] as number;
    let first = output * length;
    let second = first + length;
    let third = second + length;
    let fourth = third + length;
    for (let index = start; index < start + length; index++) {
      const sample = data[index] as number;
      a += sample * (weights[first++] as number);
      b += sample * (weights[second++] as number);
      c += sample * (weights[third++] as number);
      d += sample * (weights[fourth++] as number);
    }
    to[at + output] = a;
    to[at + output + 1] = b;
    to[at + output + 2] = c;
    to[at + output + 3] = d;
  }
  for (; output < outputs; output++) {
    let sum = bias[output] as number;
    let weight = output * length;
    for (let index = start; index < start + length; index++) {
      sum += (data[index] as number) * (weights[weight++] as number);
    }
    to[at + output] = sum;
  }
}

/** Each channel is convolved on its own. Weights: row, column, channel. */
export function convolveChannels(from: Picture, kernel: Kernel, stride: number, to: Picture): void {
  const { rows, columns, channels } = from.shape;
  const above = reach(to.shape.rows, rows, kernel.rows, stride);
  const before = reach(to.shape.columns, columns, kernel.columns, stride);
  const { weights, bias } = kernel;
  const { data } = from;
  let at = 0;
  for (let row = 0; row < to.shape.rows; row++) {
    for (let column = 0; column < to.shape.columns; column++) {
      to.data.set(bias, at);
      for (let y = 0; y < kernel.rows; y++) {
        const inRow = row * stride + y - above;
        if (inRow < 0 || inRow >= rows) continue;
        for (let x = 0; x < kernel.columns; x++) {
          const inColumn = column * stride + x - before;
          if (inColumn < 0 || inColumn >= columns) continue;
          let sample = (inRow * columns + inColumn) * channels;
          let weight = (y * kernel.columns + x) * channels;
          for (let index = at; index < at + channels; index++) {
            to.data[index] =
              (to.data[index] as number) + (data[sample++] as number) * (weights[weight++] as number);
          }
        }
      }
      at += channels;
    }
  }
}

/** The largest sample of each 2 x 2 pixels. */
export function halve(from: Picture, to: Picture): void {
  const { data } = from;
  const { rows, columns, channels } = to.shape;
  const line = from.shape.columns * channels;
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      let corner = 2 * (row * line + column * channels);
      for (let channel = 0; channel < channels; channel++, corner++) {
        to.data[at++] = Math.max(
          data[corner] as number,
          data[corner + channels] as number,
          data[corner + line] as number,
          data[corner + line + channels] as number,
        );
      }
    }
  }
}

/** Scaled between the middles of pixels, bilinearly. */
export function enlarge(from: Picture, to: Picture): void {
  const { rows, columns, channels } = from.shape;
  const { data } = from;
  let at = 0;
  for (let row = 0; row < to.shape.rows; row++) {
    const [top, bottom, down] = along(row, to.shape.rows, rows);
    for (let column = 0; column < to.shape.columns; column++) {
      const [left, right, across] = along(column, to.shape.columns, columns);
      for (let channel = 0; channel < channels; channel++) {
        const read = (y: number, x: number) => data[(y * columns + x) * channels + channel] as number;
        const upper = read(top, left) * (1 - across) + read(top, right) * across;
        const lower = read(bottom, left) * (1 - across) + read(bottom, right) * across;
        to.data[at++] = upper * (1 - down) + lower * down;
      }
    }
  }
}

/** The two positions around a new one, and how far it is from the first. */
function along(position: number, length: number, oldLength: number): [number, number, number] {
  const exact = Math.max(0, ((position + 0.5) * oldLength) / length - 0.5);
  const first = Math.floor(exact);
  return [first, Math.min(oldLength - 1, first + 1), exact - first];
}

/** Further channels of zeros. */
export function addChannels(from: Picture, to: Picture): void {
  const { rows, columns, channels } = from.shape;
  for (let pixel = 0; pixel < rows * columns; pixel++) {
    const start = pixel * channels;
    to.data.set(from.data.subarray(start, start + channels), pixel * to.shape.channels);
  }
}

export function add(one: Picture, other: Picture, to: Picture): void {
  for (let index = 0; index < to.data.length; index++) {
    to.data[index] = (one.data[index] as number) + (other.data[index] as number);
  }
}

/** Zero instead of what is less. */
export function rectify(from: Picture, to: Picture): void {
  for (let index = 0; index < to.data.length; index++) {
    to.data[index] = Math.max(0, from.data[index] as number);
  }
}
