/** Red, green, blue and alpha of a pixel. */
export type Color = readonly [red: number, green: number, blue: number, alpha: number];
export type Paint = (x: number, y: number) => Color;

export interface Tga {
  readonly width: number;
  readonly height: number;
  readonly paint: Paint;
  /** Bits a pixel, of grey 8 or 16 with alpha. @default 24 */
  readonly bits?: 8 | 15 | 16 | 24 | 32;
  readonly grey?: boolean;
  /** Bits of the colours of a palette; left out: none. */
  readonly palette?: 16 | 24 | 32;
  /** Number of the first colour. @default 0 */
  readonly first?: number;
  readonly packed?: boolean;
  readonly topDown?: boolean;
  readonly fromRight?: boolean;
  /** Bits of alpha that the header tells of. @default 0 */
  readonly alphaBits?: number;
  /** Text before the pixels. */
  readonly id?: string;
}

const stored = ([red, green, blue, alpha]: Color, bits: number): number[] => {
  if (bits === 24) return [blue, green, red];
  if (bits === 32) return [blue, green, red, alpha];
  const value = ((alpha > 127 ? 1 : 0) << 15) | ((red >> 3) << 10) | ((green >> 3) << 5) | (blue >> 3);
  return [value & 255, value >> 8];
};

/** A Truevision TGA. */
export function makeTga(tga: Tga): Buffer {
  const { width, height, paint, bits = 24, grey = false, palette, first = 0, packed = false, id = "" } = tga;
  const colors: Color[] = [];
  const pixel = (x: number, y: number): number[] => {
    const color = paint(x, y);
    if (grey) return bits === 16 ? [color[0], color[3]] : [color[0]];
    if (!palette) return stored(color, bits);
    let at = colors.findIndex((known) => `${known}` === `${color}`);
    if (at < 0) at = colors.push(color) - 1;
    return [at + first];
  };
  const rows = Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_, column) =>
      pixel(tga.fromRight ? width - 1 - column : column, tga.topDown ? row : height - 1 - row),
    ),
  );
  const data = packed ? rows.flatMap(pack) : rows.flat(2);
  const header = Buffer.alloc(18);
  header[0] = id.length;
  header[1] = palette ? 1 : 0;
  header[2] = (palette ? 1 : grey ? 3 : 2) + (packed ? 8 : 0);
  if (palette) {
    header.writeUInt16LE(first, 3);
    header.writeUInt16LE(colors.length, 5);
    header[7] = palette;
  }
  header.writeUInt16LE(width, 12);
  header.writeUInt16LE(height, 14);
  header[16] = palette ? 8 : bits;
  header[17] = (tga.alphaBits ?? 0) | (tga.topDown ? 0x20 : 0) | (tga.fromRight ? 0x10 : 0);
  const map = palette ? colors.flatMap((color) => stored(color, palette)) : [];
  return Buffer.concat([header, Buffer.from(id), Buffer.from(map), Buffer.from(data)]);
}

/** A row in packets: runs of equal pixels, and the others as they are. */
function pack(row: readonly (readonly number[])[]): number[] {
  const out: number[] = [];
  for (let at = 0; at < row.length; ) {
    const [first] = row.slice(at) as [number[]];
    let run = 1;
    while (run < 128 && `${row[at + run]}` === `${first}`) run++;
    if (run > 1) {
      out.push(127 + run, ...first);
      at += run;
      continue;
    }
    const alone = [first];
    while (alone.length < 128 && at + alone.length < row.length) {
      const [one, next] = [row[at + alone.length], row[at + alone.length + 1]];
      if (`${one}` === `${next}`) break;
      alone.push(one as number[]);
    }
    out.push(alone.length - 1, ...alone.flat());
    at += alone.length;
  }
  return out;
}

export interface Qoi {
  readonly width: number;
  readonly height: number;
  readonly paint: Paint;
  readonly channels?: 3 | 4;
  readonly linear?: boolean;
}

