import type { Report } from "@mediatap/core";
import { maskUrl } from "@mediatap/core";

/** Milliseconds of one slot, and how many are kept: two minutes. */
export const SLOT = 2000;
export const SLOTS = 60;
/** Slots over which percentiles and rates are taken: one minute. */
const WINDOW = 30;
/** Failures that are shown. */
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
  errors: number;
  bytes: number;
  readonly bins: Uint32Array;
}

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
  /** Path and query, signatures and keys masked. */
  readonly url: string;
}

export interface OriginCount {
  asked: number;
  failed: number;
}

export interface Tally {
  count(report: Report): void;
  /** The last two minutes, oldest first; rates and percentiles of the last minute. */
  read(): {
    readonly series: readonly { readonly requests: number; readonly hits: number; readonly errors: number }[];
    readonly perSecond: number;
    readonly bytesPerSecond: number;
    readonly hitRatio: number | null;
    readonly p50: number | null;
    readonly p99: number | null;
    readonly total: number;
    readonly failures: readonly Failure[];
  };
  origin(name: string): Readonly<OriginCount>;
}

/** Counts what the page shows. `now`: milliseconds since 1970. */
export function createTally(now: () => number = Date.now): Tally {
  const began = now();
  const slots = Array.from({ length: SLOTS + 1 }, () => emptySlot());
  const origins = new Map<string, OriginCount>();
  const failures: Failure[] = [];
  let total = 0;

  function slotAt(number: number): Slot {
    const slot = slots[number % slots.length] as Slot;
    if (slot.number !== number) {
      Object.assign(slot, { number, requests: 0, hits: 0, errors: 0, bytes: 0 });
      slot.bins.fill(0);
    }
    return slot;
  }

  function fail(failure: Omit<Failure, "time" | "times">): void {
    const same = failures.findIndex(
      ({ code, status, origin, url }) =>
        code === failure.code &&
        status === failure.status &&
        origin === failure.origin &&
        url === failure.url,
    );
    const [before] = same < 0 ? [] : failures.splice(same, 1);
    failures.unshift({ time: now(), times: (before?.times ?? 0) + 1, ...failure });
    failures.length = Math.min(failures.length, FAILURES);
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
        if (!error || (reply?.status ?? 0) < 500) return;
        slot.errors++;
        fail({ code: error.code, message: error.message, status: error.status, url: maskUrl(request.url) });
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
    read() {
      // The slot that is being filled is not shown yet.
      const last = Math.floor(now() / SLOT) - 1;
      const shown = Array.from({ length: SLOTS }, (_, at) => slotAt(last - SLOTS + 1 + at));
      const recent = shown.slice(-WINDOW);
      const sum = (read: (slot: Slot) => number) => recent.reduce((all, slot) => all + read(slot), 0);
      const requests = sum((slot) => slot.requests);
      const seconds = Math.min(WINDOW * SLOT, Math.max(SLOT, now() - began)) / 1000;
      return {
        series: shown.map(({ requests, hits, errors }) => ({ requests, hits, errors })),
        perSecond: requests / seconds,
        bytesPerSecond: sum((slot) => slot.bytes) / seconds,
        hitRatio: requests === 0 ? null : sum((slot) => slot.hits) / requests,
        p50: percentile(recent, requests, 0.5),
        p99: percentile(recent, requests, 0.99),
        total,
        failures,
      };
    },
    origin: (name) => origins.get(name) ?? { asked: 0, failed: 0 },
  };
}

function emptySlot(): Slot {
  return { number: -1, requests: 0, hits: 0, errors: 0, bytes: 0, bins: new Uint32Array(BINS) };
}

/** Milliseconds, to about a tenth: the middle of the bin in which the percentile lies. */
function percentile(slots: readonly Slot[], count: number, part: number): number | null {
  if (count === 0) return null;
  let left = Math.ceil(count * part);
  for (let bin = 0; bin < BINS; bin++) {
    for (const { bins } of slots) left -= bins[bin] as number;
    if (left <= 0) return FIRST * 2 ** ((bin + 0.5) / PER_DOUBLING);
  }
  return null;
}
