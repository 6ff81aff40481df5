import { type InfoField, type Source, typeOfName } from "@mediatap/core";
import type { File } from "./file.ts";

/** What a description contains under each name. `undefined`: the file has no such thing, and the field is left out. */
const READERS: { readonly [K in InfoField]: (file: File) => unknown } = {
  type: ({ source, format }) =>
    typeOfFormat(format) ?? typeOfName(source.metadata.path) ?? "application/octet-stream",
  format: ({ format }) => format,
  bytes: ({ source }) => source.metadata.size ?? count(source),
  width: ({ header }) => header?.width,
  height: ({ header }) => header?.height,
  orientation: ({ header }) => header?.orientation,
  alpha: ({ header }) => header?.alpha,
  frames: ({ header, probe }) => (probe ? undefined : header?.frames),
  density: ({ header }) => header?.density,
  duration: ({ probe }) => probe?.duration,
};

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

/** A description of a file, with these fields as far as the file has them. */
export async function describe(file: File, fields: readonly InfoField[]): Promise<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    const value = await READERS[field](file);
    if (value !== undefined) values[field] = value;
  }
  return values;
}
