import type { Exchange, Report, RuntimeInfo, ServerState } from "@mediatap/core";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { BUCKETS } from "./buckets.ts";
import { createTally } from "./tally.ts";

export type Aggregator = "sum" | "max" | "min" | "average" | "first";

/** Phases of a render that are worth a histogram; what else plugins measure has names of their own. */
const PHASES: ReadonlySet<string> = new Set(["download", "plan", "queue", "decode", "transformation"]);

const BREAKER_STATES = ["closed", "half-open", "open"] as const;

/**
 * The counters of a process. Every label has few values: names from the configuration, words of the core, never anything
 * of a client.
 */
export interface Instruments {
  readonly registry: Registry;
  /** What all workers of a server measure alike: one of them reports it. */
  readonly common: Registry;
  /** Whose state the gauges show from now on. */
  show(state: () => ServerState, runtime: RuntimeInfo): void;
  count(report: Report): void;
  close(): void;
}

type RenderReport = Extract<Report, { kind: "render" }>;
type Attempted = Extract<Report, { kind: "attempt" }>;

export function createInstruments(buckets: readonly number[] = BUCKETS): Instruments {
  const registry = new Registry();
  const common = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    new Counter({ name: `mediatap_${name}`, help, labelNames: [...labelNames], registers });
  const histogram = (name: string, help: string, labelNames: readonly string[]) =>
    new Histogram({
      name: `mediatap_${name}`,
      help,
      labelNames: [...labelNames],
      buckets: [...buckets],
      registers,
    });
  let state: (() => ServerState) | undefined;
  /** `aggregator`: how the values of several workers become one. */
  const gauge = (
    name: string,
    help: string,
    read: (now: ServerState) => number,
    aggregator: Aggregator = "sum",
  ) =>
    new Gauge({
      name: `mediatap_${name}`,
      help,
      registers,
      aggregator,
      collect() {
        if (state) this.set(read(state()));
      },
    });
  const gauges = (
    name: string,
    help: string,
    labelNames: readonly string[],
    read: (now: ServerState) => readonly (readonly [Record<string, string>, number])[],
  ) =>
    new Gauge({
      name: `mediatap_${name}`,
      help,
      labelNames: [...labelNames],
      registers,
      aggregator: "max",
      collect() {
        this.reset();
        for (const [labels, value] of state ? read(state()) : []) this.set(labels, value);
      },
    });

  const tally = createTally(registry, buckets);
  const errors = counter("errors_total", "Requests answered with an error.", ["tenant", "endpoint", "code"]);
  /** Hits by the cache that had it. */
  const layers = new Map<string, number>();
  new Counter({
    name: "mediatap_cache_hits_total",
    help: "Renditions and originals that a cache had.",
    labelNames: ["cache"],
    registers,
    collect() {
      this.reset();
      for (const [cache, value] of layers) this.inc({ cache }, value);
    },
  });
  const renders = counter("renders_total", "Downloads and transformations done, however many waited.", [
    "tenant",
    "endpoint",
    "lane",
    "outcome",
  ]);
  const phases = histogram("phase_duration_seconds", "Phases of renders.", ["phase", "lane"]);
  const attempts = counter("origin_attempts_total", "Questions to origins, and what came of them.", [
    "origin",
    "outcome",
    "code",
  ]);
  const answers = histogram("origin_duration_seconds", "Until an origin had answered or failed.", ["origin"]);

  gauge("work_places", "How many plans run at once at most.", ({ work }) => work.places);
  gauge("work_running", "Plans that run.", ({ work }) => work.running);
  gauge("work_memory_bytes", "Estimated memory of the plans that run.", ({ work }) => work.memory);
  gauge("work_waiting", "Plans that wait for a place.", ({ work }) => work.waiting);
  gauge(
    "work_waiting_seconds",
    "Estimated seconds of one core that waiting plans need.",
    ({ work }) => work.waitingCost / 1000,
  );
  gauges(
    "origin_breaker_state",
    "1 for the state in which an origin's circuit breaker is.",
    ["origin", "state"],
    ({ breakers }) =>
      Object.entries(breakers).flatMap(([origin, current]) =>
        BREAKER_STATES.map((name) => [{ origin, state: name }, name === current ? 1 : 0] as const),
      ),
  );
  gauges("build_info", "Always 1.", ["version", "node"], ({ version }) => [
    [{ version, node: process.version }, 1],
  ]);
  gauges("plugin_info", "Always 1.", ["plugin", "version"], ({ plugins }) =>
    plugins.map(({ name, version }) => [{ plugin: name, version }, 1] as const),
  );
  let number = 0;
  gauge("generation", "Number of the configuration, from 1.", () => number, "max");
  gauge("workers", "Processes that serve.", () => 1);
  gauge("requests_in_progress", "Requests that are being answered.", ({ traffic }) => traffic.requests);
  gauge("connections", "Open connections of clients.", ({ traffic }) => traffic.connections);

  return {
    registry,
    common,
    show(read, runtime) {
      state = read;
      number = runtime.number;
      for (const { name } of read().metrics) reportMetric(name);
    },
    count(report) {
      if (report.kind === "exchange") exchanged(report.exchange, report.duration, report.bytes);
      else if (report.kind === "render") renderReport(report);
      else attempted(report);
    },
    close() {
      registry.clear();
      common.clear();
    },
  };

  /** Reports what plugins measure under a name: this process alone, and all alike. */
  function reportMetric(metric: string): void {
    const name = `mediatap_${metric}`;
    for (const into of [registry, common]) {
      if (into.getSingleMetric(name)) continue;
      const measured = {
        name,
        get: async () => {
          const all = state?.().metrics.filter((one) => one.name === metric) ?? [];
          const own = all.filter(({ shared = false }) => shared === (into === common));
          const values = own.flatMap((one) => one.read()).map(([labels, value]) => ({ labels, value }));
          const { help = "", type = "gauge" } = all[0] ?? {};
          return { name, help, type, aggregator: "sum", values };
        },
      };
      // A registry asks no more of a metric than these two.
      into.registerMetric(measured as unknown as Gauge);
    }
  }

  function exchanged(exchange: Exchange, duration: number, bytes: number): void {
    tally.count(exchange, duration / 1000, bytes);
    const { endpoint, error, cache } = exchange;
    if (error) errors.inc({ tenant: endpoint.tenant, endpoint: endpoint.name, code: error.code });
    if (cache?.cache !== undefined) layers.set(cache.cache, (layers.get(cache.cache) ?? 0) + 1);
  }

  function renderReport({ context, job, spans, plan, error }: RenderReport): void {
    const { tenant, endpoint } = job.asset;
    const lane = plan?.lane ?? "none";
    renders.inc({ tenant, endpoint, lane, outcome: error ? "failed" : "done" });
    for (const { name, duration } of spans.list) {
      if (PHASES.has(name)) phases.observe({ phase: name, lane }, duration / 1000);
    }
    for (const { copy } of context.sources) {
      if (copy) layers.set(copy.by, (layers.get(copy.by) ?? 0) + 1);
    }
  }

  function attempted({ attempt, outcome, duration, error }: Attempted): void {
    const { origin } = attempt;
    attempts.inc({ origin, outcome: outcome.replace(" ", "_"), code: error?.code ?? "" });
    if (outcome !== "skipped") answers.observe({ origin }, duration / 1000);
  }
}
