import type { Conditions, Hooks } from "../hooks.ts";
import type { Asset } from "../model/asset.ts";
import type { RenderContext } from "../model/render-context.ts";
import type { RenditionRecord } from "../model/rendition.ts";
import {
  type FileMetadata,
  NOT_MODIFIED,
  type Source,
  type SourceMetadata,
  updatedMetadata,
} from "../model/source.ts";

/** What origins reported of sources that have not changed. */
export type ReportedMetadata = ReadonlyMap<SourceMetadata, FileMetadata>;

/**
 * Asks the origins whether the sources of a stale rendition have changed. Resolves with what they reported if none has, with the
 * opened source if the asset's own has, and with `undefined` if that is unknown: it has no validators, or another source changed.
 */
export async function revalidateSources(
  { fetch }: Pick<Hooks, "fetch">,
  asset: Asset,
  sources: readonly SourceMetadata[],
  context: RenderContext,
): Promise<ReportedMetadata | Source | undefined> {
  const [main, ...others] = sources;
  if (main?.etag === undefined && main?.lastModified === undefined) return undefined;
  const reportedMetadata = new Map<SourceMetadata, FileMetadata>();
  const found = await fetch.promise(asset, conditionsOf(main, reportedMetadata), context);
  if (typeof found === "object") return found;
  if (found !== NOT_MODIFIED) return undefined;
  const unmodified = await Promise.all(others.map(isUnmodified));
  return unmodified.every(Boolean) ? reportedMetadata : undefined;

  async function isUnmodified(metadata: SourceMetadata): Promise<boolean> {
    const { tenant, endpoint } = asset;
    const { path } = metadata;
    const kind = /^https?:\/\//.test(path) ? "url" : "path";
    const conditions = { ...conditionsOf(metadata, reportedMetadata), head: true };
    const found = await fetch.promise({ tenant, endpoint, kind, path }, conditions, context);
    if (typeof found === "object") await found.close();
    return found === NOT_MODIFIED;
  }
}

/** Asks whether a source is still what it was, and notes what its origin reports of it then. */
function conditionsOf(
  metadata: SourceMetadata,
  reportedMetadata: Map<SourceMetadata, FileMetadata>,
): Conditions {
  const { origin, etag, lastModified, cacheControl, cdnCacheControl } = metadata;
  return {
    origin,
    held: {
      ...(metadata.private && { private: true }),
      ...(cacheControl !== undefined && { cacheControl }),
      ...(cdnCacheControl !== undefined && { cdnCacheControl }),
    },
    onNotModified: (now) => reportedMetadata.set(metadata, now),
    ifNoneMatch: etag,
    ifModifiedSince: lastModified,
  };
}

/** The sources of a revalidated rendition, with the metadata that their origins have reported now. */
export function revalidatedSources(
  { sources }: RenditionRecord,
  reportedMetadata: ReportedMetadata,
  now: number,
): SourceMetadata[] {
  return sources.map((metadata) => revalidatedSource(metadata, reportedMetadata.get(metadata), now));
}

/** A source that was a stale copy is none any more. */
function revalidatedSource(
  metadata: SourceMetadata,
  reported: FileMetadata | undefined,
  now: number,
): SourceMetadata {
  const updated = updatedMetadata(metadata, reported, now);
  if (!updated.copy?.stale) return updated;
  const { copy: _, freshFor: __, ...rest } = updated;
  return rest;
}
