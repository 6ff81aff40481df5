import { type Endpoint, type Exchange, maskUrl, type Report } from "@mediatap/core";
import { createAgents } from "./agent.ts";
import { type Bucket, type BucketData, createBucket, dataOf } from "./bucket.ts";
import { type Account, REQUEST_COST } from "./cpu.ts";
import { PERIOD_MS, startOf } from "./period.ts";

/** Endpoints whose lists have their usual capacity; with more endpoints each has less, so that memory stays bounded. */
const MAX_FULL_LIST_ENDPOINTS = 24;

/** Requests that are counted at a time: a batch takes half the CPU of single ones, whose code and data are not in the CPU's caches. */
const BATCH_REQUESTS = 128;

/** Hours of an endpoint that are kept although they could not be written. */
const MAX_HOURS = 3;

type RenderReport = Extract<Report, { kind: "render" }>;
type AttemptReport = Extract<Report, { kind: "attempt" }>;

/** One endpoint in this process. */
interface Row extends Account {
  readonly tenant: string;
  readonly endpoint: string;
  /** As of `BucketData`, of the last request. */
  mount: string;
  /** The open hour. */
  bucket: Bucket;
  /** When it began, in milliseconds since 1970. */
  hour: number;
  /** Changes of the process's life, and how many of them are written or belong to hours that have ended. */
  changes: number;
  saved: number;
  /** Its memory was released; requests that end later are counted in another row. */
  isGone: boolean;
}

