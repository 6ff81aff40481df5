// EXIF (CIPA DC-008-2023, Exif 3.0; TIFF 6.0 §2). Files come from anybody: only tags that are needed are read, and of each only as much as
// it can contain.

/** A rational number, an integer, or text. */
type Value = number | string | readonly number[];

/** What of EXIF describes camera and exposure, by the tags' names in the standard; `ISO` is `PhotographicSensitivity`. */
export type Exif = Readonly<Record<string, number | string>>;

/** Where a picture was taken, in degrees of WGS 84, and metres above the sea. */
export interface Gps {
  readonly latitude: number;
  readonly longitude: number;
  readonly altitude?: number;
}

const MAX_ENTRIES = 500;
const MAX_TEXT_CHARACTERS = 200;
const MAX_NUMBERS = 3;

const EXIF_DIRECTORY = 0x8769;
const GPS_DIRECTORY = 0x8825;

/** Tags of the first directory, and of that of EXIF. No serial number, owner, comment or position is among them. */
const TAGS: Readonly<Record<number, string>> = {
  271: "Make",
  272: "Model",
  305: "Software",
  33434: "ExposureTime",
  33437: "FNumber",
  34850: "ExposureProgram",
  34855: "ISO",
  36867: "DateTimeOriginal",
  36868: "DateTimeDigitized",
  36881: "OffsetTimeOriginal",
  36882: "OffsetTimeDigitized",
  37380: "ExposureBiasValue",
  37383: "MeteringMode",
  37385: "Flash",
  37386: "FocalLength",
  41986: "ExposureMode",
  41987: "WhiteBalance",
  41989: "FocalLengthIn35mmFilm",
  42035: "LensMake",
  42036: "LensModel",
};

/** Bytes of a value of each type; a type that is not here is not read. */
const WIDTHS: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 9: 4, 10: 8 };

/** Camera and exposure. `undefined`: it contains none of them. */
export function exifOf(block: Uint8Array): Exif | undefined {
  const file = openTiff(block);
  if (!file) return undefined;
  const first = file.directory(file.first);
  const tags = new Map([...first, ...file.directory(first.get(EXIF_DIRECTORY))]);
  const named = Object.entries(TAGS).flatMap(([tag, name]) => {
    const value = tags.get(Number(tag));
    const scalar = typeof value === "object" ? value[0] : value;
    if (scalar === undefined || scalar === "") return [];
    return [[name, typeof scalar === "number" ? Number(scalar.toPrecision(6)) : scalar] as const];
  });
  return named.length === 0 ? undefined : Object.fromEntries(named);
}

/** The position. `undefined`: it is not known. */
export function gpsOf(block: Uint8Array): Gps | undefined {
  const file = openTiff(block);
  const tags = file?.directory(file.directory(file.first).get(GPS_DIRECTORY));
  const latitude = degrees(tags?.get(2), tags?.get(1) === "S", 90);
  const longitude = degrees(tags?.get(4), tags?.get(3) === "W", 180);
  if (latitude === undefined || longitude === undefined) return undefined;
  const altitude = tags?.get(6);
  const isBelow = tags?.get(5) === 1;
  return {
    latitude,
    longitude,
    ...(typeof altitude === "number" && { altitude: isBelow ? -altitude : altitude }),
  };
}

/** Degrees, minutes and seconds as one number. */
function degrees(value: Value | undefined, isNegative: boolean, max: number): number | undefined {
  if (typeof value !== "object" || value.length !== 3) return undefined;
  const [degrees = 0, minutes = 0, seconds = 0] = value;
  const sum = Math.round((degrees + minutes / 60 + seconds / 3600) * 1e7) / 1e7;
  return Math.abs(sum) > max ? undefined : isNegative ? -sum : sum;
}

/** A value may be negative or a fraction, of whatever tag it is. */
function isOffset(value: Value | undefined): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

/** `undefined`: it is no TIFF. */
function openTiff(block: Uint8Array) {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  const start = bytes.toString("latin1", 0, 6) === "Exif\0\0" ? 6 : 0;
  const order = bytes.toString("latin1", start, start + 4);
  if (order !== "II*\0" && order !== "MM\0*") return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, bytes.byteLength - start);
  const little = order === "II*\0";

  function directory(offset: Value | undefined): ReadonlyMap<number, Value> {
    const tags = new Map<number, Value>();
    if (!isOffset(offset) || offset + 2 > view.byteLength) return tags;
    const entries = Math.min(view.getUint16(offset, little), MAX_ENTRIES);
    for (let at = offset + 2; at < offset + 2 + entries * 12 && at + 12 <= view.byteLength; at += 12) {
      const value = valueIn(at);
      if (value !== undefined) tags.set(view.getUint16(at, little), value);
    }
    return tags;
  }

  function valueIn(entry: number): Value | undefined {
    const type = view.getUint16(entry + 2, little);
    const width = WIDTHS[type];
    const count = view.getUint32(entry + 4, little);
    if (width === undefined || count === 0) return undefined;
    const at = width * count > 4 ? view.getUint32(entry + 8, little) : entry + 8;
    if (type === 2) return textOf(at, Math.min(count, MAX_TEXT_CHARACTERS));
    const read = Math.min(count, MAX_NUMBERS);
    if (at + width * read > view.byteLength) return undefined;
    const numbers = Array.from({ length: read }, (_, index) => numberOf(type, at + index * width));
    if (!numbers.every(Number.isFinite)) return undefined;
    return count === 1 ? numbers[0] : numbers;
  }

  function textOf(at: number, length: number): string {
    const end = Math.min(at + length, view.byteLength);
    const text = Buffer.from(view.buffer, view.byteOffset + Math.min(at, end), Math.max(0, end - at));
    return text.toString("utf8").replace(/\0.*$/s, "").trim();
  }

  function numberOf(type: number, at: number): number {
    switch (type) {
      case 1:
        return view.getUint8(at);
      case 3:
        return view.getUint16(at, little);
      case 4:
        return view.getUint32(at, little);
      case 9:
        return view.getInt32(at, little);
      case 5:
        return view.getUint32(at, little) / view.getUint32(at + 4, little);
      default:
        return view.getInt32(at, little) / view.getInt32(at + 4, little);
    }
  }

  return { first: view.byteLength < 8 ? undefined : view.getUint32(4, little), directory };
}
