import { FAILED_OUTCOMES, maskUrl, type Report, requestOutcomeOf } from "@mediatap/core";
import { patternOf } from "./patterns.ts";

/** Milliseconds of one slot, and number of slots: ten minutes. */
export const SLOT_MS = 2000;
export const SLOT_COUNT = 300;
/** Slots over which percentiles and rates are taken: one minute. */
const WINDOW_SLOTS = 30;

/** Milliseconds of one slot of the history, and number of slots: one hour. */
export const MINUTE_MS = 60_000;
const HISTORY_MINUTES = 60;

/** Durations are counted in bins, four to each doubling, the first up to 0.05 ms. */
const FIRST_BIN_MS = 0.05;
const BINS_PER_DOUBLING = 4;
const BIN_COUNT = 96;

/** Groups of failures (the latest) and requests that are stored. */
const MAX_FAILURES = 200;
const MAX_RECENT = 30;
/** Renders whose failed origin is stored. */
const MAX_FAILED_KEYS = 1000;
const MAX_MESSAGE_CHARACTERS = 300;

/** Used as the name of a cache: its entry was stale, and the origin has revalidated it. */
const REVALIDATED = "revalidated";

interface Slot {
  /** Which one it is, counted since 1970. */
  number: number;
  requests: number;
  /** Files served from caches, whether or not an origin was asked if that still holds. A failure is no hit. */
  hits: number;
  /** Requests that were answered with an error, whatever the reason. */
  refused: number;
  /** Those of them that failed because of an origin or the server. */
  errors: number;
  bytes: number;
}

/** A minute of the history; those without requests are left out. */
export type Minute = Pick<Slot, "number"> & MinuteCounts;

export interface MinuteCounts extends Pick<Slot, "requests" | "hits" | "refused"> {
  /** Durations: number of a bin, and requests in it. */
  readonly bins: readonly (readonly [bin: number, requests: number])[];
}

/** One request. */
export interface RecentRequest {
  /** When it ended, milliseconds since 1970. */
  readonly time: number;
  readonly endpoint: string;
  readonly host: string;
  /** Path and query, signatures and keys masked. */
  readonly url: string;
  readonly status: number;
  /** The cache that it was served from, or `revalidated`. */
  readonly cache?: string | undefined;
  /** Milliseconds. */
  readonly duration: number;
  readonly bytes: number;
}

/** Failed requests that have code, origin, endpoint, pattern of their paths and kind of message in common. */
export interface FailureGroup {
  readonly code: string;
  readonly status: number;
  /** Of the last one, signatures masked. */
  readonly message: string;
  /** The origin that failed last for it. */
  readonly origin?: string | undefined;
  readonly endpoint: string;
  readonly pattern: string;
  /** An origin or the server failed; else the request was wrong. */
  readonly isOurs: boolean;
  readonly times: number;
  /** Milliseconds since 1970. */
  readonly first: number;
  readonly last: number;
  /** The last request: host, path and query, signatures masked. */
  readonly host: string;
  readonly url: string;
}

export interface OriginCount {
  readonly asked: number;
  readonly failed: number;
}

/** What one process has counted for one account; plain data, for the others. */
export interface Snapshot {
  /** When it began to count, milliseconds since 1970. */
  readonly began: number;
  readonly total: number;
  readonly slots: readonly Slot[];
  /** Durations of the last minute. */
  readonly bins: readonly number[];
  /** Responses of the last minute from caches, by cache; `revalidated`: once the origin was asked. */
  readonly caches: Readonly<Record<string, number>>;
  readonly failures: readonly FailureGroup[];
  readonly recent: readonly RecentRequest[];
}

/** What one process has counted. */
export interface TallySnapshot {
  readonly tenants: Readonly<Record<string, Snapshot>>;
  /** By the name of the origin, which begins with that of its tenant. */
  readonly origins: Readonly<Record<string, OriginCount>>;
}

export interface Tally {
  count(report: Report): void;
  snapshot(): TallySnapshot;
  /** The last hour of each account. */
  minutes(): Readonly<Record<string, readonly Minute[]>>;
}

