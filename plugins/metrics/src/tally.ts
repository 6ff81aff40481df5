import {
  type CacheOutcome,
  type Endpoint,
  type Exchange,
  type Lane,
  type Provenance,
  REQUEST_OUTCOMES,
  type RequestOutcome,
  requestOutcomeOf,
} from "@mediatap/core";
import { Counter, type Histogram, type Registry } from "prom-client";

const STATUSES = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"] as const;
const CACHES = ["none", "hit", "miss", "collapsed", "stale", "revalidated", "renewed"] as const;
const PROVENANCES = ["real", "stale", "fallback", "degraded", "placeholder"] as const satisfies Provenance[];
const LANES = ["none", "light", "heavy", "video"] as const satisfies ("none" | Lane)[];

const CACHE = numbered(CACHES);
const PROVENANCE = numbered(PROVENANCES);
const LANE = numbered(LANES);
const OUTCOME: Readonly<Record<RequestOutcome, number>> = numbered(REQUEST_OUTCOMES);

/** The counters of one endpoint. */
interface Row {
  readonly tenant: string;
  readonly endpoint: string;
  /** By status, cache, provenance and lane. */
  readonly requests: Float64Array;
  /** By cache: one a bucket, the rest, the sum of seconds. */
  readonly durations: readonly Float64Array[];
  /** Outcomes by status code. */
  readonly responses: Map<number, Float64Array>;
  bytes: number;
}

export interface Tally {
  /** Counts a finished exchange; `seconds`: how long it took. */
  count(exchange: Exchange, seconds: number, bytes: number): void;
}

/**
 * Counters of requests. They are numbers in arrays, which become metrics only when they are read: counting with
 * labels costs about a tenth of the time of a hit.
 */
export function createTally(registry: Registry, buckets: readonly number[]): Tally {
  const rows = new Map<string, Row>();
  /** Endpoints are removed with their runtime; their rows stay. */
  const byEndpoint = new WeakMap<Endpoint, Row>();
  const registers = [registry];

  new Counter({
    name: "mediatap_requests_total",
    help: "Answered requests.",
    labelNames: ["tenant", "endpoint", "status", "cache", "provenance", "lane"],
    registers,
    collect() {
      this.reset();
      for (const { tenant, endpoint, requests } of rows.values()) {
        requests.forEach((value, at) => {
          if (value > 0) this.inc({ tenant, endpoint, ...labelsAt(at) }, value);
        });
      }
    },
  });
  new Counter({
    name: "mediatap_responses_total",
    help: "Answers by status code, and what became of the request.",
    labelNames: ["tenant", "endpoint", "code", "outcome"],
    registers,
    collect() {
      this.reset();
      for (const { tenant, endpoint, responses } of rows.values()) {
        for (const [code, outcomes] of responses) {
          outcomes.forEach((value, at) => {
            const outcome = REQUEST_OUTCOMES[at] as string;
            if (value > 0) this.inc({ tenant, endpoint, code: code === 0 ? "none" : code, outcome }, value);
          });
        }
      }
    },
  });
  new Counter({
    name: "mediatap_sent_bytes_total",
    help: "Bytes of bodies sent.",
    labelNames: ["tenant", "endpoint"],
    registers,
    collect() {
      this.reset();
      for (const { tenant, endpoint, bytes } of rows.values()) this.inc({ tenant, endpoint }, bytes);
    },
  });
  const name = "mediatap_request_duration_seconds";
  const durations = {
    name,
    get: async () => ({
      name,
      help: "From a request's arrival to its answer's end.",
      type: "histogram",
      aggregator: "sum",
      values: [...rows.values()].flatMap((row) => histogramOf(name, row, buckets)),
    }),
  };
  // The registry needs only these two fields of a metric.
  registry.registerMetric(durations as unknown as Histogram);

  return {
    count(exchange, seconds, bytes) {
      const row = byEndpoint.get(exchange.endpoint) ?? rowOf(exchange.endpoint);
      const cache = CACHE[outcomeOf(exchange.cache)];
      const code = exchange.reply?.status ?? 0;
      const status = Math.floor(code / 100);
      add(row.requests, indexOf(status, cache, exchange.provenance, exchange.lane), 1);
      row.bytes += bytes;
      add(outcomesOf(row, code), OUTCOME[requestOutcomeOf(exchange)], 1);
      const times = row.durations[cache] as Float64Array;
      let at = 0;
      while (at < buckets.length && seconds > (buckets[at] as number)) at++;
      add(times, at, 1);
      add(times, buckets.length + 1, seconds);
    },
  };

  function rowOf(endpoint: Endpoint): Row {
    const key = JSON.stringify([endpoint.tenant, endpoint.name]);
    const known = rows.get(key);
    const row = known ?? {
      tenant: endpoint.tenant,
      endpoint: endpoint.name,
      requests: new Float64Array(STATUSES.length * CACHES.length * PROVENANCES.length * LANES.length),
      durations: CACHES.map(() => new Float64Array(buckets.length + 2)),
      responses: new Map(),
      bytes: 0,
    };
    if (!known) rows.set(key, row);
    byEndpoint.set(endpoint, row);
    return row;
  }
}

function outcomesOf({ responses }: Row, code: number): Float64Array {
  let outcomes = responses.get(code);
  if (!outcomes) {
    outcomes = new Float64Array(REQUEST_OUTCOMES.length);
    responses.set(code, outcomes);
  }
  return outcomes;
}

function add(numbers: Float64Array, at: number, value: number): void {
  numbers[at] = (numbers[at] as number) + value;
}

function indexOf(status: number, cache: number, provenance: Provenance, lane: Lane | "none" = "none") {
  return (
    ((status * CACHES.length + cache) * PROVENANCES.length + PROVENANCE[provenance]) * LANES.length +
    LANE[lane]
  );
}

function labelsAt(index: number): Record<string, string> {
  const take = <T>(words: readonly T[]): T => {
    const word = words[index % words.length] as T;
    index = Math.floor(index / words.length);
    return word;
  };
  const lane = take(LANES);
  const provenance = take(PROVENANCES);
  const cache = take(CACHES);
  return { status: take(STATUSES), cache, provenance, lane };
}

/** One word for the outcome of the caches; `none`: none was read. */
function outcomeOf(cache: CacheOutcome | undefined): (typeof CACHES)[number] {
  if (!cache) return "none";
  if (cache.forward === "stale") return cache.hit ? "stale" : cache.revalidated ? "revalidated" : "renewed";
  if (cache.hit) return "hit";
  if (cache.revalidated) return "revalidated";
  return cache.collapsed ? "collapsed" : "miss";
}

interface Value {
  readonly metricName: string;
  readonly labels: Record<string, string | number>;
  readonly value: number;
}

/** The lines of one endpoint, for each cache outcome that was seen (buckets are cumulative). */
function histogramOf(
  name: string,
  { tenant, endpoint, durations }: Row,
  buckets: readonly number[],
): Value[] {
  return durations.flatMap((times, at) => {
    const labels = { tenant, endpoint, cache: CACHES[at] as string };
    let count = 0;
    const lines = [...buckets, "+Inf"].map((le, bucket) => {
      count += times[bucket] as number;
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
    });
    if (count === 0) return [];
    return [
      ...lines,
      { metricName: `${name}_sum`, labels, value: times[buckets.length + 1] as number },
      { metricName: `${name}_count`, labels, value: count },
    ];
  });
}

function numbered<T extends string>(words: readonly T[]): Readonly<Record<T, number>> {
  return Object.fromEntries(words.map((word, at) => [word, at])) as Record<T, number>;
}
