import { MediaError } from "@mediatap/core";

/** One face of a font file (TrueType or OpenType): its tables by tag. */
export interface Sfnt {
  readonly flavor: number;
  readonly tables: ReadonlyMap<string, Uint8Array>;
}

/** Bytes of a file that show whether it is a font. */
export const FONT_SNIFF_LENGTH = 4;

const TRUETYPE = 0x00010000;
const OPENTYPE = 0x4f54544f; // OTTO
const APPLE = 0x74727565; // true
const COLLECTION = 0x74746366; // ttcf
const WOFF = 0x774f4646; // wOFF
const WOFF2 = 0x774f4632; // wOF2

/** Omitted when a font is written: signatures that are no longer valid, and SVG glyphs that nothing has checked. */
const DROPPED_TABLES: ReadonlySet<string> = new Set(["DSIG", "SVG ", "name"]);

/** Faces of a collection that are read. */
const MAX_FACES = 64;

const refused = (received: string) =>
  new MediaError("EINVAL", `Expected a TrueType or OpenType font but received ${received}`);

const brokenLine = (cause: unknown) => new MediaError("EINVAL", "The font is damaged", { cause });

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/**
 * Throws `EINVAL` for anything but TrueType and OpenType, recognized by the first bytes. WOFF is no exception: fontconfig
 * knows it, Pango does not.
 */
export function checkFont(start: Uint8Array): void {
  const magic = start.length < FONT_SNIFF_LENGTH ? 0 : viewOf(start).getUint32(0);
  if (magic === WOFF) throw refused("WOFF");
  if (magic === WOFF2) throw refused("WOFF2");
  if (![TRUETYPE, OPENTYPE, APPLE, COLLECTION].includes(magic)) throw refused("something else");
}

/** Where the faces of a file begin. */
function facesAt(bytes: Uint8Array): readonly number[] {
  const view = viewOf(bytes);
  if (view.getUint32(0) !== COLLECTION) return [0];
  const count = Math.min(view.getUint32(8), MAX_FACES);
  return Array.from({ length: count }, (_, index) => view.getUint32(12 + 4 * index));
}

/** Every face of a font file. Throws `EINVAL` for what is none. */
export function readFaces(bytes: Uint8Array): readonly Sfnt[] {
  checkFont(bytes);
  try {
    return facesAt(bytes).map((offset) => readFace(bytes, offset));
  } catch (cause) {
    throw brokenLine(cause);
  }
}

/** Tables without which FreeType opens no font, and their shortest length in bytes. */
const REQUIRED_TABLE_BYTES = { head: 54, hhea: 36, hmtx: 4, maxp: 6 } as const;

/** Tables with shapes, any of these together. */
const SHAPE_TABLES = [["glyf", "loca"], ["CFF "], ["CFF2"], ["CBDT", "CBLC"], ["sbix"]];

const HEAD_MAGIC = 0x5f0f3cf5;

/**
 * The first face of a font file of an origin. Throws `EINVAL` for one that FreeType would refuse: Pango would draw the text
 * in another font and say nothing.
 */
export function readFirst(bytes: Uint8Array): Sfnt {
  const [face] = readFaces(bytes);
  if (!face) throw brokenLine("no face");
  const { tables } = face;
  const short = Object.entries(REQUIRED_TABLE_BYTES).find(
    ([tag, least]) => (tables.get(tag)?.length ?? 0) < least,
  );
  if (short) throw brokenLine(`no ${short[0]}`);
  if (!SHAPE_TABLES.some((tags) => tags.every((tag) => tables.has(tag)))) throw brokenLine("no shapes");
  if (viewOf(tables.get("head") as Uint8Array).getUint32(12) !== HEAD_MAGIC)
    throw brokenLine("no magic number");
  return face;
}

