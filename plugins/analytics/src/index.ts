import { type Plugin, parseOptions } from "@mediatap/core";
import { describeCall } from "@mediatap/core/state";
import type { ReadUsage } from "@mediatap/core/usage";
import { z } from "zod";
import { type Archive, type Copy, createArchive } from "./archive.ts";
import { memoryRecords } from "./memory.ts";
import { queryOf, querySchema } from "./query.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { reportOf, reportSchema } from "./report.ts";

const NAME = "analytics";

export interface AnalyticsOptions {
  /** Prices, from which the cost of each endpoint is calculated. @default none */
  readonly prices?:
    | { readonly coreHour?: number; readonly gigabyte?: number; readonly currency: string }
    | undefined;
  /** Header with the client's country as two letters, which a CDN sets: `cf-ipcountry`. @default countries are not counted */
  readonly countryHeader?: string | undefined;
}

const price = z.number().nonnegative().default(0);
const schema = z.strictObject({
  prices: z
    .strictObject({
      coreHour: price,
      gigabyte: price,
      currency: z.string().regex(/^[A-Z]{3}$/, "Expected a currency code such as EUR"),
    })
    .optional(),
  countryHeader: z
    .string()
    .regex(/^[\w-]{1,100}$/, "Expected the name of a header")
    .transform((name) => name.toLowerCase())
    .optional(),
});

/**
 * Counts what the server does, per endpoint and hour, and reports it: `GET /-/api/analytics`. Hours and days are kept by the plugin
 * that keeps the server's state; without one they are kept in memory.
 */
export function analytics(options: AnalyticsOptions = {}): Plugin {
  const { prices, countryHeader } = parseOptions(schema, options, NAME);
  /** What was counted; of other processes, too. Once the plugin is started. */
  let archives: () => Promise<readonly Archive[]> = async () => [];

  const usage: ReadUsage = async (query) => {
    const { from, to, by } = query;
    const sources = await archives();
    async function* all() {
      for (const archive of sources) yield* archive.read(by, from, to);
    }
    return await reportOf(query, all(), prices);
  };

  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    usage,
    apply({ hooks, logger, manage, shared, state, cluster: { bus, workers, records } }) {
      const hours = records(`${NAME}-hours`);
      const days = records(`${NAME}-days`);
      const store = hours && days && { hours, days };
      const ends: (() => void)[] = [];
      let recorder: Recorder | undefined;
      hooks.start.tap(NAME, ({ endpoints }) => {
        const own = shared(`${NAME}:${countryHeader ?? ""}`, () =>
          createRecorder({ countryHeader, workers, logger }),
        );
        own.use({ store, endpoints, isIdle: () => state().work.running === 0 });
        recorder = own;
        archives = async () => {
          const [others] = await Promise.all([bus.ask(NAME), own.write()]);
          return [own.archive, ...(others as (Copy | null)[]).filter((copy) => copy !== null).map(archiveOf)];
        };
        const isReadable = endpoints.some(({ privateKeys }) => privateKeys.length > 0);
        if (!store && isReadable) {
          logger.info("no plugin keeps state: the numbers of analytics end with the server");
        }
        ends.push(bus.answer(NAME, async () => (store ? await own.write() : await own.copy()) ?? null));
      });
      hooks.stop.tap(NAME, () => {
        for (const end of ends.splice(0)) end();
      });
      hooks.report.tap(NAME, (report) => recorder?.count(report));
      manage(
        "GET",
        "/analytics",
        async (request, endpoints) => {
          const query = queryOf(request, endpoints, Date.now());
          const { series, ...report } = await usage(query);
          const iso = (time: number) => new Date(time).toISOString();
          const span = { from: iso(query.from), to: iso(query.to), by: query.by };
          return {
            headers: { "cache-control": "no-store" },
            body: { ...span, ...report, series: series.map((one) => ({ ...one, time: iso(one.time) })) },
          };
        },
        {
          role: "read",
          describe: describeCall("Report what was counted by hour or day", {
            query: querySchema,
            response: reportSchema,
          }),
        },
      );
    },
  };
}

/** What another process keeps in memory. */
function archiveOf({ hours, days }: Copy): Archive {
  return createArchive({ hours: memoryRecords(Infinity, hours), days: memoryRecords(Infinity, days) });
}

export default analytics;
