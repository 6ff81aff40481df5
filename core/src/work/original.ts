import type { Readable } from "node:stream";
import { isSvgSource } from "../decode/svg.ts";
import type { Asset } from "../model/asset.ts";
import { asksForNothing, isRaster } from "../model/canonical.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import { codeOf, MediaError } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import { contentTypeOfName, isMediaType, typeOfName } from "../model/media.ts";
import type { RenderContext } from "../model/render-context.ts";
import { type Body, bodyOf } from "../model/rendition.ts";
import type { ByteRange, OpenOptions, Source, SourceMetadata } from "../model/source.ts";
import type { Transformation } from "../model/transformation.ts";
import type { OriginEntry } from "../origin/entry.ts";
import type { SavedCopies } from "../origin/saved-copies.ts";
import { openSame } from "../origin/source.ts";

/** Originals up to this size are read completely, so that caches can store them; larger ones only pass through. */
export const SMALL_BODY_BYTES = 1024 * 1024;

/** Types that pages embed: other bytes under such a name are a failure of the origin, even if the URL asks for nothing. */
const EMBEDDED = /^image\/(?:p?jpeg|a?png|webp|avif|gif)$/;

/**
 * May a file be delivered as it is, of which no engine makes what the job asks for? A transformation is never answered
 * with the original, unless the file is no media at all. Throws `EUNSUPPORTED` for media that nobody here transforms,
 * `UNIDENTIFIED` for files that are not what their name, their type or the URL claims (400 if the URL asks for a
 * transformation), and whatever reading the header throws.
 */
export async function assertDeliverable(
  job: Job,
  endpoint: Endpoint | undefined,
  source: Source,
  context: RenderContext,
): Promise<void> {
  const { output } = job.transformation;
  if (output.info) throw new MediaError("EUNSUPPORTED", "Not supported here: descriptions of files");
  if (output.sanitizeSvg) await assertNoSvg(source, context.limits.svgBytes);
  if (output.format === "original") return;
  const type = typeOfName(source.metadata.path);
  const kind = await context.inspect("kind", source);
  if (endpoint && asksForNothing(job.transformation, endpoint)) {
    if (!EMBEDDED.test(type ?? "")) return;
    // What nobody here can draw is delivered all the same.
    const header = await context.inspect("header", source).catch((error: unknown) => {
      if (!kind || codeOf(error) !== "EUNSUPPORTED") throw error;
    });
    // A video is no picture, whatever its name is.
    if (header ? header.duration === undefined : kind) return;
    throw new MediaError("UNIDENTIFIED", "The file is not a readable image");
  }
  if (output.video) throw new MediaError("EUNSUPPORTED", "Not supported here: videos");
  if (kind?.scalable && !isRaster(output.format)) return;
  const header = kind ? undefined : await context.inspect("header", source);
  // How a picture is to be written is no matter if none is asked for.
  if ((kind?.document || header) && !asksForPixels(job.transformation)) return;
  const format = (kind ?? header)?.format;
  if (format !== undefined) {
    throw new MediaError("EUNSUPPORTED", `Not supported here: transformations of ${format} files`);
  }
  const named = [type, source.metadata.type].find(isMediaType);
  if (named === undefined && !namesPicture(job.transformation)) return;
  if (!context.hasInspector("header"))
    throw new MediaError("EUNSUPPORTED", "Not supported here: transformations");
  if (named?.startsWith("audio/")) {
    throw new MediaError("EUNSUPPORTED", `Expected an image or a video but received ${named}`);
  }
  throw new MediaError("UNIDENTIFIED", "The file is not a readable image or video", {
    status: 400,
  });
}

/** Throws `EUNSUPPORTED` for an SVG that no plugin has sanitised. */
async function assertNoSvg(source: Source, limit: number): Promise<void> {
  if (!isSvgType(source.metadata) && !(await isSvgSource(source, limit))) return;
  throw new MediaError("EUNSUPPORTED", "Not supported here: sanitised SVGs");
}

const asksForPixels = ({ steps, output }: Transformation): boolean =>
  steps.length > 0 || output.density !== undefined || isRaster(output.format);

/** Whether a picture is asked for whatever the file's name is: by a page or a moment. */
const namesPicture = ({ steps }: Transformation): boolean =>
  steps.some(({ op }) => op === "frame" || op === "clip");

