import { type Plugin, parseOptions } from "@mediatap/core";
import type { Registry } from "prom-client";
import { z } from "zod";
import { BUCKETS } from "./buckets.ts";
import type { Instruments } from "./instruments.ts";
import { refusal } from "./token.ts";

const NAME = "metrics";

type Values = Awaited<ReturnType<Registry["getMetricsAsJSON"]>>;

export interface MetricsOptions {
  /** What `Authorization: Bearer` must carry. @default none: whoever reaches the server reads its metrics */
  readonly token?: string | undefined;
  /** Upper bounds of the histograms, in seconds, ascending. @default 0.001 … 60 */
  readonly buckets?: readonly number[] | undefined;
  /** Memory, CPU, garbage collection and event loop of the process, too. @default true */
  readonly process?: boolean | undefined;
}

const schema = z.strictObject({
  token: z.string().min(1).optional(),
  buckets: z
    .array(z.number().positive())
    .min(1)
    .refine((list) => list.every((bound, at) => at === 0 || bound > (list[at - 1] as number)), {
      error: "Expected ascending numbers",
    })
    .readonly()
    .default(BUCKETS),
  process: z.boolean().default(true),
});

/**
 * What the server does, for Prometheus: `GET /-/metrics` in its text format. Counters belong to the process and outlive a
 * new configuration, unless its buckets are others.
 */
export function metrics(options: MetricsOptions = {}): Plugin {
  const { token, buckets, process: withProcess } = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ hooks, route, shared, state, cluster: { bus } }) {
      const ends: (() => void)[] = [];
      let instruments: Instruments | undefined;
      let registries: Registry[] = [];
      hooks.start.tapPromise(NAME, async (runtime) => {
        const { createInstruments } = await import("./instruments.ts");
        const own = shared(`${NAME}:${buckets.join()}`, () => createInstruments(buckets));
        own.show(state, runtime);
        registries = [own.registry];
        if (withProcess) registries.push((await import("./process.ts")).processRegistry());
        instruments = own;
        ends.push(bus.answer(NAME, values));
      });
      hooks.stop.tap(NAME, () => {
        for (const end of ends.splice(0)) end();
      });
      hooks.report.tap(NAME, (report) => instruments?.count(report));
      route("GET", "/-/metrics", async (request) => {
        const refused = token === undefined ? undefined : await refusal(request, token);
        if (refused) return refused;
        const { AggregatorRegistry } = await import("prom-client");
        const common = instruments?.common.getMetricsAsJSON() ?? [];
        const parts = await Promise.all([values(), common, ...((await bus.ask(NAME)) as Values[])]);
        const all = AggregatorRegistry.aggregate(parts);
        const headers = { "content-type": all.contentType, "cache-control": "no-store" };
        return { headers, body: `${(await all.metrics()).trim()}\n` };
      });

      /** What this process has counted; that of all workers together is the server's. */
      async function values(): Promise<Values> {
        return (await Promise.all(registries.map((registry) => registry.getMetricsAsJSON()))).flat();
      }
    },
  };
}

export default metrics;
