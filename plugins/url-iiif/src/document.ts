import { bodyOf, MediaError, type Plan, type RenderContext, type Size, type Source } from "@mediatap/core";
import { NAME } from "./language.ts";
import { QUALITIES, type Version } from "./parameters.ts";

/** What a document depends on beside the file. */
export interface DocumentOptions {
  readonly version: Version;
  /** Address of the endpoint, as clients see it. */
  readonly base: string;
  /** Version, if the URL has it, and identifier. */
  readonly path: string;
  /** Whether its media type is that of JSON-LD. */
  readonly isLinked: boolean;
  /** Pixels of a tile's side. */
  readonly tileSize: number;
  /** Extensions of formats that the endpoint allows. */
  readonly formats: readonly string[];
  readonly isUpscaling: boolean;
  /** Pixels. */
  readonly maxSide?: number;
  readonly maxArea: number;
}

/** What level 2 contains of formats and qualities. */
const FORMATS_OF_LEVEL_2 = ["jpg", "png"];
const QUALITIES_OF_LEVEL_2 = ["default", "color", "gray"];

/** Features beyond level 2, in the words of version 3. */
const FEATURES = ["canonicalLinkHeader", "mirroring", "profileLinkHeader", "rotationArbitrary"];

/** Those of version 2 that level 2 of version 2 does not contain. */
const FEATURES_OF_2 = ["regionSquare"];

export const contextOf = (version: Version) => `http://iiif.io/api/image/${version}/context.json`;
export const profileOf = (version: Version) => `http://iiif.io/api/image/${version}/level2.json`;

/** Address of the image, to which clients add region, size, rotation, quality and format. */
export const idOf = ({ base, path }: DocumentOptions) => `${base}/${path}`;

/** Media type of a document. */
export const typeOf = ({ version, isLinked }: DocumentOptions) =>
  isLinked ? `application/ld+json;profile="${contextOf(version)}"` : "application/json";

const beyond = (all: Iterable<string>, level: readonly string[]) =>
  [...all].filter((name) => !level.includes(name));

/** Powers of two by which an image is divided, up to the first with which it fits into a tile. */
function scaleFactorsOf({ width, height }: Size, tileSize: number): number[] {
  const levels = Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / tileSize)));
  return Array.from({ length: levels + 1 }, (_, level) => 2 ** level);
}

/** The information document (https://iiif.io/api/image/3.0/#5-image-information). */
export function documentOf({ width, height }: Size, options: DocumentOptions): object {
  const { version, formats, isUpscaling, maxSide, maxArea } = options;
  const tileSize = Math.min(options.tileSize, maxSide ?? options.tileSize);
  const scaleFactors = scaleFactorsOf({ width, height }, tileSize);
  const isServed = (size: Size) =>
    size.width * size.height <= maxArea &&
    Math.max(size.width, size.height) <= (maxSide ?? Number.POSITIVE_INFINITY);
  const sizes = scaleFactors
    .map((factor) => ({ width: Math.ceil(width / factor), height: Math.ceil(height / factor) }))
    .filter(isServed)
    .reverse();
  const limits = { ...(maxSide !== undefined && { maxWidth: maxSide, maxHeight: maxSide }), maxArea };
  const tiles = [{ width: tileSize, scaleFactors }];
  const extra = {
    formats: beyond(formats, FORMATS_OF_LEVEL_2),
    qualities: beyond(QUALITIES.keys(), QUALITIES_OF_LEVEL_2),
  };
  const common = { protocol: "http://iiif.io/api/image", width, height, sizes, tiles };
  if (version === 2) {
    const supports = [...FEATURES, ...FEATURES_OF_2, ...(isUpscaling ? ["sizeAboveFull"] : [])];
    const profile = [profileOf(2), { ...extra, supports, ...limits }];
    return { "@context": contextOf(2), "@id": idOf(options), ...common, profile };
  }
  return {
    "@context": contextOf(3),
    id: idOf(options),
    type: "ImageService3",
    profile: "level2",
    ...common,
    ...limits,
    extraFormats: extra.formats,
    extraQualities: extra.qualities,
    extraFeatures: [...FEATURES, ...(isUpscaling ? ["sizeUpscaling"] : [])],
  };
}

/** Milliseconds of one core to read a header, and bytes. */
const PRICE = { cost: 2, memory: 1024 * 1024 };

/** Writes the document of a file. Throws what its engine throws for one that is no image. */
export async function planOf(
  source: Source,
  options: DocumentOptions,
  context: RenderContext,
): Promise<Plan> {
  const header = await context.inspect("header", source);
  if (!header) throw new MediaError("UNIDENTIFIED", "The file is not a readable image");
  const { width, height, format, frames } = header;
  const isAnimation = format === "gif" || (format === "apng" && frames > 1);
  const formats = options.formats.filter((word) => word !== "gif" || isAnimation);
  return {
    engine: NAME,
    lane: "light",
    ...PRICE,
    explain: () => ({ document: "info.json" }),
    async run() {
      const bytes = Buffer.from(
        JSON.stringify(documentOf({ width, height }, { ...options, formats }), undefined, 1),
      );
      return {
        body: bodyOf(bytes),
        type: typeOf(options),
        format: "json",
      };
    },
  };
}
