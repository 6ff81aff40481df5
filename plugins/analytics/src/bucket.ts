import { Sketch, type SketchData } from "./sketch.ts";

/** The lists of an endpoint, and how many names each keeps. */
export const LISTS = {
  /** Status codes of responses; `none`: the client had gone. */
  statuses: 32,
  /** Codes of errors that were sent. */
  errors: 32,
  /** Caches that had the rendition. */
  caches: 16,
  /** Media types. */
  types: 32,
  /** Attempts at origins: the name of the origin, and of those without a file after a space the code. */
  origins: 64,
  /** Paths of originals that were delivered, below the endpoint's own, by the kind of asset. */
  images: 128,
  videos: 64,
  files: 32,
  imageTransformations: 100,
  videoTransformations: 50,
  /** Paths that were answered with 404. */
  notFound: 100,
  /** Host names of pages. */
  referrers: 100,
  /** Browsers and programs, with their major version. */
  agents: 64,
  devices: 16,
  countries: 64,
} as const;

export type ListName = keyof typeof LISTS;
export const LIST_NAMES = Object.keys(LISTS) as readonly ListName[];

/** Fewest names of a list, however many endpoints there are. */
const MIN_CAPACITY = 8;

/** Numbers of a bucket that are added up. */
export const SUMS = ["requests", "bytes", "hits", "errors", "renders", "cpuMs", "savedBytes"] as const;
export type Sums = { [K in (typeof SUMS)[number]]: number };

/** A bucket as JSON. */
export interface BucketData {
  readonly tenant: string;
  readonly endpoint: string;
  /** Path of the endpoint, without a leading slash and with a trailing one; `""`: it has none. */
  readonly mount: string;
  readonly sums: Sums;
  /** Those that are not empty. */
  readonly lists: { readonly [K in ListName]?: SketchData };
}

/** Lists of paths. */
export const PATHS: ReadonlySet<ListName> = new Set(["images", "videos", "files", "notFound"]);

/** What was counted for one endpoint in one span of time. */
export interface Bucket extends Sums {
  readonly lists: { readonly [K in ListName]: Sketch };
}

/** `detail`: fraction of the usual capacity of the lists. */
export function createBucket(detail = 1): Bucket {
  const lists = LIST_NAMES.map((name) => {
    const capacity = Math.max(Math.min(MIN_CAPACITY, LISTS[name]), Math.ceil(LISTS[name] * detail));
    return [name, new Sketch(capacity)] as const;
  });
  return { ...noSums(), lists: Object.fromEntries(lists) as unknown as Bucket["lists"] };
}

export function noSums(): Sums {
  return { requests: 0, bytes: 0, hits: 0, errors: 0, renders: 0, cpuMs: 0, savedBytes: 0 };
}

export function addSums(to: Sums, more: Sums): void {
  for (const name of SUMS) to[name] += more[name];
}

/** Adds what a bucket as JSON contains. */
export function mergeBucket(to: Bucket, { sums, lists }: BucketData): void {
  addSums(to, sums);
  for (const name of LIST_NAMES) {
    const list = lists[name];
    if (list) to.lists[name].merge(list);
  }
}

export function dataOf({ lists, ...sums }: Bucket, of: Omit<BucketData, "sums" | "lists">): BucketData {
  const { tenant, endpoint, mount } = of;
  const filled = LIST_NAMES.filter((name) => lists[name].size > 0);
  return {
    tenant,
    endpoint,
    mount,
    sums,
    lists: Object.fromEntries(filled.map((name) => [name, lists[name].data()])),
  };
}
