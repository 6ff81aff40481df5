// What a Photoshop file contains before its layers (Adobe Photoshop File Formats Specification).

/** Bytes at the start of a file that are enough to detect its format. */
export const SNIFF_LENGTH = 26;

export const isPsd = (head: Uint8Array): boolean =>
  head.length >= SNIFF_LENGTH &&
  ascii(head, 0, 4) === "8BPS" &&
  head[4] === 0 &&
  (head[5] === 1 || head[5] === 2) &&
  head.subarray(6, 12).every((byte) => byte === 0);

const MODES = [
  "bitmap",
  "grey",
  "indexed",
  "rgb",
  "cmyk",
  undefined,
  undefined,
  "channels",
  "duotone",
  "lab",
] as const;
export type Mode = Exclude<(typeof MODES)[number], undefined>;

/** Samples of the colours alone. */
const COLOR_CHANNELS: Readonly<Record<Mode, number>> = {
  bitmap: 1,
  grey: 1,
  duotone: 1,
  indexed: 1,
  rgb: 3,
  lab: 3,
  cmyk: 4,
  channels: 1,
};

export interface PsdFile {
  readonly width: number;
  readonly height: number;
  /** Of the flattened picture, those of masks included. */
  readonly channels: number;
  /** Of these, the first ones. */
  readonly colorChannels: number;
  /** Bits a channel: 1, 8, 16 or 32. */
  readonly depth: number;
  readonly mode: Mode;
  /** The channel after the colours is the transparency of the flattened picture. */
  readonly transparent: boolean;
  /** Red, then green, then blue, 256 of each. */
  readonly palette?: Uint8Array;
  /** Index of a palette that is clear. */
  readonly clear?: number;
  readonly profile?: Uint8Array;
  /** Dots per inch. */
  readonly density?: number;
  readonly layers: number;
  /** The flattened picture is one: Photoshop may leave it white. */
  readonly flattened: boolean;
  /** Where the flattened picture begins. */
  readonly start: number;
  /** Lengths are larger: PSB. */
  readonly large: boolean;
}

/** The head of a file is too short: so many bytes of it are needed. */
export interface More {
  readonly needed: number;
}

/** A file that is none; the message is for the client. */
export class BrokenPsd extends Error {}

/** Bytes of a head at most. */
const MAX_HEAD_BYTES = 16 * 1024 * 1024;

/** Reads the head of a file; `isComplete`: there is nothing behind it. Throws `BrokenPsd`. */
export function readHead(head: Uint8Array, isComplete: boolean): PsdFile | More {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const large = view.getUint16(4) === 2;
  const channels = view.getUint16(12);
  const height = view.getUint32(14);
  const width = view.getUint32(18);
  const depth = view.getUint16(22);
  const mode = MODES[view.getUint16(24)];
  const side = large ? 300_000 : 30_000;
  if (!mode || ![1, 8, 16, 32].includes(depth) || channels < 1 || channels > 56) throw new BrokenPsd();
  if (width < 1 || height < 1 || width > side || height > side) throw new BrokenPsd();
  const colorChannels = COLOR_CHANNELS[mode];
  if (channels < colorChannels) throw new BrokenPsd();

  const at = { colors: 26, resources: 0, layers: 0 };
  const lengthAt = (offset: number) => (offset + 4 <= head.length ? view.getUint32(offset) : undefined);
  const colors = lengthAt(at.colors);
  if (colors === undefined) return needed(at.colors + 64 * 1024);
  at.resources = at.colors + 4 + colors;
  const resources = lengthAt(at.resources);
  if (resources === undefined) return needed(at.resources + 64 * 1024);
  at.layers = at.resources + 4 + resources;
  const wide = large ? 8 : 4;
  // Up to the number of layers, and the first blocks after them if they are elsewhere.
  if (at.layers + 2 * wide + 2 > head.length && !isComplete) return needed(at.layers + 512);
  const known = resourcesOf(head, at.resources + 4, resources);
  const { layers, transparent } = layersOf(view, at.layers, wide);
  const palette = head.slice(at.colors + 4, at.colors + 4 + 768);
  return {
    width,
    height,
    channels,
    colorChannels,
    depth,
    mode,
    transparent: transparent && channels > colorChannels,
    ...(mode === "indexed" && { palette }),
    ...known,
    layers,
    start: at.layers + wide + lengthOf(view, at.layers, wide),
    large,
  };
}