/** Counts what the console shows, for each account on its own. `now`: milliseconds since 1970. */
export function createTally(now = () => Date.now()): Tally {
  const tenants = new Map<string, ReturnType<typeof createCounts>>();
  const origins = new Map<string, { asked: number; failed: number }>();
  const failedAt = new Map<string, string>();

  return {
    count(report) {
      if (report.kind === "exchange") {
        const { exchange } = report;
        const { tenant } = exchange.endpoint;
        let counts = tenants.get(tenant);
        if (!counts) {
          counts = createCounts(now);
          tenants.set(tenant, counts);
        }
        counts.count(report, exchange.error && exchange.key ? failedAt.get(exchange.key) : undefined);
      } else if (report.kind === "attempt") {
        const { attempt, outcome, error } = report;
        if (outcome === "aborted" || outcome === "skipped") return;
        const known = origins.get(attempt.origin) ?? { asked: 0, failed: 0 };
        origins.set(attempt.origin, known);
        known.asked++;
        if (!error) return;
        known.failed++;
        setBounded(failedAt, attempt.context.key, attempt.origin, MAX_FAILED_KEYS);
      }
    },
    snapshot: () => ({
      tenants: Object.fromEntries([...tenants].map(([name, counts]) => [name, counts.snapshot()])),
      origins: Object.fromEntries([...origins].map(([name, count]) => [name, { ...count }])),
    }),
    minutes: () => Object.fromEntries([...tenants].map(([name, counts]) => [name, counts.minutes()])),
  };
}

type ExchangeReport = Extract<Report, { kind: "exchange" }>;

/** What happened lately, without what it costs to show it. */
interface Finished extends Omit<RecentRequest, "url"> {
  readonly sent: string;
}

/** What one process has counted for one account. */
function createCounts(now: () => number) {
  const began = now();
  const slots = Array.from({ length: SLOT_COUNT + 1 }, () => emptySlot(-1));
  const minute = Array.from({ length: WINDOW_SLOTS + 1 }, () => ({
    number: -1,
    bins: new Uint32Array(BIN_COUNT),
    caches: {} as Record<string, number>,
  }));
  const hour: (Omit<Minute, "bins"> & { readonly bins: Uint32Array })[] = [];
  const recent: Finished[] = [];
  const failures = new Map<string, FailureGroup>();
  let at = 0;
  let total = 0;

  function slotAt(number: number): Slot {
    const slot = slots[number % slots.length] as Slot;
    if (slot.number !== number) Object.assign(slot, emptySlot(number));
    return slot;
  }

  function detailsAt(number: number) {
    const details = minute[number % minute.length] as (typeof minute)[number];
    if (details.number !== number) {
      details.number = number;
      details.bins.fill(0);
      details.caches = {};
    }
    return details;
  }

  function minuteAt(number: number) {
    const last = hour.at(-1);
    // The clock may have been set back: a minute that has begun goes on.
    if (last && last.number >= number) return last;
    const next = { number, requests: 0, hits: 0, refused: 0, bins: new Uint32Array(BIN_COUNT) };
    hour.push(next);
    if (hour.length > HISTORY_MINUTES + 1) hour.shift();
    return next;
  }

  function fail({ exchange }: ExchangeReport, origin: string | undefined, isOurs: boolean): void {
    const { error, request, endpoint, job, reply } = exchange;
    if (!error || !reply) return;
    const path = job?.asset.path ?? (request.url.split("?")[0] as string);
    const pattern = patternOf(maskUrl(path));
    const message = maskUrl(error.message).slice(0, MAX_MESSAGE_CHARACTERS);
    const key = groupOf({ code: error.code, origin, endpoint: endpoint.name, pattern, message });
    const known = failures.get(key);
    const time = now();
    const group: FailureGroup = {
      code: error.code,
      status: reply.status,
      message,
      origin,
      endpoint: endpoint.name,
      pattern,
      isOurs,
      times: (known?.times ?? 0) + 1,
      first: known?.first ?? time,
      last: time,
      host: request.host,
      url: maskUrl(request.url),
    };
    // Last seen, last in the map.
    failures.delete(key);
    setBounded(failures, key, group, MAX_FAILURES);
  }

  return {
    count(report: ExchangeReport, origin: string | undefined): void {
      const { exchange, duration, bytes } = report;
      const { cache, reply, request } = exchange;
      const time = now();
      const number = Math.floor(time / SLOT_MS);
      const slot = slotAt(number);
      const details = detailsAt(number);
      const minute = minuteAt(Math.floor(time / MINUTE_MS));
      total++;
      slot.requests++;
      minute.requests++;
      slot.bytes += bytes;
      const isServed = exchange.error === undefined;
      const from = !isServed
        ? undefined
        : cache?.hit
          ? (cache.cache ?? "")
          : cache?.revalidated
            ? REVALIDATED
            : undefined;
      if (from !== undefined) {
        slot.hits++;
        minute.hits++;
        details.caches[from] = (details.caches[from] ?? 0) + 1;
      }
      const bin = Math.floor(Math.log2(duration / FIRST_BIN_MS) * BINS_PER_DOUBLING);
      const index = Math.min(Math.max(bin, 0), BIN_COUNT - 1);
      details.bins[index] = (details.bins[index] as number) + 1;
      minute.bins[index] = (minute.bins[index] as number) + 1;
      const status = reply?.status ?? 0;
      recent[at] = {
        time,
        endpoint: exchange.endpoint.name,
        host: request.host,
        sent: request.url,
        status,
        cache: from,
        duration,
        bytes,
      };
      at = (at + 1) % MAX_RECENT;
      if (isServed) return;
      slot.refused++;
      minute.refused++;
      const isOurs = status >= 500 || FAILED_OUTCOMES.has(requestOutcomeOf(exchange));
      if (isOurs) slot.errors++;
      fail(report, origin, isOurs);
    },
    minutes: (): Minute[] => hour.map(({ bins, ...slot }) => ({ ...slot, bins: filledBins(bins) })),
    snapshot(): Snapshot {
      // The slot that is being filled is not shown yet.
      const last = Math.floor(now() / SLOT_MS) - 1;
      const shown = slots.filter(
        ({ number, requests }) => requests > 0 && number > last - SLOT_COUNT && number <= last,
      );
      const lately = minute.filter(({ number }) => number > last - WINDOW_SLOTS && number <= last);
      return {
        began,
        total,
        slots: shown.map((slot) => ({ ...slot })),
        bins: Array.from({ length: BIN_COUNT }, (_, bin) =>
          lately.reduce((sum, { bins }) => sum + (bins[bin] as number), 0),
        ),
        caches: addUp(lately.map(({ caches }) => caches)),
        failures: [...failures.values()],
        recent: recent.map(({ sent, ...request }) => ({ ...request, url: maskUrl(sent) })),
      };
    },
  };
}

