import { contentType, lookup } from "mime-types";

/** Types that stand for pictures, videos or sound. Documents of pages count: engines make pictures of them. */
const MEDIA =
  /^(?:(?:image|video|audio)\/|application\/(?:pdf|postscript|mxf|ogg|dicom|vnd\.rn-realmedia(?:-vbr)?)\b)/i;

/** Extensions of pictures and videos that IANA's and Apache's tables lack; raw pictures of cameras as shared-mime-info names them. */
const MORE_TYPES: Readonly<Record<string, string>> = {
  arw: "image/x-sony-arw",
  avifs: "image/avif",
  cr2: "image/x-canon-cr2",
  cr3: "image/x-canon-cr3",
  cur: "image/x-win-cur",
  divx: "video/x-msvideo",
  hdr: "image/vnd.radiance",
  hevc: "video/h265",
  hif: "image/heic",
  j2c: "image/j2c",
  j2k: "image/j2c",
  jpc: "image/j2c",
  mpo: "image/mpo",
  nef: "image/x-nikon-nef",
  orf: "image/x-olympus-orf",
  pam: "image/x-portable-arbitrarymap",
  pef: "image/x-pentax-pef",
  pfm: "image/x-portable-floatmap",
  qoi: "image/qoi",
  raf: "image/x-fuji-raf",
  rw2: "image/x-panasonic-rw2",
  srw: "image/x-samsung-srw",
  xcf: "image/x-xcf",
  y4m: "video/x-yuv4mpeg",
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
