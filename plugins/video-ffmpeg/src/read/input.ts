import { createHash } from "node:crypto";
import { isMediaError, type RenderContext, type Source, type SourceFacts } from "@mediatap/core";
import { BLOCK, type BlockFile } from "./blocks.ts";
import { loopback } from "./loopback.ts";

/** A source as ffmpeg reads it. */
export interface Input {
  /** What stands before options of the output, from the demuxer to `-i` and its value; a seek goes before it. */
  readonly args: readonly string[];
  close(): Promise<void>;
}

/** Files of which it is known that their origin sends them whole, whatever part is asked for. */
const whole = new Set<string>();
const MOST_WHOLE = 10_000;

/**
 * Opens a source for ffmpeg: a local file, or our own loopback address, behind which parts of the file are fetched as they are
 * read. A file of an origin that gives no parts is copied first, within `limits.videoBytes` and `limits.tempBytes`. `demuxer`:
 * as of `demuxerOf`; no other is tried, and nothing but that file or address can be opened.
 */
export async function openInput(source: Source, demuxer: string, context: RenderContext): Promise<Input> {
  const place = await placeOf(source, context);
  if (place.file === undefined) {
    const { url, close } = await loopback().open(place.blocks);
    const args = ["-protocol_whitelist", "http,tcp", ...ofDemuxer(demuxer), "-seekable", "1", "-i", url];
    return { args, close: async () => close() };
  }
  return { args: ofFile(place.file, demuxer), close: async () => place.release() };
}

/** Where the bytes of a source lie for who looks here and there: in a local file, or at an origin that gives parts. */
export type Place =
  | { readonly file: string; release(): void }
  | { readonly file?: undefined; readonly blocks: BlockFile };

/** Finds it; a file of an origin that gives no parts is copied first. */
export async function placeOf(source: Source, context: RenderContext): Promise<Place> {
  if (source.file !== undefined) return { file: source.file, release: () => {} };
  const key = keyOf(source.facts);
  const { size } = source.facts;
  if (key !== undefined && size !== undefined && !whole.has(key)) {
    const blocks: BlockFile = {
      key,
      size,
      open: (range, signal) => source.again(range, signal),
      room: context.limits.tempBytes,
    };
    if (await givesParts(blocks, source, context)) return { blocks };
    if (whole.size >= MOST_WHOLE) whole.clear();
    whole.add(key);
  }
  const { path, release } = await loopback().wholes.open(source, key, context);
  return { file: path, release };
}

const ofFile = (path: string, demuxer: string): readonly string[] => [
  ...["-protocol_whitelist", "file"],
  ...ofDemuxer(demuxer),
  ...["-i", `file:${path}`],
];

/** What a file names elsewhere is never opened, whatever ffmpeg's own defaults come to be. */
const ofDemuxer = (demuxer: string): readonly string[] => [
  ...["-format_whitelist", demuxer],
  ...(demuxer === "mov" || demuxer === "mp4" ? ["-enable_drefs", "0", "-use_absolute_path", "0"] : []),
  ...["-f", demuxer],
];

/** A name for a file and this version of it. `undefined`: its origin does not tell versions apart. */
function keyOf({ origin, path, host, etag, lastModified, size }: SourceFacts): string | undefined {
  if (etag === undefined && lastModified === undefined) return undefined;
  const text = JSON.stringify([origin, path, host, etag, lastModified, size]);
  return createHash("sha256").update(text).digest("base64url");
}

/** Whether an origin cuts out the part that is asked for; found out with the first, which is wanted anyway. */
async function givesParts(file: BlockFile, source: Source, { signal }: RenderContext): Promise<boolean> {
  if (file.size <= BLOCK) return true;
  const reader = loopback().blocks.reader(file);
  signal.addEventListener("abort", reader.leave, { once: true });
  try {
    await reader.read(0);
    return source.ranged?.() !== false;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw isMediaError(error) ? error : new Error("The first part cannot be read", { cause: error });
  } finally {
    signal.removeEventListener("abort", reader.leave);
    reader.leave();
  }
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
  if (head[0] === 0 && head[1] === 0 && head[2] === 1 && head[3] === 0xb3) return "mpegvideo";
  if (ascii(head, 0, 4) === "FLV\x01") return "flv";
  if (Buffer.from(head.subarray(0, 16)).toString("hex") === ASF) return "asf";
  if (/^GIF8[79]a/.test(ascii(head, 0, 6))) return "gif";
  return undefined;
}

/** Name of a file's format for people, by its demuxer's: MP4 and its family go by that name. Both name the demuxer, too. */
export const formatOf = (demuxer: string): string => (demuxer === "mov" ? "mp4" : demuxer);

/** Containers with an index of their key frames; in others a seek may end after the key frame that is needed. */
const INDEXED: ReadonlySet<string> = new Set(
  ["mov", "matroska", "avi"].flatMap((one) => [one, formatOf(one)]),
);

/** Whether a container, by the name of its demuxer or of its format, has an index of its key frames. */
export const hasIndex = (name: string): boolean => INDEXED.has(name);

/** The header object of Windows Media files. */
const ASF = "3026b2758e66cf11a6d900aa0062ce6c";

/** As `demuxerOf`, but for what is a picture that moves, and none for a video engine unless it is asked. */
export function videoDemuxerOf(head: Uint8Array): string | undefined {
  const demuxer = demuxerOf(head);
  return demuxer === "gif" ? undefined : demuxer;
}

/** HEIC and AVIF are of the same family, and pictures. */
const isPicture = (brand: string) =>
  /^(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1|avif|avis|crx )$/.test(brand);