/** What all processes together have counted for some accounts: rates and percentiles of the last minute, oldest slot first. */
export function summarize(snapshots: readonly Snapshot[], now = Date.now()) {
  const last = Math.floor(now / SLOT_MS) - 1;
  const shown = Array.from({ length: SLOT_COUNT }, (_, at) => emptySlot(last - SLOT_COUNT + 1 + at));
  for (const { slots } of snapshots) {
    for (const { number, requests, hits, refused, errors, bytes } of slots) {
      const slot = shown[number - last + SLOT_COUNT - 1];
      if (!slot) continue;
      slot.requests += requests;
      slot.hits += hits;
      slot.refused += refused;
      slot.errors += errors;
      slot.bytes += bytes;
    }
  }
  const recent = shown.slice(-WINDOW_SLOTS);
  const sum = (read: (slot: Slot) => number) => recent.reduce((all, slot) => all + read(slot), 0);
  const requests = sum((slot) => slot.requests);
  const errors = sum((slot) => slot.errors);
  const refused = sum((slot) => slot.refused);
  const began = Math.min(now, ...snapshots.map((snapshot) => snapshot.began));
  const seconds = Math.min(WINDOW_SLOTS * SLOT_MS, Math.max(SLOT_MS, now - began)) / 1000;
  const bins = Array.from({ length: BIN_COUNT }, (_, bin) =>
    snapshots.reduce((all, snapshot) => all + (snapshot.bins[bin] ?? 0), 0),
  );
  return {
    series: shown.map(({ requests, hits, errors }) => [requests, hits, errors] as const),
    end: (last + 1) * SLOT_MS,
    requests,
    perSecond: requests / seconds,
    bytesPerSecond: sum((slot) => slot.bytes) / seconds,
    hitRatio: requests === 0 ? null : sum((slot) => slot.hits) / requests,
    caches: addUp(snapshots.map(({ caches }) => caches)),
    errors,
    errorRatio: requests === 0 ? null : errors / requests,
    refused,
    refusedRatio: requests === 0 ? null : refused / requests,
    p50: percentile(bins, 0.5),
    p99: percentile(bins, 0.99),
    total: snapshots.reduce((all, { total }) => all + total, 0),
  };
}

