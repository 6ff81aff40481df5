import { json } from "node:stream/consumers";
import {
  type CallHandler,
  type Endpoint,
  type InfoField,
  invalid,
  type Job,
  MediaError,
  type PluginApi,
} from "@mediatap/core";
import { describeCall } from "@mediatap/core/state";
import { z } from "zod";

declare module "@mediatap/core" {
  interface EndpointFields {
    /** Descriptions may contain where an image was taken (`gps`). @default false */
    infoGps?: boolean;
  }
}

/** Where the service has it (https://imagekit.io/docs/api-reference/digital-asset-management-dam/file-metadata). */
const METADATA = "/v1/metadata";

const FIELDS: readonly InfoField[] = [
  ...(["format", "bytes", "width", "height", "orientation", "colorProfile", "alpha", "density"] as const),
  ...(["exif", "duration", "bitrate", "tracks", "quality"] as const),
];

/** A description of a file, with the fields above. */
interface Description {
  readonly format?: string;
  readonly bytes?: number;
  readonly width?: number;
  readonly height?: number;
  readonly orientation?: number;
  readonly colorProfile?: string;
  readonly alpha?: boolean;
  readonly density?: number;
  readonly exif?: Readonly<Record<string, number | string>>;
  readonly duration?: number;
  readonly bitrate?: number;
  readonly tracks?: readonly { readonly kind: string; readonly codec: string }[];
  readonly gps?: { readonly latitude: number; readonly longitude: number; readonly altitude?: number };
  readonly quality?: number;
  readonly pHash?: string;
}

/** Of calls about the file of a URL. */
export const urlQuery = z.object({
  url: z
    .string()
    .min(1)
    .max(8_192)
    .meta({ examples: ["/dogs.jpg"] }),
});

/** Describes files by the plugin `info`. */
export type Describe = ReturnType<typeof createDescribe>;

/** Adds the call that describes the file of a URL. */
export function addMetadata({ manage, jobs }: Pick<PluginApi, "manage" | "jobs">): void {
  const describe = createDescribe(jobs);
  const call: CallHandler = async ({ query }, endpoints) => {
    const url = query.get("url");
    if (!url) throw invalid("url", "the URL of a file", url ?? undefined);
    const { problem, ...job } = await jobs.resolve(url);
    const { asset, transformation } = job;
    const endpoint = endpoints.find(({ tenant, name }) => tenant === asset.tenant && name === asset.endpoint);
    if (!endpoint) throw new MediaError("EFORBIDDEN", "The key is not valid for the endpoint of this URL.");
    if (problem) throw new MediaError(problem.code, problem.message);
    if (transformation.steps.length > 0) {
      throw invalid("url", "the URL of a file without a transformation", url);
    }
    return { body: await describe(job, endpoint) };
  };
  manage("GET", METADATA, call, {
    role: "read",
    atRoot: true,
    describe: describeCall("Read the metadata of the file of a URL", {
      query: urlQuery,
      response: metadataSchema,
    }),
  });
}

export function createDescribe({ obtain }: Pick<PluginApi["jobs"], "obtain">) {
  /** The metadata of a file in the words of the service. Throws the error that a request for it would get. */
  return async (
    job: Omit<Job, "transformation" | "delivery">,
    { fields: rules }: Endpoint,
  ): Promise<Metadata> => {
    const fields: readonly InfoField[] = [
      ...FIELDS,
      ...(job.media === "image" ? (["pHash"] as const) : []),
      ...(rules.infoGps ? (["gps"] as const) : []),
    ];
    const transformation = { steps: [], output: { info: { fields } } };
    const { body } = await obtain({ ...job, transformation, delivery: {} });
    if (!body) throw new MediaError("EINTERNAL", "The file could not be described");
    try {
      return metadataOf((await json(await body.stream())) as Description);
    } finally {
      await body.close?.();
    }
  };
}

