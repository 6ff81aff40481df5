/** A picture in sRGB, three bytes a pixel. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** Three planes of numbers, one after the other. */
interface Planes {
  readonly width: number;
  readonly height: number;
  readonly data: Float64Array;
}

const CHANNELS = 3;
const SCALES = 6;
/** Keeps the structure term finite where both pictures are flat. */
const C2 = 0.0009;

/** Linear RGB to the cone responses of JPEG XL's opponent colours (ISO/IEC 18181-1, XYB). */
const ABSORBANCE = [
  [0.3, 0.622, 0.078],
  [0.23, 0.692, 0.078],
  [0.24342268924547819, 0.20476744424496821, 0.5518098665095535],
] as const;
const BIAS = 0.0037930732552754493;

/**
 * Weights of the 108 norms, in this order: channel (X, Y, B − Y), scale (1:1 to 1:32), norm (1 and 4), map (structure,
 * edges that were added, edges that were lost). Version 2.1, April 2023.
 */
const WEIGHTS = [
  ...[0, 0.0007376606707406586, 0, 0, 0.0007793481682867309, 0, 0, 0.0004371155730107379, 0],
  ...[1.1041726426657346, 0.00066284834129271, 0.00015231632783718752, 0, 0.0016406437456599754, 0],
  ...[1.8422455520539298, 11.441172603757666, 0, 0.0007989109436015163, 0.000176816438078653, 0],
  ...[1.8787594979546387, 10.94906990605142, 0, 0.0007289346991508072, 0.9677937080626833, 0],
  ...[0.00014003424285435884, 0.9981766977854967, 0.00031949755934435053, 0.0004550992113792063, 0, 0],
  ...[0.0013648766163243398, 0, 0],
  ...[0, 0, 0, 7.466890328078848, 0, 17.445833984131262, 0.0006235601634041466, 0, 0],
  ...[6.683678146179332, 0.00037724407979611296, 1.027889937768264, 225.20515300849274, 0, 0],
  ...[19.213238186143016, 0.0011401524586618361, 0.001237755635509985, 176.39317598450694, 0, 0],
  ...[24.43300999870476, 0.28520802612117757, 0.0004485436923833408, 0, 0, 0],
  ...[34.77906344483772, 44.835625328877896, 0, 0, 0, 0, 0, 0, 0],
  ...[0, 0.0008680556573291698, 0, 0, 0, 0, 0, 0.0005313191874358747, 0],
  ...[0.00016533814161379112, 0, 0, 0, 0, 0, 0.0004179171803251336, 0.0017290828234722833, 0],
  ...[0.0020827005846636437, 0, 0, 8.826982764996862, 23.19243343998926, 0],
  ...[95.1080498811086, 0.9863978034400682, 0.9834382792465353, 0.0012286405048278493, 171.2667255897307],
  ...[0.9807858872435379, 0, 0, 0, 0.0005130064588990679, 0, 0.00010854057858411537],
];

/**
 * SSIMULACRA 2.1: how like `original` a picture looks. 100: identical; 90: not told apart; 70: high quality; 50: medium.
 * The metric of Jon Sneyers (Cloudinary), <https://github.com/cloudinary/ssimulacra2>. Throws for different sizes.
 */
export function ssimulacra2(original: Picture, distorted: Picture): number {
  if (original.width !== distorted.width || original.height !== distorted.height)
    throw new Error(
      `Expected pictures of one size but received ${original.width}x${original.height} and ${distorted.width}x${distorted.height}`,
    );
  let [first, second] = [linear(original), linear(distorted)];
  /** Norms by channel, in the order of `WEIGHTS`. */
  const norms: number[][] = [[], [], []];
  for (let scale = 0; scale < SCALES; scale++) {
    if (first.width < 8 || first.height < 8) break;
    if (scale > 0) [first, second] = [halved(first), halved(second)];
    const [a, b] = [opponent(first), opponent(second)];
    for (let channel = 0; channel < CHANNELS; channel++) norms[channel]?.push(...compare(a, b, channel));
  }
  const sum = norms.flat().reduce((total, norm, index) => total + norm * (WEIGHTS[index] as number), 0);
  const x = sum * 0.9562382616834844;
  const score = 2.326765642916932 * x - 0.020884521182843837 * x ** 2 + 6.248496625763138e-5 * x ** 3;
  return score > 0 ? 100 - 10 * score ** 0.6276336467831387 : 100;
}

