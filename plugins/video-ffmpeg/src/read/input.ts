import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import {
  isMediaError,
  MediaError,
  type RenderContext,
  type Source,
  type SourceMetadata,
} from "@mediatap/core";
import { BLOCK_BYTES, type BlockFile } from "./blocks.ts";
import { loopback } from "./loopback.ts";

/** A source as ffmpeg reads it. */
export interface Input extends Disposable {
  /** Options of the input, from the demuxer to `-i` and its value; a seek goes before them. */
  readonly args: readonly string[];
}

/** Keys of files whose origin sends them completely, whatever range is requested. */
const withoutRanges = new Set<string>();
const MAX_WITHOUT_RANGES = 10_000;

/**
 * Opens a source for ffmpeg: a local file, or a loopback URL, which fetches ranges of the file as they are
 * read. A file of an origin without ranges is downloaded first, within `limits.videoBytes` and `limits.tempBytes`. `demuxer`:
 * as of `demuxerOf`; no other is tried, and nothing but that file or URL can be opened.
 */
export async function openInput(source: Source, demuxer: string, context: RenderContext): Promise<Input> {
  const access = await accessTo(source, context);
  if ("path" in access) return { ...access, args: fileArgs(access.path, demuxer) };
  const address = await loopback().open(access);
  return { ...address, args: inputArgs("http,tcp", demuxer, "-seekable", "1", "-i", address.url) };
}

/** Arguments that open a local file. */
export const fileArgs = (path: string, demuxer: string): readonly string[] =>
  inputArgs("file", demuxer, "-i", `file:${path}`);

/** What a file refers to is never opened, whatever ffmpeg's own defaults come to be. */
const inputArgs = (protocols: string, demuxer: string, ...input: readonly string[]): readonly string[] => [
  ...["-protocol_whitelist", protocols, "-format_whitelist", demuxer],
  ...(demuxer === "mov" || demuxer === "mp4" ? ["-enable_drefs", "0", "-use_absolute_path", "0"] : []),
  ...["-f", demuxer, ...input],
];

/**
 * Runs `work` with a source whose ranges are cheap to read: it has a local file, or its `again` reads the blocks that are kept
 * for all readers.
 */
export async function withRanges<T>(
  source: Source,
  context: RenderContext,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  if (source.file !== undefined) return work(source);
  const access = await accessTo(source, context);
  if (!("path" in access)) return work(blockSource(source, access));
  using file = access;
  const { path } = file;
  const { size } = await stat(path);
  const again: Source["again"] = async (range) => createReadStream(path, range);
  return await work({ ...source, file: path, metadata: { ...source.metadata, size }, again });
}

const blockSource = (source: Source, file: BlockFile): Source => ({
  ...source,
  metadata: { ...source.metadata, size: file.size },
  async again(range = { start: 0, end: file.size - 1 }, signal = new AbortController().signal) {
    const { start, end } = range;
    if (!(start >= 0 && start <= end && end < file.size)) {
      throw new MediaError("UNIDENTIFIED", "The video is truncated", { status: 400 });
    }
    return Readable.from(loopback().blocks.read(file, range, signal, true));
  },
});

/** A local file, or the ranges of one at an origin; a file of an origin without ranges is downloaded. */
async function accessTo(
  source: Source,
  context: RenderContext,
): Promise<({ readonly path: string } & Disposable) | BlockFile> {
  if (source.file !== undefined) return { path: source.file, [Symbol.dispose]: () => {} };
  const { size } = source.metadata;
  const key = keyOf(source.metadata);
  if (key !== undefined && size !== undefined && !withoutRanges.has(key)) {
    const file: BlockFile = {
      key,
      size,
      open: (range, signal) => source.again(range, signal),
      tempBytes: context.limits.tempBytes,
    };
    if (await supportsRanges(file, source, context)) return file;
    if (withoutRanges.size >= MAX_WITHOUT_RANGES) withoutRanges.clear();
    withoutRanges.add(key);
  }
  return loopback().downloads.open(source, key, context);
}

/** A name for a file and its version. `undefined`: the origin does not distinguish versions. */
function keyOf({ origin, path, host, etag, lastModified, size }: SourceMetadata): string | undefined {
  if (etag === undefined && lastModified === undefined) return undefined;
  const text = JSON.stringify([origin, path, host, etag, lastModified, size]);
  return createHash("sha256").update(text).digest("base64url");
}

/** Whether an origin sends the range that is requested; found out with the first block, which is needed anyway. */
async function supportsRanges(file: BlockFile, source: Source, { signal }: RenderContext): Promise<boolean> {
  if (file.size <= BLOCK_BYTES) return true;
  try {
    for await (const _ of loopback().blocks.read(file, { start: 0, end: 0 }, signal)) break;
    return source.ranged?.() !== false;
  } catch (error) {
    if (signal.aborted || isMediaError(error)) throw error;
    throw new Error("The first block cannot be read", { cause: error });
  }
}
