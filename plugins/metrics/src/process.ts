import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import { Counter, Gauge, Registry } from "prom-client";
import type { Aggregator } from "./instruments.ts";

/** Milliseconds between two looks at the event loop. */
const PRECISION = 20;
const NANOSECONDS = 1e9;

let registry: Registry | undefined;

/**
 * Memory, CPU and event loop of the process, under the names that prom-client gives them. Once a process, for the event
 * loop is watched all the time. Without prom-client's watch over garbage collections, which costs every hit a twentieth.
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

  const delay = monitorEventLoopDelay({ resolution: PRECISION });
  delay.enable();
  // It measures from look to look.
  const lag = (nanoseconds: number) => Math.max(0, (nanoseconds || 0) / NANOSECONDS - PRECISION / 1000);
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
