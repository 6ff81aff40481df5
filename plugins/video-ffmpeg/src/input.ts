import { type Flight, MediaError, type Source } from "@mediatap/core";

/** A source as ffmpeg reads it. */
export interface Input {
  /** What stands before options of the output, from the demuxer to `-i` and its value; a seek goes before it. */
  readonly args: readonly string[];
  close(): Promise<void>;
}

/** Opens a source for ffmpeg: a local file, or our own loopback address. `demuxer`: as of `demuxerOf`. */
export async function openInput(source: Source, demuxer: string, _flight: Flight): Promise<Input> {
  if (source.file === undefined) throw new MediaError("EUNSUPPORTED", "Not supported here: remote videos");
  return {
    args: ["-protocol_whitelist", "file", "-f", demuxer, "-i", `file:${source.file}`],
    close: async () => {},
  };
}

const ascii = (bytes: Uint8Array, start: number, end: number) =>
  Buffer.from(bytes.subarray(start, end)).toString("latin1");

/** Bytes that `demuxerOf` looks at. */
export const SNIFF_LENGTH = 512;

/** Name of the demuxer for a file, by its first bytes; nothing else ever reads it. `undefined`: no video, or none that is read here. */
export function demuxerOf(head: Uint8Array): string | undefined {
  const box = ascii(head, 4, 8);
  if (box === "ftyp") return isPicture(ascii(head, 8, 12)) ? undefined : "mov";
  if (["moov", "mdat", "wide", "free", "skip", "pnot"].includes(box)) return "mov";
  if (head[0] === 0x1a && head[1] === 0x45 && head[2] === 0xdf && head[3] === 0xa3) return "matroska";
  if (ascii(head, 0, 4) === "OggS") return "ogg";
  if (ascii(head, 0, 4) === "RIFF" && ascii(head, 8, 12) === "AVI ") return "avi";
  if (head[0] === 0 && head[1] === 0 && head[2] === 1 && head[3] === 0xba) return "mpeg";
  if (head[0] === 0x47 && head[188] === 0x47 && head[376] === 0x47) return "mpegts";
  if (head[4] === 0x47 && head[196] === 0x47 && head[388] === 0x47) return "mpegts";
  if (/^GIF8[79]a/.test(ascii(head, 0, 6))) return "gif";
  return undefined;
}

/** As `demuxerOf`, but for what is a picture that moves, and none for a video engine unless it is asked. */
export function videoDemuxerOf(head: Uint8Array): string | undefined {
  const demuxer = demuxerOf(head);
  return demuxer === "gif" ? undefined : demuxer;
}

/** HEIC and AVIF are of the same family, and pictures. */
const isPicture = (brand: string) =>
  /^(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1|avif|avis|crx )$/.test(brand);