const LINEAR = Float64Array.from({ length: 256 }, (_, value) => {
  const v = value / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
});

function linear({ width, height, data }: Picture): Planes {
  const count = width * height;
  const planes = new Float64Array(CHANNELS * count);
  for (let at = 0; at < count; at++)
    for (let channel = 0; channel < CHANNELS; channel++)
      planes[channel * count + at] = LINEAR[data[CHANNELS * at + channel] as number] as number;
  return { width, height, data: planes };
}

/** Half the size, each pixel the mean of four; the last row and column count twice where the size is odd. */
function halved({ width, height, data }: Planes): Planes {
  const [w, h] = [Math.ceil(width / 2), Math.ceil(height / 2)];
  const half = new Float64Array(CHANNELS * w * h);
  for (let channel = 0; channel < CHANNELS; channel++) {
    const from = channel * width * height;
    for (let y = 0; y < h; y++) {
      const upper = from + 2 * y * width;
      const lower = from + Math.min(2 * y + 1, height - 1) * width;
      for (let x = 0; x < w; x++) {
        const left = 2 * x;
        const right = Math.min(left + 1, width - 1);
        const sum =
          at(data, upper + left) + at(data, upper + right) + at(data, lower + left) + at(data, lower + right);
        half[channel * w * h + y * w + x] = sum / 4;
      }
    }
  }
  return { width: w, height: h, data: half };
}

const at = (data: Float64Array, index: number) => data[index] as number;

function response(cone: 0 | 1 | 2, r: number, g: number, b: number): number {
  const weights = ABSORBANCE[cone];
  return weights[0] * r + weights[1] * g + weights[2] * b + BIAS;
}

/** X, Y and B − Y, each moved and scaled to about 0 to 1. */
function opponent({ width, height, data }: Planes): Planes {
  const count = width * height;
  const planes = new Float64Array(CHANNELS * count);
  const root = Math.cbrt(BIAS);
  for (let index = 0; index < count; index++) {
    const r = at(data, index);
    const g = at(data, count + index);
    const b = at(data, 2 * count + index);
    const long = Math.cbrt(response(0, r, g, b)) - root;
    const middle = Math.cbrt(response(1, r, g, b)) - root;
    const short = Math.cbrt(response(2, r, g, b)) - root;
    const y = (long + middle) / 2;
    planes[index] = 7 * (long - middle) + 0.42;
    planes[count + index] = y + 0.01;
    planes[2 * count + index] = short - y + 0.55;
  }
  return { width, height, data: planes };
}

/** The norms of one channel at one scale: the 1-norm of the three maps, then the 4-norm of them. */
function compare(first: Planes, second: Planes, channel: number): number[] {
  const { width, height } = first;
  const count = width * height;
  const plane = ({ data }: Planes) => data.subarray(channel * count, (channel + 1) * count);
  const product = (a: Float64Array, b: Float64Array) => a.map((value, index) => value * at(b, index));
  const [a, b] = [plane(first), plane(second)];
  const blur = (values: Float64Array) => blurred(values, width, height);
  const [meanA, meanB] = [blur(a), blur(b)];
  const [squareA, squareB, squareAB] = [blur(product(a, a)), blur(product(b, b)), blur(product(a, b))];
  const maps = [new Norms(count), new Norms(count), new Norms(count)] as const;
  for (let index = 0; index < count; index++) {
    const ma = at(meanA, index);
    const mb = at(meanB, index);
    const luminance = 1 - (ma - mb) ** 2;
    const covariance = 2 * (at(squareAB, index) - ma * mb) + C2;
    const variances = at(squareA, index) - ma * ma + (at(squareB, index) - mb * mb) + C2;
    maps[0].add(Math.max(0, 1 - (luminance * covariance) / variances));
    const edge = (1 + Math.abs(at(b, index) - mb)) / (1 + Math.abs(at(a, index) - ma)) - 1;
    maps[1].add(Math.max(0, edge));
    maps[2].add(Math.max(0, -edge));
  }
  return [...maps.map((map) => map.first()), ...maps.map((map) => map.fourth())];
}