/** The last hour of some accounts in all processes together, minute by minute, the oldest first; the present minute is left out. */
export function historyOf(minutes: readonly Minute[], now = Date.now()) {
  const byNumber = Map.groupBy(minutes, ({ number }) => number);
  const first = firstMinute(now);
  return Array.from({ length: HISTORY_MINUTES }, (_, at) => ({
    time: new Date((first + at) * MINUTE_MS).toISOString(),
    ...figuresOf(byNumber.get(first + at) ?? []),
  }));
}

/** Number of the first minute of the last hour. */
export const firstMinute = (now = Date.now()): number => Math.floor(now / MINUTE_MS) - HISTORY_MINUTES;

/** Minutes of several processes as one. */
export function figuresOf(minutes: readonly MinuteCounts[]) {
  const sum = (read: (minute: MinuteCounts) => number) =>
    minutes.reduce((all, minute) => all + read(minute), 0);
  const bins = new Array<number>(BIN_COUNT).fill(0);
  for (const [bin, requests] of minutes.flatMap((one) => one.bins)) bins[bin] = (bins[bin] ?? 0) + requests;
  return {
    requests: sum(({ requests }) => requests),
    hits: sum(({ hits }) => hits),
    errors: sum(({ refused }) => refused),
    p50: percentile(bins, 0.5),
    p99: percentile(bins, 0.99),
  };
}

/** The last minute of some accounts in one process. */
export function lastMinuteOf(snapshots: readonly Snapshot[], now = Date.now()): MinuteCounts {
  const last = Math.floor(now / SLOT_MS) - 1;
  const {
    requests = 0,
    hits = 0,
    refused = 0,
  } = addUp(
    snapshots
      .flatMap(({ slots }) => slots)
      .filter(({ number }) => number > last - WINDOW_SLOTS && number <= last)
      .map((slot) => ({ ...slot })),
  );
  const bins = snapshots.flatMap((snapshot) => filledBins(snapshot.bins));
  return { requests, hits, refused, bins };
}

const filledBins = (bins: Iterable<number>): MinuteCounts["bins"] =>
  [...bins].map((requests, bin) => [bin, requests] as const).filter(([, requests]) => requests > 0);

/** Failures of all processes together, the newest first. */
export function failuresOf(snapshots: readonly Snapshot[]): FailureGroup[] {
  const groups = Map.groupBy(
    snapshots.flatMap(({ failures }) => failures),
    groupOf,
  );
  return [...groups.values()]
    .map((same): FailureGroup => {
      const newest = same.reduce((one, other) => (other.last > one.last ? other : one));
      const times = same.reduce((sum, { times }) => sum + times, 0);
      return { ...newest, times, first: Math.min(...same.map(({ first }) => first)) };
    })
    .sort((a, b) => b.last - a.last)
    .slice(0, MAX_FAILURES);
}

/** Which failures belong together: messages may differ in the values that they quote, and in numbers. */
function groupOf({
  code,
  origin,
  endpoint,
  pattern,
  message,
}: Pick<FailureGroup, "code" | "origin" | "endpoint" | "pattern" | "message">): string {
  const shape = message.replace(/'[^']*'/g, "''").replace(/\d+/g, "0");
  return JSON.stringify([code, origin, endpoint, pattern, shape]);
}

/** The last requests of all processes, the newest first. */
export function recentOf(snapshots: readonly Snapshot[]): RecentRequest[] {
  return snapshots
    .flatMap(({ recent }) => recent)
    .sort((a, b) => b.time - a.time)
    .slice(0, MAX_RECENT);
}

/** Adds an entry to a map of bounded size, in the place of the oldest. */
function setBounded<K, V>(map: Map<K, V>, key: K, value: V, max: number): void {
  map.set(key, value);
  if (map.size > max) map.delete(map.keys().next().value as K);
}

export function addUp(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const count of counts) {
    for (const [name, value] of Object.entries(count)) sums[name] = (sums[name] ?? 0) + value;
  }
  return sums;
}

function emptySlot(number: number): Slot {
  return { number, requests: 0, hits: 0, refused: 0, errors: 0, bytes: 0 };
}

/** Milliseconds, to about a tenth: the middle of the bin in which the percentile lies. */
function percentile(bins: readonly number[], part: number): number | null {
  const count = bins.reduce((sum, value) => sum + value, 0);
  if (count === 0) return null;
  let left = Math.ceil(count * part);
  for (const [bin, value] of bins.entries()) {
    left -= value;
    if (left <= 0) return FIRST_BIN_MS * 2 ** ((bin + 0.5) / BINS_PER_DOUBLING);
  }
  return null;
}