function needed(bytes: number): More {
  if (bytes > MAX_HEAD_BYTES) throw new BrokenPsd();
  return { needed: bytes };
}

function lengthOf(view: DataView, at: number, wide: number): number {
  return wide === 8 ? Number(view.getBigUint64(at)) : view.getUint32(at);
}

type Known = Pick<PsdFile, "clear" | "profile" | "density" | "flattened">;

const RESOLUTION = 1005;
const ICC = 1039;
const CLEAR_INDEX = 1047;
const VERSION_INFO = 1057;

function resourcesOf(head: Uint8Array, start: number, length: number): Known {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const end = Math.min(start + length, head.length);
  let known: Known = { flattened: true };
  for (let at = start; at + 12 <= end; ) {
    if (ascii(head, at, at + 4) !== "8BIM") break;
    const id = view.getUint16(at + 4);
    const name = (head[at + 6] as number) + 1;
    const size = at + 6 + name + (name % 2);
    if (size + 4 > end) break;
    const bytes = view.getUint32(size);
    const data = size + 4;
    if (data + bytes > end) break;
    if (id === RESOLUTION && bytes >= 4) known = { ...known, density: view.getUint32(data) / 65_536 };
    if (id === ICC && bytes >= 128) known = { ...known, profile: head.slice(data, data + bytes) };
    if (id === CLEAR_INDEX && bytes >= 2) known = { ...known, clear: view.getUint16(data) };
    if (id === VERSION_INFO && bytes >= 5) known = { ...known, flattened: head[data + 4] !== 0 };
    at = data + bytes + (bytes % 2);
  }
  return known;
}

/** How many layers there are; a negative number means that the flattened picture has clear pixels. */
function layersOf(view: DataView, at: number, wide: number): Pick<PsdFile, "layers" | "transparent"> {
  const none = { layers: 0, transparent: false };
  const section = lengthOf(view, at, wide);
  if (section < wide + 2) return none;
  const info = lengthOf(view, at + wide, wide);
  if (info > 0) return counted(view.getInt16(at + 2 * wide));
  // With 16 and 32 bits a channel they are in a separate block, after the mask's.
  const end = Math.min(at + wide + section, view.byteLength);
  const mask = at + 2 * wide;
  if (mask + 4 > end) return none;
  let layerInfo = none;
  for (let block = mask + 4 + view.getUint32(mask); block + 12 + wide <= end; ) {
    const key = String.fromCharCode(...[4, 5, 6, 7].map((byte) => view.getUint8(block + byte)));
    const length = wide === 8 && LONG_BLOCK_KEYS.has(key) ? 8 : 4;
    const data = block + 8 + length;
    if (data + 2 > end) break;
    if (/^(?:Layr|Lr16|Lr32)$/.test(key)) {
      const { layers, transparent } = counted(view.getInt16(data));
      layerInfo = { layers, transparent: layerInfo.transparent || transparent };
    }
    if (/^(?:Mtrn|Mt16|Mt32)$/.test(key)) layerInfo = { ...layerInfo, transparent: true };
    block = data + Math.ceil(lengthOf(view, block + 8, length) / 4) * 4;
  }
  return layerInfo;
}

/** Blocks whose length takes 8 bytes in PSB. */
const LONG_BLOCK_KEYS = new Set(
  "LMsk Lr16 Lr32 Layr Mt16 Mt32 Mtrn Alph FMsk lnk2 FEid FXid PxSD".split(" "),
);

const counted = (count: number) => ({ layers: Math.abs(count), transparent: count < 0 });

function ascii(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}
