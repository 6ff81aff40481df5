import { contentType, lookup } from "mime-types";

/** Types that stand for pictures, videos or sound. Documents of pages count: engines make pictures of them. */
const MEDIA = /^(?:(?:image|video|audio)\/|application\/(?:pdf|postscript)\b)/i;

/** Extensions of pictures that IANA's and Apache's tables lack. */
const MORE_TYPES: Readonly<Record<string, string>> = {
  hdr: "image/vnd.radiance",
  pam: "image/x-portable-arbitrarymap",
  pfm: "image/x-portable-floatmap",
  qoi: "image/qoi",
};

/** File name of a path or an address, without query and fragment. */
const nameOf = (path: string) => path.split(/[?#]/, 1)[0]?.split("/").pop() ?? "";

/** Media type of a file by its extension. `undefined`: no extension, or none that is known. */
export function typeOfName(path: string): string | undefined {
  const name = nameOf(path);
  if (!name.includes(".")) return undefined;
  return lookup(name) || MORE_TYPES[name.slice(name.lastIndexOf(".") + 1).toLowerCase()];
}

/** As `typeOfName`, with the charset of text: a value for `Content-Type`. */
export function contentTypeOfName(path: string): string | undefined {
  const type = typeOfName(path);
  return type && (contentType(type) || type);
}

/** Whether a media type is that of pictures, videos, sound or documents of pages. */
export const isMediaType = (type: string | undefined): type is string =>
  type !== undefined && MEDIA.test(type);

/** Whether a file is media by its extension. */
export const isMediaName = (path: string): boolean => isMediaType(typeOfName(path));