/** What is counted of a request. Not the exchange: it would keep the connection in memory. */
interface Finished extends Pick<Exchange, "endpoint" | "target" | "request"> {
  readonly job: Exchange["job"];
  readonly record: Exchange["record"];
  readonly cache: Exchange["cache"];
  readonly error: Exchange["error"];
  readonly status: number | undefined;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** An hour of an endpoint, to be written. */
export interface HourData {
  readonly start: number;
  readonly data: BucketData;
}

export interface Counter {
  count(report: Report): void;
  /** The endpoints have changed. Memory of others is released when their hour has ended. */
  adapt(endpoints: readonly Pick<Endpoint, "tenant" | "name">[]): void;
  /** Those of all endpoints. */
  accounts(): Iterable<Account>;
  /** Hours that have changed since they were written: `written` is called for each that has been. */
  changed(): { readonly hour: HourData; readonly written: () => void }[];
}

export interface CounterOptions {
  /** Header of a CDN that names the client's country. Left out: countries are not counted. */
  readonly countryHeader?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Counts finished work by endpoint and hour. Its memory is bounded, whatever clients request. */
export function createCounter({ countryHeader, now = () => Date.now() }: CounterOptions = {}): Counter {
  const rows = new Map<string, Row>();
  /** Endpoints of one runtime are gone with it; their rows stay. */
  const byEndpoint = new WeakMap<Endpoint, Row>();
  /** Hours that have ended and are not written yet. */
  const ended = new Set<HourData>();
  const agents = createAgents();
  let batch: Finished[] = [];
  let detail = 1;
  let current: ReadonlySet<string> = new Set();

  function rowOf(tenant: string, endpoint: string, time = now()): Row {
    const key = keyOf({ tenant, name: endpoint });
    const known = rows.get(key);
    if (known) return known;
    const row: Row = {
      tenant,
      endpoint,
      mount: "",
      bucket: createBucket(detail),
      hour: startOf("hour", time),
      changes: 0,
      saved: 0,
      isGone: false,
      work: 0,
      addCpu(milliseconds) {
        bucketOf(row).cpuMs += milliseconds;
      },
    };
    rows.set(key, row);
    return row;
  }

  function rowOfEndpoint(endpoint: Endpoint, time: number): Row {
    const row = rowOf(endpoint.tenant, endpoint.name, time);
    byEndpoint.set(endpoint, row);
    return row;
  }

  /** The bucket of the hour of a moment. */
  function bucketOf(row: Row, time = now()): Bucket {
    // The clock may have been set back: an hour that has begun goes on.
    const isOver = () => time >= row.hour + PERIOD_MS.hour;
    if (isOver()) countBatch();
    if (isOver()) endHour(row, startOf("hour", time));
    row.changes++;
    return row.bucket;
  }

  function endHour(row: Row, next: number): void {
    if (row.changes > row.saved) {
      ended.add(hourOf(row));
      const [oldest] = ended;
      if (oldest && ended.size > MAX_HOURS * rows.size) ended.delete(oldest);
    }
    row.saved = row.changes;
    row.bucket = createBucket(detail);
    row.hour = next;
  }

  const hourOf = (row: Row): HourData => ({ start: row.hour, data: dataOf(row.bucket, row) });

  function exchanged(exchange: Exchange, bytes: number): void {
    const { endpoint, target, request, job, record, cache, error, reply } = exchange;
    // The request did not lead to an endpoint.
    if (endpoint.name === "") return;
    const status = reply?.status;
    batch.push({ endpoint, target, request, job, record, cache, error, status, bytes, time: now() });
    // What was rendered has objects of its own, which would become old ones while they wait.
    if (batch.length >= BATCH_REQUESTS || !(cache?.hit || cache?.revalidated)) countBatch();
  }

  function countBatch(): void {
    const finished = batch;
    batch = [];
    for (const one of finished) countRequest(one);
  }

  function countRequest({
    endpoint,
    target,
    request,
    job,
    record,
    cache,
    error,
    status,
    bytes,
    time,
  }: Finished): void {
    const known = byEndpoint.get(endpoint);
    const row = known && !known.isGone ? known : rowOfEndpoint(endpoint, time);
    const bucket = bucketOf(row, time);
    const { lists } = bucket;
    row.mount = target.mount;
    row.work += REQUEST_COST;
    bucket.requests++;
    bucket.bytes += bytes;
    lists.statuses.add(status === undefined ? "none" : String(status), bytes);
    if (error) {
      bucket.errors++;
      lists.errors.add(error.code, bytes);
      if (status === 404) lists.notFound.add(job ? pathOf(job.asset) : target.path, bytes);
    } else if (cache?.hit || cache?.revalidated) {
      // Nothing was rendered: the origin at most confirmed what a cache has.
      bucket.hits++;
      lists.caches.add(cache.hit ? (cache.cache ?? "none") : "revalidated", bytes);
    }
    const agent = agents(request.header("user-agent"));
    lists.agents.add(agent.name, bytes);
    lists.devices.add(agent.device, bytes);
    const referrer = hostOf(request.header("referer"));
    if (referrer !== undefined) lists.referrers.add(referrer, bytes);
    if (countryHeader !== undefined) {
      const country = request.header(countryHeader);
      if (country !== undefined && /^[A-Za-z]{2}$/.test(country)) {
        lists.countries.add(country.toUpperCase(), bytes);
      }
    }
    if (error || !job || !record) return;
    lists.types.add(record.type, bytes);
    const path = pathOf(job.asset);
    if (job.media === "image") {
      lists.images.add(path, bytes);
      if (job.written !== undefined) lists.imageTransformations.add(job.written, bytes);
    } else if (job.media === "video") {
      lists.videos.add(path, bytes);
      if (job.written !== undefined) lists.videoTransformations.add(job.written, bytes);
    } else lists.files.add(path, bytes);
    const size = record.sources[0]?.size;
    // Complete bodies only: a range, a 304 and HEAD say nothing, and a still of a video is no smaller video.
    if (status !== 200 || record.original || size === undefined || bytes !== record.length) return;
    if (record.type.startsWith(`${job.media}/`)) bucket.savedBytes += size - bytes;
  }

  function rendered({ job, plan }: RenderReport): void {
    if (!plan) return;
    const row = rowOf(job.asset.tenant, job.asset.endpoint);
    bucketOf(row).renders++;
    row.work += plan.cost;
  }

  function attempted({ attempt, outcome, error }: AttemptReport): void {
    if (outcome === "aborted" || outcome === "skipped") return;
    const code = outcome === "not here" ? "ENOENT" : error?.code;
    const { asset, origin } = attempt;
    const { lists } = bucketOf(rowOf(asset.tenant, asset.endpoint));
    lists.origins.add(code === undefined ? origin : `${origin} ${code}`, 0);
  }

  return {
    count(report) {
      if (report.kind === "exchange") exchanged(report.exchange, report.bytes);
      else if (report.kind === "render") rendered(report);
      else attempted(report);
    },
    adapt(endpoints) {
      detail = Math.min(1, MAX_FULL_LIST_ENDPOINTS / Math.max(1, endpoints.length));
      current = new Set(endpoints.map(keyOf));
    },
    accounts() {
      countBatch();
      return rows.values();
    },
    changed() {
      countBatch();
      const hour = startOf("hour", now());
      const open = [];
      for (const [key, row] of rows) {
        if (hour > row.hour) {
          endHour(row, hour);
          // Not before: a process replaces what it has written of the same hour.
          row.isGone = !current.has(key);
          if (row.isGone) rows.delete(key);
        }
        const { changes } = row;
        const written = () => {
          row.saved = changes;
        };
        if (changes > row.saved) open.push({ hour: hourOf(row), written });
      }
      const over = [...ended].map((hour) => ({ hour, written: () => void ended.delete(hour) }));
      return [...over, ...open];
    },
  };
}

const keyOf = ({ tenant, name }: Pick<Endpoint, "tenant" | "name">) => JSON.stringify([tenant, name]);

/** Of an address neither query nor user is kept: they may be signatures, tokens and passwords under any name. */
function pathOf({ kind, path }: { readonly kind: "path" | "url"; readonly path: string }): string {
  return kind === "url" ? maskUrl(path.replace(/[?#].*$/s, "")) : path;
}

/** Host name of the page that led to a request. */
function hostOf(referrer: string | undefined): string | undefined {
  if (referrer === undefined) return undefined;
  return /^https?:\/\/(?:[^/?#@]{0,100}@)?([\w.-]{1,253}|\[[\da-f:.]{2,45}\])(?:[:/?#]|$)/i
    .exec(referrer)?.[1]
    ?.toLowerCase();
}
