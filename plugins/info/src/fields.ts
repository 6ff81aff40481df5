import type { FaceBox, InfoField, Probe, RawFrame, RenderContext, Source, Spot, Track } from "@mediatap/core";
import { typeOfName } from "@mediatap/core";
import { dominantColors } from "./colors.ts";
import { exifOf, gpsOf } from "./exif.ts";
import type { File } from "./file.ts";
import { perceptualHash } from "./perceptual.ts";
import { blurHashOf, thumbHashOf } from "./placeholders.ts";
import { profileName } from "./profile.ts";
import { MAX_HEADER_BYTES, qualityOf } from "./quality.ts";

/** What a field needs beside the header. */
export type Need = "preview" | "faces" | "attention" | "keyFrames";

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

/** What is found out about something to be seen; sound has nothing. */
const inspectPicture = async <K extends "preview" | "faces" | "attention" | "focalPoint" | "embedded">(
  name: K,
  { header, source }: File,
  context: RenderContext,
) => (header ? context.inspect(name, source) : undefined);

/** A field of the pixels. */
const seen = (read: (frame: RawFrame) => unknown): Field => ({
  needs: ["preview"],
  async read(file, context) {
    const preview = await inspectPicture("preview", file, context);
    return preview && read(preview);
  },
});

/** A field of what the file contains beside its pixels. */
const embedded = (block: "profile" | "exif", read: (bytes: Uint8Array) => unknown): Field => ({
  async read(file, context) {
    const bytes = (await inspectPicture("embedded", file, context))?.[block];
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
    read: async (file, context) => (await inspectPicture("embedded", file, context))?.colorSpace,
  },
  colorProfile: embedded("profile", (profile) => profileName(profile) ?? "unnamed"),
  alpha: { read: ({ header }) => header?.alpha },
  frames: { read: ({ header, probe }) => (probe ? undefined : header?.frames) },
  density: { read: ({ header }) => header?.density },
  exif: embedded("exif", exifOf),
  duration: { read: ({ probe }) => probe && Math.round(probe.duration * 1e3) / 1e3 },
  bitrate: { read: ({ probe }) => probe?.bitrate },
  tracks: { read: ({ probe }) => probe && tracksOf(probe) },
  gps: embedded("exif", gpsOf),
  quality: {
    read: async ({ source, format }) =>
      format === "jpeg" ? qualityOf(await source.peek(MAX_HEADER_BYTES)) : undefined,
  },
  colors: seen(dominantColors),
  thumbHash: seen(thumbHashOf),
  blurHash: seen(blurHashOf),
  pHash: seen(perceptualHash),
  faces: { needs: ["preview", "faces"], read: facesOf },
  focus: {
    needs: ["preview", "attention"],
    async read(file, context, outcome) {
      const spot =
        (await search("focalPoint", file, context, outcome)) ??
        centerOf(await facesOf(file, context, outcome)) ??
        (await inspectPicture("attention", file, context));
      return spot && { x: rounded(spot.x), y: rounded(spot.y) };
    },
  },
  keyFrameInterval: {
    needs: ["keyFrames"],
    read: async ({ source }, context) => (await context.inspect("keyFrames", source))?.interval,
  },
};

/** Tracks with names that distinguish frames from samples. */
function tracksOf({ video, audio, tracks = mainTracks(video, audio) }: Probe): readonly object[] {
  return tracks.map((track) => {
    if (track.kind === "video") {
      const { rate, pixels: pixelFormat, transfer, language, ...picture } = track;
      const frameRate = Math.round(rate * 1e3) / 1e3;
      return {
        ...picture,
        frameRate,
        pixelFormat,
        ...(transfer && { transfer }),
        ...(language && { language }),
      };
    }
    if (track.kind !== "audio") return track;
    const { rate: sampleRate, language, ...sound } = track;
    return { ...sound, sampleRate, ...(language && { language }) };
  });
}

const mainTracks = (video: Probe["video"], audio: Probe["audio"]): readonly Track[] => [
  ...(video ? [{ kind: "video", ...video } as const] : []),
  ...(audio ? [{ kind: "audio", ...audio } as const] : []),
];

const rounded = (fraction: number): number => Math.round(fraction * 1e4) / 1e4;

async function facesOf(file: File, context: RenderContext, outcome: Outcome) {
  const faces = await search("faces", file, context, outcome);
  return faces?.map(({ left, top, width, height }) => ({
    left: rounded(left),
    top: rounded(top),
    width: rounded(width),
    height: rounded(height),
  }));
}

/** A search that fails makes no description fail: the plugin that searched has written its log. */
async function search<K extends "faces" | "focalPoint">(
  name: K,
  file: File,
  context: RenderContext,
  outcome: Outcome,
) {
  try {
    return await inspectPicture(name, file, context);
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
