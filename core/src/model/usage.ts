/** Sums over the requests of a span of time. */
export interface UsageNumbers {
  readonly requests: number;
  /** Of the bodies sent. */
  readonly bytes: number;
  /** Cache hits. */
  readonly hits: number;
  /** Requests that were neither hits nor errors. */
  readonly misses: number;
  /** Responses with an error. */
  readonly errors: number;
  readonly renders: number;
  /** Of all programs of the server. */
  readonly cpuSeconds: number;
  /** By how much the renditions that were sent whole are smaller than their originals. */
  readonly savedBytes: number;
  /** Money, in the currency of the report. Left out: no prices are configured. */
  readonly cost?: number;
}

/** What was counted under one name. Of lists with many names only the largest are known, and their counts may be too low. */
export interface UsageOfName {
  readonly name: string;
  readonly requests: number;
  readonly bytes: number;
}

/** Lists of a report. */
export type UsageList =
  /** Status codes of responses; `none`: the client had gone. */
  | "statuses"
  /** Codes of errors that were sent. */
  | "errors"
  /** Caches that answered. */
  | "caches"
  /** Media types of renditions and originals. */
  | "types"
  /** Attempts at origins, by the origin's name; of those without a file with a space and the code. */
  | "origins"
  /** URL paths of originals that were delivered, without transformations and queries, by kind. */
  | "images"
  | "videos"
  | "files"
  /** As URLs write them. */
  | "imageTransformations"
  | "videoTransformations"
  /** The same of those that were answered with 404. */
  | "notFound"
  /** Host names of pages. */
  | "referrers"
  /** Browsers and programs, with their major version. */
  | "agents"
  /** `Windows PC`, `iPhone`, … */
  | "devices"
  /** ISO 3166-1 codes. */
  | "countries";

/** A report about past requests. */
export interface Usage {
  readonly total: UsageNumbers;
  /** Each hour or day of the span, in order. `time`: its beginning in milliseconds since 1970. */
  readonly series: readonly (UsageNumbers & { readonly time: number })[];
  /** The endpoints with requests, most requests first. */
  readonly endpoints: readonly (UsageNumbers & { readonly tenant: string; readonly endpoint: string })[];
  /** Of all endpoints together; the heaviest names first. */
  readonly lists: Readonly<Record<UsageList, readonly UsageOfName[]>>;
  /** Currency of `cost`. */
  readonly currency?: string;
}

export interface UsageQuery {
  /** Milliseconds since 1970, the beginning of an hour or day of UTC. */
  readonly from: number;
  /** The same; excluded. */
  readonly to: number;
  readonly by: "hour" | "day";
  /** The only endpoints that are counted. */
  readonly endpoints: readonly { readonly tenant: string; readonly name: string }[];
}

/** Reports about past requests. */
export type ReadUsage = (query: UsageQuery) => Promise<Usage>;