/** What runs in a page; an origin's word alone must not make a file into it. */
const RUNS = /javascript|ecmascript|typescript|jscript|livescript|wasm|text\/css|shockwave/i;

/** Media type of an original: by its name, since an origin's word must not turn a picture into a page. */
export function originalType(metadata: SourceMetadata): string {
  return contentTypeOfName(metadata.path) || safeType(metadata.type) || "application/octet-stream";
}

const isSvgType = (metadata: SourceMetadata): boolean => originalType(metadata).startsWith("image/svg+xml");

/** `svgz` for a compressed SVG, which browsers show only with `Content-Encoding: gzip`, else `original`. */
export async function originalFormat(source: Source): Promise<"svgz" | "original"> {
  if (!isSvgType(source.metadata)) return "original";
  const [first, second] = await source.peek(2);
  return first === 0x1f && second === 0x8b ? "svgz" : "original";
}

function safeType(type: string | undefined): string | undefined {
  if (type === undefined || RUNS.test(type)) return undefined;
  return /^[\w.+-]+\/[\w.+-]+(\s*;\s*charset=[\w-]+)?$/i.test(type) ? type : undefined;
}

/** The source's own bytes as a body: in memory where they are few, else streamed from where they lie. */
export async function originalBody(source: Source): Promise<Body> {
  const { size } = source.metadata;
  if (source.file === undefined && (size ?? 0) <= SMALL_BODY_BYTES) {
    // Without a declared length, the only way to find out whether it is small is to read on.
    const start = await source.peek(SMALL_BODY_BYTES + 1);
    if (start.byteLength <= SMALL_BODY_BYTES) return bodyOf(await source.bytes(SMALL_BODY_BYTES));
  }
  if (source.file !== undefined && size !== undefined) {
    await source.close();
    return { complete: true, length: size, stream: (range) => source.stream(range) };
  }
  // The connection that is open already serves the first reader of the whole.
  let first: Source | undefined = source;
  const takeFirst = () => {
    const taken = first;
    first = undefined;
    return taken;
  };
  const stream = async (range?: ByteRange) => {
    const part = partOf(range, size);
    return (part ? undefined : await readAll(takeFirst())) ?? source.again(part);
  };
  const close = async () => takeFirst()?.close();
  return size === undefined
    ? { complete: false, stream, close }
    : { complete: true, length: size, stream, close };
}

/** A source's bytes from the start; the source is let go with the last of them, whoever else reads of it. */
async function readAll(source: Source | undefined): Promise<Readable | undefined> {
  try {
    const stream = await source?.stream();
    return stream?.once("close", () => void source?.close());
  } catch (error) {
    await source?.close();
    throw error;
  }
}

/** The range, where it is not the whole file: players ask for `bytes=0-`. */
function partOf(range: ByteRange | undefined, size: number | undefined): ByteRange | undefined {
  return range && range.start === 0 && size !== undefined && range.end >= size - 1 ? undefined : range;
}

export interface OriginalParts {
  /** Left out: no cache stores originals. */
  readonly copies?: SavedCopies | undefined;
  readonly origins: ReadonlyMap<string, OriginEntry>;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
}

/** The body of an original of which only the record is cached: from a saved copy, else from its origin. */
export function reopenedOriginal(
  parts: OriginalParts,
  asset: Asset,
  metadata: SourceMetadata,
): Body | undefined {
  const { copies, origins, endpoints } = parts;
  const { size, host, path } = metadata;
  const storage = origins.get(metadata.origin)?.storage;
  if (!storage || size === undefined) return undefined;

  async function stream(range?: ByteRange): Promise<Readable> {
    const part = partOf(range, size);
    let isSaved = true;
    const open = async (options: OpenOptions) => {
      const copy = await copies?.reopen(metadata, options);
      isSaved = copy !== undefined;
      return copy ?? storage?.open(path, { host, ...options });
    };
    const entry = await openSame(open, metadata, new AbortController().signal, part);
    const isLibrary = endpoints.get(endpointId(asset))?.library === metadata.origin;
    if (isSaved || part || isLibrary) return entry.body();
    const tee = entry.file === undefined ? copies?.tee(metadata) : undefined;
    const body = await entry.body();
    return tee?.along(body, size) ?? body;
  }

  return { complete: true, length: size, stream };
}