function readFace(bytes: Uint8Array, offset: number): Sfnt {
  const view = viewOf(bytes);
  const tables = new Map<string, Uint8Array>();
  for (let index = 0, count = view.getUint16(offset + 4); index < count; index++) {
    const at = offset + 12 + 16 * index;
    const tag = String.fromCharCode(...bytes.subarray(at, at + 4));
    const start = view.getUint32(at + 8);
    const end = start + view.getUint32(at + 12);
    if (end > bytes.length) throw new RangeError(`table ${tag} ends outside of the file`);
    tables.set(tag, bytes.subarray(start, end));
  }
  return { flavor: view.getUint32(offset), tables };
}

/**
 * The face as a file of its own under another family name, so that asking fontconfig for the name finds exactly this face:
 * whatever else is installed, and whatever the font calls itself.
 */
export function writeFace({ flavor, tables }: Sfnt, family: string): Uint8Array {
  const kept = [...tables].filter(([tag]) => !DROPPED_TABLES.has(tag));
  const all = [...kept, ["name", nameTable(family)] as const].sort(([a], [b]) => (a < b ? -1 : 1));
  const padded = (length: number) => (length + 3) & ~3;
  const head = 12 + 16 * all.length;
  const file = new Uint8Array(all.reduce((sum, [, { length }]) => sum + padded(length), head));
  const view = viewOf(file);
  const power = 31 - Math.clz32(all.length);
  view.setUint32(0, flavor);
  view.setUint16(4, all.length);
  view.setUint16(6, 16 << power);
  view.setUint16(8, power);
  view.setUint16(10, 16 * all.length - (16 << power));
  let offset = head;
  for (const [index, [tag, table]] of all.entries()) {
    const at = 12 + 16 * index;
    for (let char = 0; char < 4; char++) file[at + char] = tag.charCodeAt(char);
    // Checksums are left at 0: FreeType does not check them.
    view.setUint32(at + 8, offset);
    view.setUint32(at + 12, table.length);
    file.set(table, offset);
    offset += padded(table.length);
  }
  return file;
}

/** A naming table with a family of one regular face (OpenType specification, "name"). */
function nameTable(family: string): Uint8Array {
  const records = [
    [1, family],
    [2, "Regular"],
    [4, family],
    [6, family],
  ] as const;
  const head = 6 + 12 * records.length;
  const table = new Uint8Array(head + records.reduce((sum, [, text]) => sum + 2 * text.length, 0));
  const view = viewOf(table);
  view.setUint16(2, records.length);
  view.setUint16(4, head);
  let offset = 0;
  for (const [index, [id, text]] of records.entries()) {
    // Windows, Unicode, English of the United States.
    for (const [field, value] of [3, 1, 0x409, id, 2 * text.length, offset].entries()) {
      view.setUint16(6 + 12 * index + 2 * field, value);
    }
    for (let char = 0; char < text.length; char++) {
      view.setUint16(head + offset + 2 * char, text.charCodeAt(char));
    }
    offset += 2 * text.length;
  }
  return table;
}

export interface FaceNames {
  readonly family: string;
  readonly bold: boolean;
  readonly italic: boolean;
  /** Neither regular nor bold: a weight or width that no text requests. */
  readonly odd: boolean;
}

/** What a face calls itself. `undefined`: it has no English name. */
export function namesOf({ tables }: Sfnt): FaceNames | undefined {
  try {
    const family = nameOf(tables, 16) ?? nameOf(tables, 1);
    const os2 = tables.get("OS/2");
    if (!family || !os2) return undefined;
    const view = viewOf(os2);
    const [weight, width, selection] = [view.getUint16(4), view.getUint16(6), view.getUint16(62)];
    // fsSelection: bit 0 italic, bit 9 oblique.
    const italic = (selection & 0x201) !== 0;
    return { family, bold: weight === 700, italic, odd: ![400, 700].includes(weight) || width !== 5 };
  } catch {
    return undefined;
  }
}

function nameOf(tables: Sfnt["tables"], requested: number): string | undefined {
  const table = tables.get("name");
  if (!table) return undefined;
  const view = viewOf(table);
  const strings = view.getUint16(4);
  for (let index = 0, count = view.getUint16(2); index < count; index++) {
    const at = 6 + 12 * index;
    const [platform, , language, id, length, offset] = [0, 2, 4, 6, 8, 10].map((field) =>
      view.getUint16(at + field),
    ) as [number, number, number, number, number, number];
    if (platform !== 3 || language !== 0x409 || id !== requested) continue;
    return new TextDecoder("utf-16be").decode(table.subarray(strings + offset, strings + offset + length));
  }
  return undefined;
}

