import type { AcceptClass } from "./job.ts";
import type { TagHeader } from "./tags.ts";
import type { ImageFormat } from "./transformation.ts";

export type Restriction = "none" | "images" | "videos" | "all";

/** Fields of endpoints that plugins add; open to declaration merging. */
// biome-ignore lint/suspicious/noEmptyInterface: plugins fill it.
export interface EndpointFields {}

/** One URL space, resolved: every rule has its value. Field meanings: the configuration's (`config/schema.ts`). */
export interface Endpoint {
  readonly tenant: string;
  readonly name: string;
  /** First path segment that selects it; `""` for the default endpoint and for those chosen by host only. */
  readonly prefix: string;
  readonly hosts: readonly string[];
  /**
   * Where its files are served: a host name of its own or its tenant's, if there is one, and what their paths begin with: nothing, or
   * segments that each end in a slash.
   */
  readonly address: { readonly host?: string; readonly path: string };
  /** Names of origins, in order of preference. */
  readonly origins: readonly string[];
  /** Origin that is always tried first. */
  readonly library?: string;
  /** Names of language plugins, in order; empty: all that are installed. */
  readonly languages: readonly string[];
  readonly autoFormat: boolean | "smallest";
  readonly autoAvif: boolean;
  readonly quality: number | "auto";
  readonly fidelity: "standard" | "high";
  /** SVGs that stay SVGs are sanitised. */
  readonly sanitizeSvg: boolean;
  readonly autoVideo: boolean;
  readonly videoQuality: number;
  readonly metadata: boolean;
  readonly colorProfile: boolean;
  readonly restrictUnsigned: Restriction;
  readonly restrictUnnamed: boolean;
  readonly blockedIps: readonly string[];
  readonly referrer?: { readonly mode: "allow" | "block"; readonly domains: readonly string[] };
  readonly blockedUserAgents: readonly string[];
  readonly userAgentAccept: readonly { readonly match: string; readonly accept: AcceptClass }[];
  /** Widths in pixels, ascending, to which requested ones are rounded up. */
  readonly widths?: readonly number[];
  readonly otherWidths: "snap" | "refuse";
  /** Whether images and videos may be scaled up. */
  readonly enlarge: boolean;
  /** Pixels of the longest side of a rendition. */
  readonly maxSide?: number;
  /** Renders per client and minute. */
  readonly missRate?: number;
  /** Output formats that may be asked for, and that negotiation chooses from; empty: all. */
  readonly allowedFormats: readonly ImageFormat[];
  readonly cacheControl: string;
  readonly originCacheControl: "ignore" | "restrict" | "follow";
  readonly cdnCacheControl?: string;
  /** Milliseconds. */
  readonly staleWhileRevalidate: number;
  /** Milliseconds. */
  readonly staleIfError: number;
  readonly tags: readonly string[];
  readonly tagHeader?: TagHeader;
  /** `Cache-Status` names the key. */
  readonly cacheStatusKey: boolean;
  /** `Access-Control-Allow-Origin`; `false`: none. */
  readonly cors: string | false;
  /** Keys that sign URLs; the first signs, all verify. */
  readonly privateKeys: readonly string[];
  readonly namedTransformations: Readonly<Record<string, NamedTransformation>>;
  readonly ignoreQuery: readonly string[];
  /** What plugins have added. */
  readonly fields: Readonly<Partial<EndpointFields>>;
  /** Hash over the ordered origins and their addresses: part of every key. */
  readonly fingerprint: string;
}

export interface NamedTransformation {
  readonly transformation: string;
  readonly enabled: boolean;
}

/** Where an endpoint stands in a map of all: names are unique within a tenant only. */
export function endpointId({ tenant, endpoint }: { tenant: string; endpoint: string }): string {
  return tenant === "" ? endpoint : `${tenant}/${endpoint}`;
}
