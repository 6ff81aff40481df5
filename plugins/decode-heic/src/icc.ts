/** Chromaticities of red, green and blue, then of white. */
type Primaries = readonly [red: Xy, green: Xy, blue: Xy];
type Xy = readonly [x: number, y: number];
type Xyz = readonly [number, number, number];

/** Colour primaries by their number in ITU-T H.273 that differ from those of sRGB; their white is D65. */
const PRIMARIES: Readonly<Record<number, Primaries>> = {
  9: [
    [0.708, 0.292],
    [0.17, 0.797],
    [0.131, 0.046],
  ],
  12: [
    [0.68, 0.32],
    [0.265, 0.69],
    [0.15, 0.06],
  ],
};

const D65: Xy = [0.3127, 0.329];

/** From D65 to the white of profiles, D50 (Bradford). */
const BRADFORD_D65_TO_D50 = [
  [1.0479298, 0.0229468, -0.0501922],
  [0.0296278, 0.9904344, -0.0170738],
  [-0.009243, 0.0150552, 0.7518743],
] as const;

/**
 * An ICC profile for colour primaries by number, with the tone curve of sRGB. `undefined`: those of sRGB, or unknown ones.
 */
export function profileOf(primaries: number): Uint8Array | undefined {
  const known = PRIMARIES[primaries];
  return known && profile(columnsOf(known));
}

/** What red, green and blue are in XYZ under D50. */
function columnsOf(primaries: Primaries): Xyz[] {
  const columns = primaries.map(xyzOf) as [Xyz, Xyz, Xyz];
  const amounts = solve(columns, xyzOf(D65));
  return columns.map((column, at) => {
    const [x, y, z] = column.map((value) => value * (amounts[at] as number)) as [number, number, number];
    return BRADFORD_D65_TO_D50.map(([a, b, c]) => a * x + b * y + c * z) as unknown as Xyz;
  });
}

const xyzOf = ([x, y]: Xy): Xyz => [x / y, 1, (1 - x - y) / y];

/** How much of each column makes the target (Cramer's rule). */
function solve([a, b, c]: readonly [Xyz, Xyz, Xyz], target: Xyz): Xyz {
  const total = determinant(a, b, c);
  return [
    determinant(target, b, c) / total,
    determinant(a, target, c) / total,
    determinant(a, b, target) / total,
  ];
}

const determinant = ([a, b, c]: Xyz, [d, e, f]: Xyz, [g, h, i]: Xyz): number =>
  a * (e * i - f * h) - d * (b * i - c * h) + g * (b * f - c * e);

/** Curve of type 3 (ICC.1:2022 §10.18): sRGB's. */
const SRGB_CURVE = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045];

/** A matrix profile, version 4 (ICC.1:2022 §8.3). */
function profile([red, green, blue]: Xyz[]): Uint8Array {
  const name = "RGB";
  const white: Xyz = [0.9642, 1, 0.8249];
  const curve = element("para", [3 << 16, ...SRGB_CURVE.map(fixed)]);
  const xyz = (value: Xyz) => element("XYZ ", value.map(fixed));
  const tags: [string, Uint8Array][] = [
    ["desc", text(name)],
    ["cprt", text("CC0")],
    ["wtpt", xyz(white)],
    ["rXYZ", xyz(red as Xyz)],
    ["gXYZ", xyz(green as Xyz)],
    ["bXYZ", xyz(blue as Xyz)],
    ["rTRC", curve],
    ["gTRC", curve],
    ["bTRC", curve],
  ];
  const start = 128 + 4 + tags.length * 12;
  const size = tags.reduce((sum, [, data]) => sum + data.length, start);
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  view.setUint32(0, size);
  view.setUint32(8, 0x04300000);
  for (const [at, sign] of [
    [12, "mntr"],
    [16, "RGB "],
    [20, "XYZ "],
    [36, "acsp"],
  ] as const) {
    file.set(Buffer.from(sign), at);
  }
  for (const [at, value] of white.entries()) view.setInt32(68 + at * 4, fixed(value));
  view.setUint32(128, tags.length);
  let free = start;
  for (const [at, [sign, data]] of tags.entries()) {
    file.set(Buffer.from(sign), 132 + at * 12);
    view.setUint32(136 + at * 12, free);
    view.setUint32(140 + at * 12, data.length);
    file.set(data, free);
    free += data.length;
  }
  return file;
}

/** As s15Fixed16Number. */
const fixed = (value: number) => Math.round(value * 65_536);

function element(sign: string, values: readonly number[]): Uint8Array {
  const data = new Uint8Array(8 + values.length * 4);
  data.set(Buffer.from(sign));
  const view = new DataView(data.buffer);
  for (const [at, value] of values.entries()) view.setInt32(8 + at * 4, value);
  return data;
}

/** Text of an even number of letters, as multiLocalizedUnicodeType; padded to four bytes. */
function text(letters: string): Uint8Array {
  const utf16 = Buffer.from(letters, "utf16le").swap16();
  const data = new Uint8Array(28 + Math.ceil(utf16.length / 4) * 4);
  data.set(Buffer.from("mluc"));
  const view = new DataView(data.buffer);
  view.setUint32(8, 1);
  view.setUint32(12, 12);
  data.set(Buffer.from("enUS"), 16);
  view.setUint32(20, utf16.length);
  view.setUint32(24, 28);
  data.set(utf16, 28);
  return data;
}