/** Formats that the service names by another extension. */
const FORMATS: Readonly<Record<string, string>> = { jpeg: "jpg", matroska: "mkv", tiff: "tif" };

/** EXIF tags of the first directory. */
const IMAGE: ReadonlySet<string> = new Set(["Make", "Model", "Software"]);

/** EXIF tags under the names of the service. */
const NAMES: Readonly<Record<string, string>> = {
  DateTimeDigitized: "CreateDate",
  ExposureBiasValue: "ExposureCompensation",
  FocalLengthIn35mmFilm: "FocalLengthIn35mmFormat",
};

const tags = z.record(z.string(), z.unknown());

/** A description in the words of the service. */
export const metadataSchema = z.object({
  height: z.int().optional(),
  width: z.int().optional(),
  size: z.int().optional(),
  format: z.string().optional(),
  hasColorProfile: z.boolean(),
  quality: z.number().optional(),
  density: z.number().optional(),
  hasTransparency: z.boolean(),
  pHash: z.string().optional(),
  exif: z.object({
    image: tags,
    thumbnail: tags,
    exif: tags,
    gps: tags,
    interoperability: tags,
    makernote: tags,
  }),
  duration: z.number().optional(),
  bitRate: z.number().optional(),
  videoCodec: z.string().optional(),
  audioCodec: z.string().optional(),
});
type Metadata = z.output<typeof metadataSchema>;

function metadataOf(description: Description): Metadata {
  const { format, bytes, width, height, colorProfile, alpha, quality, density, pHash, duration, bitrate } =
    description;
  const codecOf = (kind: string) => description.tracks?.find((track) => track.kind === kind)?.codec;
  const videoCodec = codecOf("video");
  const audioCodec = codecOf("audio");
  return {
    ...(height !== undefined && width !== undefined && { height, width }),
    ...(bytes !== undefined && { size: bytes }),
    ...(format !== undefined && { format: FORMATS[format] ?? format }),
    hasColorProfile: colorProfile !== undefined,
    ...(quality !== undefined && { quality }),
    ...(density !== undefined && { density }),
    hasTransparency: alpha ?? false,
    ...(pHash !== undefined && { pHash }),
    exif: exifOf(description),
    ...(duration !== undefined && { duration }),
    ...(bitrate !== undefined && { bitRate: Math.round(bitrate / 1000) }),
    ...(videoCodec !== undefined && { videoCodec }),
    ...(audioCodec !== undefined && { audioCodec }),
  };
}

function exifOf({ exif = {}, orientation, gps }: Description): Metadata["exif"] {
  const tags = Object.entries(exif);
  const image = Object.fromEntries(tags.filter(([name]) => IMAGE.has(name)));
  const others = tags
    .filter(([name]) => !IMAGE.has(name))
    .map(([name, value]) => [NAMES[name] ?? name, value]);
  return {
    image: tags.length > 0 && orientation !== undefined ? { ...image, Orientation: orientation } : image,
    thumbnail: {},
    exif: Object.fromEntries(others),
    gps: gps ? gpsOf(gps) : {},
    interoperability: {},
    makernote: {},
  };
}

function gpsOf({ latitude, longitude, altitude }: NonNullable<Description["gps"]>): z.output<typeof tags> {
  return {
    GPSLatitudeRef: latitude < 0 ? "S" : "N",
    GPSLatitude: partsOf(latitude),
    GPSLongitudeRef: longitude < 0 ? "W" : "E",
    GPSLongitude: partsOf(longitude),
    ...(altitude !== undefined && { GPSAltitudeRef: altitude < 0 ? 1 : 0, GPSAltitude: Math.abs(altitude) }),
  };
}

/** Degrees, minutes and seconds, in hundredths as EXIF usually has them. */
function partsOf(degrees: number): number[] {
  const seconds = Math.round(Math.abs(degrees) * 360_000);
  return [Math.floor(seconds / 360_000), Math.floor(seconds / 6_000) % 60, (seconds % 6_000) / 100];
}
