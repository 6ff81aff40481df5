import { FAILED_OUTCOMES, maskUrl, type Report, requestOutcomeOf } from "@mediatap/core";

/** Milliseconds of one slot, and how many are kept: two minutes. */
export const SLOT = 2000;
export const SLOTS = 60;
/** Slots over which percentiles and rates are taken: one minute. */
const WINDOW = 30;
/** Kinds of failures that are shown. */
const FAILURES = 20;

/** Durations are counted in bins, four to each doubling, the first up to 0.05 ms. */
const FIRST = 0.05;
const PER_DOUBLING = 4;
const BINS = 96;

interface Slot {
  /** Which one it is, counted since 1970. */
  number: number;
  requests: number;
  hits: number;
  /** Requests that failed because of an origin or the server, whatever their status. */
  errors: number;
  bytes: number;
}

/** Failures of one kind. */
export interface Failure {
  /** When it happened last, milliseconds since 1970, and how often since the failures shown began. */
  readonly time: number;
  readonly times: number;
  readonly code: string;
  readonly message: string;
  /** An answer of the server … */
  readonly status?: number;
  /** … or what an origin did. */
  readonly origin?: string;
  /** Path and query of the last one, signatures and keys masked. */
  readonly url: string;
}

export interface OriginCount {
  readonly asked: number;
  readonly failed: number;
}

/** What one process has counted; plain data, for the others. */
export interface Snapshot {
  /** When it began to count, milliseconds since 1970. */
  readonly began: number;
  readonly total: number;
  /** The last two minutes. */
  readonly slots: readonly Slot[];
  /** Durations of the last minute. */
  readonly bins: readonly number[];
  readonly origins: Readonly<Record<string, OriginCount>>;
  readonly failures: readonly Failure[];
}

export interface Tally {
  count(report: Report): void;
  snapshot(): Snapshot;
}

/** Counts what the page shows. `now`: milliseconds since 1970. */
export function createTally(now: () => number = Date.now): Tally {
  const began = now();
  const slots = Array.from({ length: SLOTS + 1 }, () => ({ ...emptySlot(-1), bins: new Uint32Array(BINS) }));
  const origins = new Map<string, { asked: number; failed: number }>();
  let failures: readonly Failure[] = [];
  let total = 0;

  function slotAt(number: number) {
    const slot = slots[number % slots.length] as (typeof slots)[number];
    if (slot.number !== number) {
      Object.assign(slot, emptySlot(number));
      slot.bins.fill(0);
    }
    return slot;
  }

  function fail(failure: Omit<Failure, "time" | "times">): void {
    failures = grouped([{ time: now(), times: 1, ...failure }, ...failures]);
  }

  return {
    count(report) {
      if (report.kind === "exchange") {
        const { exchange, duration, bytes } = report;
        const slot = slotAt(Math.floor(now() / SLOT));
        total++;
        slot.requests++;
        slot.bytes += bytes;
        if (exchange.cache?.hit) slot.hits++;
        const bin = Math.floor(Math.log2(duration / FIRST) * PER_DOUBLING);
        const at = Math.min(Math.max(bin, 0), BINS - 1);
        slot.bins[at] = (slot.bins[at] as number) + 1;
        const { reply, error, request } = exchange;
        const isOfServer = error !== undefined && (reply?.status ?? 0) >= 500;
        if (isOfServer || FAILED_OUTCOMES.has(requestOutcomeOf(exchange))) slot.errors++;
        // What an origin did is shown by its attempts.
        if (isOfServer) {
          fail({ code: error.code, message: error.message, status: error.status, url: maskUrl(request.url) });
        }
      } else if (report.kind === "attempt") {
        const { attempt, outcome, error } = report;
        if (outcome === "aborted" || outcome === "skipped") return;
        const known = origins.get(attempt.origin) ?? { asked: 0, failed: 0 };
        origins.set(attempt.origin, known);
        known.asked++;
        if (!error) return;
        known.failed++;
        fail({
          code: error.code,
          message: error.message,
          origin: attempt.origin,
          url: maskUrl(attempt.asset.path).slice(0, 500),
        });
      }
    },
    snapshot() {
      // The slot that is being filled is not shown yet.
      const last = Math.floor(now() / SLOT) - 1;
      const shown = Array.from({ length: SLOTS }, (_, at) => slotAt(last - SLOTS + 1 + at));
      const recent = shown.slice(-WINDOW);
      return {
        began,
        total,
        slots: shown.filter(({ requests }) => requests > 0).map(({ bins: _, ...slot }) => slot),
        bins: Array.from({ length: BINS }, (_, bin) =>
          recent.reduce((sum, { bins }) => sum + (bins[bin] as number), 0),
        ),
        origins: Object.fromEntries([...origins].map(([name, count]) => [name, { ...count }])),
        failures,
      };
    },
  };
}