/** Which characters a face has glyphs for. */
export interface Coverage {
  has(codePoint: number): boolean;
}

/** Reads a face's character map (OpenType specification, "cmap"; formats 4, 6, 12 and 13). */
export function coverageOf({ tables }: Sfnt): Coverage {
  const table = tables.get("cmap");
  if (!table) throw brokenLine("no cmap");
  try {
    const { view, symbol } = bestMap(table);
    const ranges = rangesOf(view);
    // Fonts of symbols keep theirs at F000; shapers look there for Latin-1 as well.
    return { has: (code) => within(ranges, code) || (symbol && code < 256 && within(ranges, 0xf000 + code)) };
  } catch (cause) {
    throw brokenLine(cause);
  }
}

function bestMap(table: Uint8Array): { view: DataView; symbol: boolean } {
  const view = viewOf(table);
  let best: { rank: number; offset: number } | undefined;
  for (let index = 0, count = view.getUint16(2); index < count; index++) {
    const at = 4 + 8 * index;
    const [platform, encoding] = [view.getUint16(at), view.getUint16(at + 2)];
    const rank = rankOf(platform, encoding);
    const offset = view.getUint32(at + 4);
    if (rank > (best?.rank ?? 0)) best = { rank, offset };
  }
  if (!best) throw new RangeError("no map of Unicode");
  return { view: viewOf(table.subarray(best.offset)), symbol: best.rank === 1 };
}

/** All of Unicode before its first plane, that before symbols; 0: no map of Unicode. */
function rankOf(platform: number, encoding: number): number {
  if (platform === 3) return { 10: 4, 1: 3, 0: 1 }[encoding] ?? 0;
  if (platform !== 0 || encoding === 5) return 0;
  return encoding === 4 || encoding === 6 ? 4 : 2;
}

/** First and last code point of each range, ascending. */
function rangesOf(view: DataView): Uint32Array {
  const ranges: [number, number][] = [];
  const add = (code: number) => {
    const last = ranges.at(-1);
    if (last && last[1] === code - 1) last[1] = code;
    else ranges.push([code, code]);
  };
  const format = view.getUint16(0);
  if (format === 4) for (const code of segmentCodes(view)) add(code);
  else if (format === 6) {
    const first = view.getUint16(6);
    for (let index = 0, count = view.getUint16(8); index < count; index++) {
      if (view.getUint16(10 + 2 * index) !== 0) add(first + index);
    }
  } else if (format === 12 || format === 13) {
    for (let index = 0, count = view.getUint32(12); index < count; index++) {
      const at = 16 + 12 * index;
      ranges.push([view.getUint32(at), view.getUint32(at + 4)]);
    }
  } else throw new RangeError(`a map of format ${format}`);
  return Uint32Array.from(ranges.sort(([a], [b]) => a - b).flat());
}

function* segmentCodes(view: DataView): Generator<number> {
  const size = view.getUint16(6);
  for (let segment = 0; segment < size; segment += 2) {
    const end = view.getUint16(14 + segment);
    const start = view.getUint16(16 + size + segment);
    const delta = view.getUint16(16 + 2 * size + segment);
    const at = 16 + 3 * size + segment;
    const offset = view.getUint16(at);
    for (let code = start; code <= end && code < 0xffff; code++) {
      const glyph = offset === 0 ? (code + delta) & 0xffff : view.getUint16(at + offset + 2 * (code - start));
      if (glyph !== 0) yield code;
    }
  }
}

function within(ranges: Uint32Array, code: number): boolean {
  let low = 0;
  let high = ranges.length / 2 - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (code < (ranges[2 * middle] as number)) high = middle - 1;
    else if (code > (ranges[2 * middle + 1] as number)) low = middle + 1;
    else return true;
  }
  return false;
}
