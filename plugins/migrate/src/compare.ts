import type { Size } from "@mediatap/core";
import { likeness } from "@mediatap/core/decode";
import type { Metadata, Sharp } from "sharp";

/** What a server has sent for a URL. */
export interface Response {
  readonly status: number;
  /** Media type without parameters. */
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Milliseconds until it was complete. */
  readonly time: number;
}

/** What of it is reported. */
export interface ResponseSummary {
  readonly status: number;
  readonly type: string;
  readonly bytes: number;
  readonly time: number;
  /** Of a picture. */
  readonly width?: number;
  readonly height?: number;
}

export interface Comparison {
  readonly old: ResponseSummary;
  readonly new: ResponseSummary;
  /** Structural similarity of the pictures, 0–1. Left out: they have other sizes, or are none. */
  readonly ssim?: number;
  /** Their SSIMULACRA 2 score, if it was wanted: 100 is identical. */
  readonly ssimulacra2?: number;
  /** What is not equal, in words. Empty: nothing. */
  readonly differences: readonly string[];
  /** What differs and may be meant so. */
  readonly notes: readonly string[];
}

export interface CompareOptions {
  /** Least structural similarity of equal pictures. */
  readonly ssim: number;
  /** Pictures with more pixels are compared in a smaller size. @default Infinity */
  readonly pixels?: number;
  /** Also computes the SSIMULACRA 2 score, which takes about a second for each megapixel. @default false */
  readonly ssimulacra2?: boolean;
}

/** Headers whose loss changes what browsers and CDNs do. */
const HEADERS = ["access-control-allow-origin", "content-disposition", "etag", "last-modified"];

/**
 * Pixels for each pixel of the small copies, in both directions, and their longest side. Their colours are compared, because structural
 * similarity is one of luma only; a smaller share would show edges that are moved by part of a pixel.
 */
const COLOUR_SCALE = 8;
const MAX_COLOUR_SIDE = 32;

/** Mean distance of colours, 0–255, of pictures that count as equal. Lossy formats at low quality reach 4. */
const MAX_COLOUR_DISTANCE = 7;

/** A body that is larger by this factor is reported. */
const MAX_SIZE_RATIO = 1.25;

/** Compares what two servers have sent for the same URL. */
export async function compare(
  before: Response,
  after: Response,
  options: CompareOptions,
): Promise<Comparison> {
  const pictures = await Promise.all([pictureOf(before), pictureOf(after)]);
  const [old, own] = [summaryOf(before, pictures[0]), summaryOf(after, pictures[1])];
  const differences: string[] = [];
  const both = { old, new: own, differences, notes: [] as string[] };
  if (old.status !== own.status) differences.push(`status ${own.status} instead of ${old.status}`);
  if (old.status !== 200 || own.status !== 200) return both;
  if (old.type !== own.type) differences.push(`${own.type || "no type"} instead of ${old.type || "no type"}`);
  both.notes.push(...notesOf(before, after));
  const [a, b] = pictures;
  if (!a || !b) return both;
  const isSameSize = Math.abs(a.width - b.width) <= 1 && Math.abs(a.height - b.height) <= 1;
  if (!isSameSize) {
    differences.push(`${b.width} × ${b.height} instead of ${a.width} × ${a.height} pixels`);
    return both;
  }
  const size = sharedSize(a, options.pixels);
  const [grey, ownGrey] = await Promise.all([pixelsOf(a, size, "b-w"), pixelsOf(b, size, "b-w")]);
  const ssim = likeness(grey, ownGrey);
  if (ssim < options.ssim) differences.push(`similarity ${ssim.toFixed(3)}`);
  const small = { width: smallSide(a.width), height: smallSide(a.height) };
  const [colour, ownColour] = await Promise.all([pixelsOf(a, small, "srgb"), pixelsOf(b, small, "srgb")]);
  const distance = colourDistance(colour.data, ownColour.data);
  if (distance > MAX_COLOUR_DISTANCE) differences.push(`colours ${distance.toFixed(1)} of 255 apart`);
  if (!options.ssimulacra2) return { ...both, ssim };
  const { ssimulacra2 } = await import("./ssimulacra2.ts");
  const colours = await Promise.all([pixelsOf(a, size, "srgb"), pixelsOf(b, size, "srgb")]);
  return { ...both, ssim, ssimulacra2: ssimulacra2(...colours) };
}

function notesOf({ headers: old, body }: Response, { headers: own, body: ownBody }: Response): string[] {
  const notes = HEADERS.filter((name) => old[name] !== undefined && own[name] === undefined).map(
    (name) => `no ${name}`,
  );
  if (ownBody.length > body.length * MAX_SIZE_RATIO) {
    notes.push(`${Math.round((ownBody.length / body.length - 1) * 100)} % more bytes`);
  }
  const [age, ownAge] = [maxAge(old["cache-control"]), maxAge(own["cache-control"])];
  if (age !== undefined && ownAge !== undefined && ownAge < age) {
    notes.push(`max-age ${ownAge} instead of ${age}`);
  }
  return notes;
}

function maxAge(cacheControl = ""): number | undefined {
  const [, seconds] = /(?:^|[\s,])max-age=(\d+)/i.exec(cacheControl) ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}

interface Picture {
  readonly image: Sharp;
  readonly width: number;
  readonly height: number;
}

/** The picture of a response, upright; `undefined`: it is none. */
async function pictureOf({ status, type, body }: Response): Promise<Picture | undefined> {
  if (status !== 200 || !type.startsWith("image/")) return undefined;
  const { default: sharp } = await import("sharp");
  try {
    const image = sharp(body, { limitInputPixels: 200_000_000 });
    const { width, height } = uprightSize(await image.metadata());
    return { image, width, height };
  } catch {
    return undefined;
  }
}

const uprightSize = ({ width, height, orientation = 1 }: Metadata) =>
  orientation > 4 ? { width: height, height: width } : { width, height };

function summaryOf({ status, type, body, time }: Response, picture: Picture | undefined): ResponseSummary {
  const size = picture && { width: picture.width, height: picture.height };
  return { status, type, bytes: body.length, time: Math.round(time), ...size };
}

const smallSide = (side: number) => Math.max(1, Math.min(MAX_COLOUR_SIDE, Math.floor(side / COLOUR_SCALE)));

/** Mean over all pixels of the distance in the channel in which they differ most. */
function colourDistance(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 3) {
    const distances = [0, 1, 2].map((channel) => Math.abs((a[at + channel] ?? 0) - (b[at + channel] ?? 0)));
    sum += Math.max(...distances);
  }
  return (sum * 3) / a.length;
}

/** The size of a picture, made smaller if it has more than `pixels`. */
function sharedSize({ width, height }: Picture, pixels = Number.POSITIVE_INFINITY): Size {
  const scale = Math.min(1, Math.sqrt(pixels / (width * height)));
  const scaled = (side: number) => Math.max(1, Math.floor(side * scale));
  return { width: scaled(width), height: scaled(height) };
}

/** A picture on white: one byte a pixel of grey (`b-w`), or three of colours. */
async function pixelsOf({ image }: Picture, size: Size, space: "b-w" | "srgb") {
  const data = await image
    .clone()
    .autoOrient()
    .flatten({ background: "white" })
    .toColourspace(space)
    .resize({ ...size, fit: "fill" })
    .raw()
    .toBuffer();
  return { data, ...size };
}
