import {
  type Header,
  isMediaType,
  type Kind,
  MediaError,
  type Probe,
  type RenderContext,
  type Source,
  typeOfName,
} from "@mediatap/core";

/** A file that is described, with what its beginning contains. */
export interface File {
  readonly source: Source;
  /** Left out: it has no pictures that an engine reads. */
  readonly header?: Header;
  /** Left out: nothing in it moves or sounds. */
  readonly probe?: Probe;
  /** Left out: it is no media. */
  readonly format?: string;
}

/**
 * Reads the header of a file. Throws what its engine throws for a broken one, and `UNIDENTIFIED` for one that is no media, although its
 * name or its origin claims so.
 */
export async function openFile(source: Source, context: RenderContext): Promise<File> {
  const kind = await context.inspect("kind", source);
  const probe = kind?.document ? await context.inspect("probe", source) : undefined;
  // Sound alone has no header.
  const header = probe && !probe.video ? undefined : await headerOf(source, kind, context);
  const format = (header ?? probe ?? kind)?.format;
  if (format === undefined && [typeOfName(source.metadata.path), source.metadata.type].some(isMediaType)) {
    throw new MediaError("UNIDENTIFIED", "The file is not a readable image or video");
  }
  return { source, ...(header && { header }), ...(probe && { probe }), ...(format && { format }) };
}

/** Of a kind that no engine reads, the kind is all that is known. */
async function headerOf(source: Source, kind: Kind | undefined, context: RenderContext) {
  try {
    return await context.inspect("header", source);
  } catch (error) {
    if (kind && (error as Partial<MediaError>).code === "EUNSUPPORTED") return undefined;
    throw error;
  }
}
