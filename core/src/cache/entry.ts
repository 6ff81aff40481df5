import { hash } from "node:crypto";
import type { Asset } from "../model/asset.ts";
import type { Endpoint } from "../model/endpoint.ts";
import { type MediaError, pauseOf } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import type { Body, RenditionRecord } from "../model/rendition.ts";
import type { SourceMetadata } from "../model/source.ts";

/** Half of a strong entity tag that the request decides: which rendition, by which engines. */
export function jobTag(key: string, engines: string): string {
  return hash("sha256", `${key}\n${engines}`, "base64url").slice(0, 16);
}

/** The other half, which the source decides; `undefined` where the origin gives no validator to rely on. */
export function sourceTag(metadata: SourceMetadata): string | undefined {
  const { etag, lastModified, size } = metadata;
  if (etag === undefined && lastModified === undefined) return undefined;
  return hash(
    "sha256",
    JSON.stringify([etag ?? null, lastModified ?? null, size ?? null]),
    "base64url",
  ).slice(0, 16);
}

/**
 * Strong entity tag of a rendition: made of key, engines and source validators, never of its bytes, so that a
 * condition is decided without a body, after a restart and after eviction (RFC 9110 §8.8.3).
 */
export function etagOf(
  key: string,
  engines: string,
  sources: readonly SourceMetadata[],
  { body, original }: { body?: Body; original: boolean },
): string | undefined {
  const source = sourcesTag(sources) ?? bytesTag(body);
  if (source === undefined) return undefined;
  return `"${jobTag(key, engines)}.${original ? ORIGINAL_TAG : ""}${source}"`;
}

/** Begins the second half where the bytes are the source's own: the tag alone tells what headers its answer had. */
export const ORIGINAL_TAG = "~";

/** Begins the second half where layers were opened, too: one source alone cannot revalidate it. */
export const COMPOSED_TAG = "+";

function sourcesTag(sources: readonly SourceMetadata[]): string | undefined {
  const [main] = sources;
  if (sources.length <= 1) return main && sourceTag(main);
  const tags = sources.map((metadata) => [metadata.origin, metadata.path, sourceTag(metadata)] as const);
  if (tags.some(([, , tag]) => tag === undefined)) return undefined;
  // They were opened at once, in no certain order.
  const sorted = tags.map((tag) => JSON.stringify(tag)).sort();
  return COMPOSED_TAG + hash("sha256", sorted.join("\n"), "base64url").slice(0, 16);
}

/** When the youngest source changed; `undefined` if one has no date. */
export function lastModifiedOf(sources: readonly SourceMetadata[]): number | undefined {
  const times = sources.map(({ lastModified }) => lastModified);
  return times.includes(undefined) ? undefined : Math.max(...(times as number[]));
}

function bytesTag(body: Body | undefined): string | undefined {
  const bytes = body?.complete ? body.bytes : undefined;
  return bytes && hash("sha1", bytes, "base64url").slice(0, 16);
}

/** The tags of a rendition: its endpoint's, and those that origins gave its sources. */
export function tagsOf(
  endpoint: Endpoint | undefined,
  sources: readonly SourceMetadata[],
): Pick<RenditionRecord, "tags"> {
  const tags = [...(endpoint?.tags ?? []), ...sources.flatMap((metadata) => metadata.tags ?? [])];
  return tags.length > 0 ? { tags: [...new Set(tags)] } : {};
}

/** How long a failure is stored, by its kind; 0: not at all. */
export function errorLifetime(error: MediaError, limits: Limits): number {
  switch (error.code) {
    case "ENOENT":
    case "ELIMIT":
      return limits.notFoundLifetime;
    case "EACCES":
      return limits.refusedLifetime;
    case "UNIDENTIFIED":
      if (!error.outage) return limits.refusedLifetime;
      return pauseOf(error) ?? limits.failureLifetime;
    case "ECONNREFUSED":
      return limits.failureLifetime;
    default:
      return 0;
  }
}

/** The record of a failure in the negative cache. */
export function errorRecord(
  key: string,
  asset: Asset,
  engines: string,
  error: MediaError,
  lifetime: number,
): RenditionRecord {
  const now = Date.now();
  return {
    key,
    asset,
    engines,
    type: "text/plain",
    format: "error",
    sources: [],
    stored: now,
    freshUntil: now + lifetime,
    private: false,
    original: false,
    error: {
      code: error.code,
      message: error.message,
      status: error.status,
      ...(error.outage ? { outage: true } : {}),
    },
  };
}
