import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { Counter, Gauge, Registry } from "prom-client";
import type { Aggregator } from "./instruments.ts";

/** Milliseconds between two samples of the event loop. */
const SAMPLE_INTERVAL_MS = 20;
const NANOSECONDS_PER_SECOND = 1e9;

let registry: Registry | undefined;

/**
 * Memory, CPU and event loop of the process, under the names of prom-client. One per process, because the event
 * loop is sampled all the time. Without prom-client's metrics of garbage collections, which cost 5 % of each hit.
 */
export function processRegistry(): Registry {
  registry ??= createRegistry();
  return registry;
}

function createRegistry(): Registry {
  const own = new Registry();
  const registers = [own];
  const gauge = (name: string, help: string, read: () => number, aggregator: Aggregator = "sum") =>
    new Gauge({
      name,
      help,
      registers,
      aggregator,
      collect() {
        this.set(read());
      },
    });

  new Counter({
    name: "process_cpu_seconds_total",
    help: "Seconds of CPU, of user and system.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge(
    "process_start_time_seconds",
    "When the process began, since 1970; of several the first.",
    () => Math.round(performance.timeOrigin / 1000),
    "min",
  );
  gauge("process_resident_memory_bytes", "Memory that the process holds.", () => process.memoryUsage.rss());
  gauge(
    "nodejs_heap_size_total_bytes",
    "Size of the JavaScript heap.",
    () => process.memoryUsage().heapTotal,
  );
  gauge("nodejs_heap_size_used_bytes", "Used of the JavaScript heap.", () => process.memoryUsage().heapUsed);
  gauge("nodejs_external_memory_bytes", "Memory outside the heap.", () => process.memoryUsage().external);

  const delay = monitorEventLoopDelay({ resolution: SAMPLE_INTERVAL_MS });
  delay.enable();
  // It measures the time between two samples.
  const lag = (nanoseconds: number) =>
    Math.max(0, (nanoseconds || 0) / NANOSECONDS_PER_SECOND - SAMPLE_INTERVAL_MS / 1000);
  gauge(
    "nodejs_eventloop_lag_mean_seconds",
    "Mean delay of the event loop since the last look.",
    () => lag(delay.mean),
    "average",
  );
  gauge("nodejs_eventloop_lag_p99_seconds", "99th percentile of it.", () => lag(delay.percentile(99)), "max");
  gauge(
    "nodejs_eventloop_lag_max_seconds",
    "The longest since the last look.",
    () => {
      const longest = lag(delay.max);
      delay.reset();
      return longest;
    },
    "max",
  );
  return own;
}