/** What all processes together have counted: the last two minutes, oldest first; rates and percentiles of the last minute. */
export function summarize(snapshots: readonly Snapshot[], now = Date.now()) {
  const last = Math.floor(now / SLOT) - 1;
  const shown = Array.from({ length: SLOTS }, (_, at) => emptySlot(last - SLOTS + 1 + at));
  for (const { slots } of snapshots) {
    for (const { number, requests, hits, errors, bytes } of slots) {
      const slot = shown[number - last + SLOTS - 1];
      if (!slot) continue;
      slot.requests += requests;
      slot.hits += hits;
      slot.errors += errors;
      slot.bytes += bytes;
    }
  }
  const recent = shown.slice(-WINDOW);
  const sum = (read: (slot: Slot) => number) => recent.reduce((all, slot) => all + read(slot), 0);
  const requests = sum((slot) => slot.requests);
  const errors = sum((slot) => slot.errors);
  const began = Math.min(...snapshots.map((snapshot) => snapshot.began));
  const seconds = Math.min(WINDOW * SLOT, Math.max(SLOT, now - began)) / 1000;
  const bins = Array.from({ length: BINS }, (_, bin) =>
    snapshots.reduce((all, snapshot) => all + (snapshot.bins[bin] ?? 0), 0),
  );
  return {
    series: shown.map(({ requests, hits, errors }) => ({ requests, hits, errors })),
    perSecond: requests / seconds,
    bytesPerSecond: sum((slot) => slot.bytes) / seconds,
    hitRatio: requests === 0 ? null : sum((slot) => slot.hits) / requests,
    errors,
    errorRatio: requests === 0 ? null : errors / requests,
    p50: percentile(bins, 0.5),
    p99: percentile(bins, 0.99),
    total: snapshots.reduce((all, { total }) => all + total, 0),
    failures: grouped(snapshots.flatMap(({ failures }) => failures)),
    origin(name: string): OriginCount {
      const counts = snapshots.map(({ origins }) => origins[name] ?? { asked: 0, failed: 0 });
      return {
        asked: counts.reduce((all, { asked }) => all + asked, 0),
        failed: counts.reduce((all, { failed }) => all + failed, 0),
      };
    },
  };
}

/** Failures of one kind together, the youngest first. */
function grouped(failures: readonly Failure[]): Failure[] {
  const kinds = Map.groupBy(failures, ({ code, message, status, origin }) =>
    JSON.stringify([code, message, status, origin]),
  );
  return [...kinds.values()]
    .map((same) => {
      const [first] = same as [Failure, ...Failure[]];
      const youngest = same.reduce((one, other) => (other.time > one.time ? other : one), first);
      return { ...youngest, times: same.reduce((sum, { times }) => sum + times, 0) };
    })
    .sort((a, b) => b.time - a.time)
    .slice(0, FAILURES);
}

function emptySlot(number: number): Slot {
  return { number, requests: 0, hits: 0, errors: 0, bytes: 0 };
}

/** Milliseconds, to about a tenth: the middle of the bin in which the percentile lies. */
function percentile(bins: readonly number[], part: number): number | null {
  const count = bins.reduce((sum, value) => sum + value, 0);
  if (count === 0) return null;
  let left = Math.ceil(count * part);
  for (const [bin, value] of bins.entries()) {
    left -= value;
    if (left <= 0) return FIRST * 2 ** ((bin + 0.5) / PER_DOUBLING);
  }
  return null;
}