/** A "Quite OK Image", with each kind of chunk that its specification has. */
export function makeQoi({ width, height, paint, channels = 4, linear = false }: Qoi): Buffer {
  const header = Buffer.alloc(14);
  header.write("qoif");
  header.writeUInt32BE(width, 4);
  header.writeUInt32BE(height, 8);
  header.set([channels, linear ? 1 : 0], 12);
  const out: number[] = [];
  const seen: Color[] = Array.from({ length: 64 }, () => [0, 0, 0, 0]);
  let before: Color = [0, 0, 0, 255];
  let run = 0;
  const endRun = () => {
    if (run > 0) out.push(0xc0 | (run - 1));
    run = 0;
  };
  for (let at = 0; at < width * height; at++) {
    const painted = paint(at % width, Math.floor(at / width));
    const color: Color = channels === 4 ? painted : [painted[0], painted[1], painted[2], 255];
    if (`${color}` === `${before}`) {
      if (++run === 62) endRun();
      continue;
    }
    endRun();
    const [r, g, b, a] = color;
    const index = (r * 3 + g * 5 + b * 7 + a * 11) % 64;
    const signed = (value: number) => ((value & 255) << 24) >> 24;
    const [dr, dg, db] = [signed(r - before[0]), signed(g - before[1]), signed(b - before[2])];
    const [drg, dbg] = [dr - dg, db - dg];
    const small = (value: number, bits: number) => value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1);
    if (`${seen[index]}` === `${color}`) out.push(index);
    else if (a !== before[3]) out.push(0xff, r, g, b, a);
    else if (small(dr, 2) && small(dg, 2) && small(db, 2)) {
      out.push(0x40 | ((dr + 2) << 4) | ((dg + 2) << 2) | (db + 2));
    } else if (small(dg, 6) && small(drg, 4) && small(dbg, 4)) {
      out.push(0x80 | (dg + 32), ((drg + 8) << 4) | (dbg + 8));
    } else out.push(0xfe, r, g, b);
    seen[index] = color;
    before = color;
  }
  endRun();
  return Buffer.concat([header, Buffer.from(out), Buffer.from([0, 0, 0, 0, 0, 0, 0, 1])]);
}

export interface Pnm {
  readonly width: number;
  readonly height: number;
  readonly paint: Paint;
  readonly kind: 1 | 2 | 3 | 4 | 5 | 6 | 7;
  /** Of PAM: samples a pixel. */
  readonly depth?: 1 | 2 | 3 | 4;
  /** @default 255 */
  readonly max?: number;
  readonly comment?: string;
}

/** A file of Netpbm. */
export function makePnm({ width, height, paint, kind, depth = 3, max = 255, comment }: Pnm): Buffer {
  const bits = kind === 1 || kind === 4;
  const samplesOf = ([red, green, blue, alpha]: Color): number[] => {
    if (bits) return [red > 127 ? 0 : 1];
    const count = kind === 7 ? depth : kind === 3 || kind === 6 ? 3 : 1;
    const all = count < 3 ? [red, alpha] : [red, green, blue, alpha];
    return all.slice(0, count).map((value) => Math.round((value * max) / 255));
  };
  const rows = Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => samplesOf(paint(x, y))).flat(),
  );
  const note = comment === undefined ? "" : `# ${comment}\n`;
  const head =
    kind === 7
      ? `P7\n${note}WIDTH ${width}\nHEIGHT ${height}\nDEPTH ${depth}\nMAXVAL ${max}\nTUPLTYPE X\nENDHDR\n`
      : `P${kind}\n${note}${width} ${height}\n${bits ? "" : `${max}\n`}`;
  if (kind <= 3) {
    const join = kind === 1 ? "" : " ";
    return Buffer.from(head + rows.map((row) => row.join(join)).join(`\n${note}`));
  }
  const bytes = bits
    ? rows.flatMap((row) =>
        Array.from({ length: Math.ceil(width / 8) }, (_, at) =>
          Array.from({ length: 8 }, (_, bit) => (row[at * 8 + bit] ?? 0) << (7 - bit)).reduce(
            (sum, one) => sum | one,
            0,
          ),
        ),
      )
    : rows.flat().flatMap((value) => (max > 255 ? [value >> 8, value & 255] : [value]));
  return Buffer.concat([Buffer.from(head), Buffer.from(bytes)]);
}

/** Red, green / blue, half-clear white; a thin ramp of greys on top, so that packing has something to do. */
export const quarters =
  (width: number, height: number): Paint =>
  (x, y) => {
    if (y === 0) return [x, x, x, 255];
    if (y < height / 2) return x < width / 2 ? [255, 0, 0, 255] : [0, 255, 0, 255];
    return x < width / 2 ? [0, 0, 255, 255] : [255, 255, 255, 128];
  };
