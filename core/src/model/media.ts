import { createRequire } from "node:module";

/** Types that stand for pictures, videos or sound. Documents of pages count: engines make pictures of them. */
const MEDIA =
  /^(?:(?:image|video|audio)\/|application\/(?:pdf|postscript|mxf|ogg|dicom|vnd\.rn-realmedia(?:-vbr)?)\b)/i;

const require = createRequire(import.meta.url);

/** The tables of IANA and Apache take 15 ms and 5 MB to load: they are, for the first name that is none of the usual ones. */
const tables = () => require("mime-types") as typeof import("mime-types");

/** Extensions of most files that are requested. */
const USUAL_TYPES = new Map([
  ["avif", "image/avif"],
  ["gif", "image/gif"],
  ["jpeg", "image/jpeg"],
  ["jpg", "image/jpeg"],
  ["mov", "video/quicktime"],
  ["mp4", "video/mp4"],
  ["png", "image/png"],
  ["svg", "image/svg+xml"],
  ["webm", "video/webm"],
  ["webp", "image/webp"],
]);

/** Extensions of pictures and videos that IANA's and Apache's tables lack; raw pictures of cameras as shared-mime-info names them. */
const MORE_TYPES = new Map([
  ["arw", "image/x-sony-arw"],
  ["avifs", "image/avif"],
  ["cr2", "image/x-canon-cr2"],
  ["cr3", "image/x-canon-cr3"],
  ["cur", "image/x-win-cur"],
  ["divx", "video/x-msvideo"],
  ["hdr", "image/vnd.radiance"],
  ["hevc", "video/h265"],
  ["hif", "image/heic"],
  ["j2c", "image/j2c"],
  ["j2k", "image/j2c"],
  ["jpc", "image/j2c"],
  ["mpo", "image/mpo"],
  ["nef", "image/x-nikon-nef"],
  ["orf", "image/x-olympus-orf"],
  ["pam", "image/x-portable-arbitrarymap"],
  ["pef", "image/x-pentax-pef"],
  ["qoi", "image/qoi"],
  ["raf", "image/x-fuji-raf"],
  ["rw2", "image/x-panasonic-rw2"],
  ["srw", "image/x-samsung-srw"],
  ["xcf", "image/x-xcf"],
  ["y4m", "video/x-yuv4mpeg"],
]);

/** File name of a path or an address, without query and fragment. */
const nameOf = (path: string) => path.split(/[?#]/, 1)[0]?.split("/").pop() ?? "";

/** Media type of a file by its extension. `undefined`: no extension, or none that is known. */
export function typeOfName(path: string): string | undefined {
  const name = nameOf(path);
  if (!name.includes(".")) return undefined;
  const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return USUAL_TYPES.get(extension) ?? (tables().lookup(extension) || MORE_TYPES.get(extension));
}

/** As `typeOfName`, with the charset of text: a value for `Content-Type`. */
export function contentTypeOfName(path: string): string | undefined {
  const type = typeOfName(path);
  // Media have no charset.
  return type === undefined || isMediaType(type) ? type : tables().contentType(type) || type;
}

/** Whether a media type is that of pictures, videos, sound or documents of pages. */
export const isMediaType = (type: string | undefined): type is string =>
  type !== undefined && MEDIA.test(type);

/** Whether a file is media by its extension. */
export const isMediaName = (path: string): boolean => isMediaType(typeOfName(path));
