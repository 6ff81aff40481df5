import type { FaceBox, InfoField, RenderContext, Source, Spot } from "@mediatap/core";
import { typeOfName } from "@mediatap/core";
import { dominantColors } from "./colors.ts";
import { exifOf, gpsOf } from "./exif.ts";
import type { File } from "./file.ts";
import { perceptualHash } from "./perceptual.ts";
import { blurHashOf, thumbHashOf } from "./placeholders.ts";
import { profileName } from "./profile.ts";

/** What a field needs that takes more than to read a header. */
export type Need = "preview" | "faces" | "attention";

interface Field {
  readonly needs?: readonly Need[];
  /** `undefined`: the file has no such thing, and the field is left out. */
  read(file: File, context: RenderContext, outcome: Outcome): unknown;
}

/** What became of a description. */
interface Outcome {
  /** A search failed that may succeed next time. */
  degraded: boolean;
}

/** A field of the pixels. */
const seen = (read: (frame: Parameters<typeof thumbHashOf>[0]) => unknown): Field => ({
  needs: ["preview"],
  async read({ source }, context) {
    const preview = await context.inspect("preview", source);
    return preview && read(preview);
  },
});

/** A field of what the file contains beside its pixels. */
const embedded = (block: "profile" | "exif", read: (bytes: Uint8Array) => unknown): Field => ({
  async read({ source }, context) {
    const bytes = (await context.inspect("embedded", source))?.[block];
    return bytes && read(bytes);
  },
});

const FIELDS: { readonly [K in InfoField]: Field } = {
  type: {
    read: ({ source, format }) =>
      typeOfFormat(format) ?? typeOfName(source.metadata.path) ?? "application/octet-stream",
  },
  format: { read: ({ format }) => format },
  bytes: { read: ({ source }) => source.metadata.size ?? count(source) },
  width: { read: ({ header }) => header?.width },
  height: { read: ({ header }) => header?.height },
  orientation: { read: ({ header, probe }) => (probe ? undefined : header?.orientation) },
  colorSpace: {
    read: async ({ source }, context) => (await context.inspect("embedded", source))?.colorSpace,
  },
  colorProfile: embedded("profile", profileName),
  alpha: { read: ({ header }) => header?.alpha },
  frames: { read: ({ header, probe }) => (probe ? undefined : header?.frames) },
  density: { read: ({ header }) => header?.density },
  exif: embedded("exif", exifOf),
  duration: { read: ({ probe }) => probe?.duration },
  gps: embedded("exif", gpsOf),
  colors: seen(dominantColors),
  thumbHash: seen(thumbHashOf),
  blurHash: seen(blurHashOf),
  pHash: seen(perceptualHash),
  faces: { needs: ["preview", "faces"], read: facesOf },
  focus: {
    needs: ["preview", "attention"],
    async read(file, context, outcome) {
      const faces = await facesOf(file, context, outcome);
      const spot = centerOf(faces) ?? (await context.inspect("attention", file.source));
      return spot && { x: rounded(spot.x), y: rounded(spot.y) };
    },
  },
};

const rounded = (fraction: number): number => Math.round(fraction * 1e4) / 1e4;

/** A search that fails makes no description fail: the plugin that searched has written its log. */
async function facesOf({ source }: File, context: RenderContext, outcome: Outcome) {
  try {
    const faces = await context.inspect("faces", source);
    return faces?.map(({ left, top, width, height }) => ({
      left: rounded(left),
      top: rounded(top),
      width: rounded(width),
      height: rounded(height),
    }));
  } catch {
    context.signal.throwIfAborted();
    outcome.degraded = true;
    return undefined;
  }
}

/** The centre of the box around all faces. */
function centerOf(faces: readonly FaceBox[] = []): Spot | undefined {
  if (faces.length === 0) return undefined;
  const left = Math.min(...faces.map((face) => face.left));
  const top = Math.min(...faces.map((face) => face.top));
  const right = Math.max(...faces.map((face) => face.left + face.width));
  const bottom = Math.max(...faces.map((face) => face.top + face.height));
  return { x: (left + right) / 2, y: (top + bottom) / 2 };
}

/** Formats whose names are no extensions. */
const TYPES: Readonly<Record<string, string>> = { matroska: "video/x-matroska", asf: "video/x-ms-asf" };

const typeOfFormat = (format: string | undefined): string | undefined =>
  format === undefined ? undefined : (TYPES[format] ?? typeOfName(`.${format}`));

/** Bytes of a file of which its origin does not report the length. */
async function count(source: Source): Promise<number> {
  let bytes = 0;
  for await (const chunk of await source.stream()) bytes += (chunk as Uint8Array).byteLength;
  return bytes;
}

/** What these fields need. */
export function needsOf(fields: readonly InfoField[], context: RenderContext): ReadonlySet<Need> {
  const needs = new Set(fields.flatMap((field) => FIELDS[field].needs ?? []));
  if (fields.includes("focus") && context.hasInspector("faces")) needs.add("faces");
  return needs;
}

/** A description of a file, with these fields as far as the file has them. */
export async function describe(
  file: File,
  fields: readonly InfoField[],
  context: RenderContext,
): Promise<Outcome & { readonly values: Readonly<Record<string, unknown>> }> {
  const values: Record<string, unknown> = {};
  const outcome: Outcome = { degraded: false };
  for (const field of fields) {
    const value = await FIELDS[field].read(file, context, outcome);
    if (value !== undefined) values[field] = value;
  }
  return { ...outcome, values };
}
