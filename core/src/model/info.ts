import { invalid } from "./errors.ts";

/** What a file's header contains: a description that names no fields has these, as far as the file has them. */
export const HEADER_FIELDS = [
  /** Media type by content, else by name. */
  "type",
  /** Short name of the format by content: `jpeg`, `mp4`. */
  "format",
  /** Length of the file. */
  "bytes",
  /** Pixels, upright. */
  "width",
  "height",
  /** EXIF orientation, 1–8, which `width` and `height` have in them. */
  "orientation",
  /** Of the samples: `rgb`, `gray`, `cmyk`, `lab`. */
  "colorSpace",
  /** Name of the ICC profile. */
  "colorProfile",
  /** Whether it has transparency. */
  "alpha",
  /** Frames or pages; 1 for a still. */
  "frames",
  /** Dots per inch. */
  "density",
  /** Camera and exposure. */
  "exif",
  /** Seconds. */
  "duration",
  /** Bits a second. */
  "bitrate",
  /** Of a file with moving pictures or sound. */
  "tracks",
] as const;

/** All that a description of a file can contain, in the order in which it is written. */
const INFO_FIELDS = [
  ...HEADER_FIELDS,
  /** Where it was taken, for endpoints that allow it. */
  "gps",
  /** Estimated quality with which a JPEG was encoded, 1–100. */
  "quality",
  /** Dominant colours. */
  "colors",
  /** Placeholders, as hash and as picture. */
  "thumbHash",
  "blurHash",
  /** Perceptual hash. */
  "pHash",
  /** Boxes around heads. */
  "faces",
  /** The point that a crop should keep: the focal point if one is set, else that of the faces, else what catches the eye. */
  "focus",
  /** Seconds between key frames. */
  "keyFrameInterval",
] as const;

export type InfoField = (typeof INFO_FIELDS)[number];

/** A description of a file, as JSON. */
export interface InfoOutput {
  /** Left out: those of the header. */
  readonly fields?: readonly InfoField[];
  /** A document of another form instead. */
  readonly form?: InfoForm;
}

/** A description that a plugin writes in a form of its own, for clients of a standard. */
interface InfoForm {
  /** Name of the plugin, which returns the plan. */
  readonly plugin: string;
  /** What the document depends on beside the file: plain data. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Fields by their names. Throws `EINVAL` for a name that is none. */
export function infoFields(names: readonly string[]): readonly InfoField[] {
  return names.map((name) => {
    const field = INFO_FIELDS.find((known) => known === name);
    if (field === undefined) throw invalid("fields", `some of ${INFO_FIELDS.join(", ")}`, name);
    return field;
  });
}

/** A form as it is, else each field once, in their order. */
export function canonicalInfo({ fields = HEADER_FIELDS, form }: InfoOutput): InfoOutput {
  if (form) return { form };
  const named: ReadonlySet<string> = new Set(infoFields(fields));
  return { fields: INFO_FIELDS.filter((field) => named.has(field)) };
}
