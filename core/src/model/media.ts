import { contentType, lookup } from "mime-types";

/** Types that stand for pictures, videos or sound. Documents of pages count: engines make pictures of them. */
const MEDIA = /^(?:(?:image|video|audio)\/|application\/(?:pdf|postscript)\b)/i;

/** File name of a path or an address, without query and fragment. */
const nameOf = (path: string) => path.split(/[?#]/, 1)[0]?.split("/").pop() ?? "";

/** Media type of a file by its extension (IANA's and Apache's tables). `undefined`: no extension, or none that is known. */
export function typeOfName(path: string): string | undefined {
  const name = nameOf(path);
  return (name.includes(".") && lookup(name)) || undefined;
}

/** As `typeOfName`, with the charset of text: a value for `Content-Type`. */
export function contentTypeOfName(path: string): string | undefined {
  const name = nameOf(path);
  return (name.includes(".") && contentType(name)) || undefined;
}

/** Whether a media type is that of pictures, videos, sound or documents of pages. */
export const isMediaType = (type: string | undefined): type is string =>
  type !== undefined && MEDIA.test(type);

/** Whether a file is media by its extension. */
export const isMediaName = (path: string): boolean => isMediaType(typeOfName(path));
