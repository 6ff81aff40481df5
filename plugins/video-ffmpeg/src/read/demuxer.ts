/** Bytes that `demuxerOf` reads. */
export const SNIFF_LENGTH = 512;

/** The header object of Windows Media files. */
const ASF = Buffer.from("3026b2758e66cf11a6d900aa0062ce6c", "hex").toString("latin1");

/** HEIC and AVIF are of the same family as MP4, and images. */
const IMAGE_BRAND = /^(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1|avif|avis|crx )$/;

/** Name of the demuxer for a file, by its first bytes; nothing else ever reads it. `undefined`: no video, or none that is read here. */
export function demuxerOf(head: Uint8Array): string | undefined {
  const text = Buffer.from(head).toString("latin1");
  const box = text.slice(4, 8);
  if (box === "ftyp") return IMAGE_BRAND.test(text.slice(8, 12)) ? undefined : "mov";
  if (["moov", "mdat", "wide", "free", "skip", "pnot"].includes(box)) return "mov";
  if (text.startsWith("\x1a\x45\xdf\xa3")) return "matroska";
  if (text.startsWith("OggS")) return "ogg";
  if (/^RIFF.{4}AVI /s.test(text)) return "avi";
  if (text.startsWith("\0\0\x01\xba")) return "mpeg";
  // Packets of 188 bytes, or of 192 with a time before each.
  if ([0, 4].some((at) => [at, at + 188 + at, at + 2 * (188 + at)].every((sync) => text[sync] === "G"))) {
    return "mpegts";
  }
  if (text.startsWith("\0\0\x01\xb3")) return "mpegvideo";
  if (text.startsWith("FLV\x01")) return "flv";
  if (text.startsWith(ASF)) return "asf";
  return /^GIF8[79]a/.test(text) ? "gif" : undefined;
}

/** As `demuxerOf`, but without animations, which a video engine reads only on request. */
export function videoDemuxerOf(head: Uint8Array): string | undefined {
  const demuxer = demuxerOf(head);
  return demuxer === "gif" ? undefined : demuxer;
}

/** Name of a file's format for people, by its demuxer's: MP4 and its family go by that name. Both name the demuxer, too. */
export const formatOf = (demuxer: string): string => (demuxer === "mov" ? "mp4" : demuxer);

/** Whether a container, by the name of its demuxer or of its format, has an index of its key frames: in others a seek may end after the key frame that is needed. */
export const hasIndex = (name: string): boolean => ["mov", "mp4", "matroska", "avi"].includes(name);