class Norms {
  private sum = 0;
  private quartic = 0;
  private readonly count: number;
  constructor(count: number) {
    this.count = count;
  }
  add(value: number): void {
    const square = value * value;
    this.sum += value;
    this.quartic += square * square;
  }
  first = () => this.sum / this.count;
  fourth = () => (this.quartic / this.count) ** 0.25;
}

const SIGMA = 1.5;

/** A Gaussian as the sum of three cosines, computed recursively (Charalampidis 2016, of the equations named here). */
const { radius, gains, feedback } = gaussian();

function gaussian() {
  const radius = Math.round(3.2795 * SIGMA + 0.2546); // (57)
  const omega = [1, 3, 5].map((odd) => (odd * Math.PI) / (2 * radius));
  const p = omega.map((w, k) => (k === 1 ? -1 : 1) / Math.tan(w / 2)) as [number, number, number]; // (37)
  const r = omega.map((w, k) => ((k === 1 ? -1 : 1) * (p[k] as number) ** 2) / Math.sin(w)) as typeof p; // (44)
  const rho = omega.map((w) => Math.exp(-(SIGMA ** 2 * w ** 2) / 2) / radius) as typeof p; // (50)
  const d13 = p[0] * r[1] - r[0] * p[1]; // (52)
  const z1 = (p[1] * r[2] - r[1] * p[2]) / d13;
  const z3 = (p[2] * r[0] - r[2] * p[0]) / d13;
  // (53), by Cramer's rule: rows p, r and (z1, z3, 1); right side (55).
  const right = [1, radius ** 2 - SIGMA ** 2, z1 * rho[0] + z3 * rho[1] + rho[2]];
  const rows = [p, r, [z1, z3, 1]];
  const whole = determinant(rows);
  const beta = [0, 1, 2].map(
    (k) => determinant(rows.map((row, y) => row.map((v, x) => (x === k ? (right[y] as number) : v)))) / whole,
  );
  return {
    radius,
    gains: beta.map((value, k) => -value * Math.cos((omega[k] as number) * (radius + 1))), // (33)
    feedback: omega.map((w) => -2 * Math.cos(w)),
  };
}

function determinant(rows: readonly (readonly number[])[]): number {
  const [[a, b, c], [d, e, f], [g, h, i]] = rows as [Triple, Triple, Triple];
  return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
}

type Triple = readonly [number, number, number];

/** Rows first, then columns; outside the picture everything is 0. */
function blurred(values: Float64Array, width: number, height: number): Float64Array {
  const rows = new Float64Array(values.length);
  for (let y = 0; y < height; y++) blurLine(values, rows, y * width, 1, width);
  const both = new Float64Array(values.length);
  for (let x = 0; x < width; x++) blurLine(rows, both, x, width, height);
  return both;
}

function blurLine(from: Float64Array, to: Float64Array, start: number, step: number, length: number): void {
  const [g1, g3, g5] = gains as [number, number, number];
  const [f1, f3, f5] = feedback as [number, number, number];
  let [a1, a3, a5, b1, b3, b5] = [0, 0, 0, 0, 0, 0];
  for (let n = 1 - radius; n < length; n++) {
    const left = n - radius - 1;
    const right = n + radius - 1;
    const sum =
      (left >= 0 ? at(from, start + left * step) : 0) + (right < length ? at(from, start + right * step) : 0);
    const c1 = g1 * sum - f1 * a1 - b1;
    const c3 = g3 * sum - f3 * a3 - b3;
    const c5 = g5 * sum - f5 * a5 - b5;
    b1 = a1;
    b3 = a3;
    b5 = a5;
    a1 = c1;
    a3 = c3;
    a5 = c5;
    if (n >= 0) to[start + n * step] = c1 + c3 + c5;
  }
}
