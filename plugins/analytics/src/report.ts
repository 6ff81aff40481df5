import type { Usage, UsageList, UsageNumbers, UsageOfName, UsageQuery } from "@mediatap/core/usage";
import { z } from "zod";
import type { PeriodData } from "./archive.ts";
import { addSums, LIST_NAMES, LISTS, noSums, PATHS, type Sums } from "./bucket.ts";
import { PERIOD_MS } from "./period.ts";
import { Sketch, type SketchData } from "./sketch.ts";

/** Money for what a server does. */
export interface Prices {
  /** For an hour of one core. @default 0 */
  readonly coreHour: number;
  /** For 10⁹ bytes sent. @default 0 */
  readonly gigabyte: number;
  /** Code of the currency, such as `EUR`. */
  readonly currency: string;
}

const GIGABYTE = 1e9;
const CORE_HOUR_MS = 3_600_000;

const numbers = z.object({
  requests: z.int(),
  bytes: z.number(),
  hits: z.int(),
  misses: z.int(),
  errors: z.int(),
  renders: z.int(),
  savedBytes: z.number(),
  cpuSeconds: z.number(),
  cost: z.number().optional(),
});
const list = z.array(z.object({ name: z.string(), requests: z.int(), bytes: z.number() }));

/** A report as the call returns it, for its description. */
export const reportSchema = z.object({
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  by: z.enum(["hour", "day"]),
  total: numbers,
  series: z.array(numbers.extend({ time: z.iso.datetime() })),
  endpoints: z.array(numbers.extend({ tenant: z.string(), endpoint: z.string() })),
  lists: z.object(Object.fromEntries(LIST_NAMES.map((name) => [name, list]))),
  currency: z.string().optional(),
});

/** Adds up what was counted. */
export async function reportOf(
  { from, to, by, endpoints }: UsageQuery,
  periods: AsyncIterable<PeriodData>,
  prices?: Prices,
): Promise<Usage> {
  const allowed = new Set(endpoints.map(({ tenant, name }) => JSON.stringify([tenant, name])));
  const total = noSums();
  const series = new Map<number, Sums>();
  for (let time = from; time < to; time += PERIOD_MS[by]) series.set(time, noSums());
  const byEndpoint = new Map<string, { tenant: string; endpoint: string; sums: Sums }>();
  const lists = new Map(LIST_NAMES.map((name) => [name, new Sketch(LISTS[name])]));
  for await (const { start, data } of periods) {
    const { tenant, endpoint, sums } = data;
    const key = JSON.stringify([tenant, endpoint]);
    if (!allowed.has(key)) continue;
    addSums(total, sums);
    const slot = series.get(start);
    if (slot) addSums(slot, sums);
    const own = byEndpoint.get(key) ?? { tenant, endpoint, sums: noSums() };
    byEndpoint.set(key, own);
    addSums(own.sums, sums);
    for (const [name, list] of lists) {
      const more = data.lists[name];
      if (more) list.merge(PATHS.has(name) ? below(data.mount, more) : more);
    }
  }
  return {
    total: numbersOf(total, prices),
    series: [...series].map(([time, sums]) => ({ time, ...numbersOf(sums, prices) })),
    endpoints: [...byEndpoint.values()]
      .map(({ tenant, endpoint, sums }) => ({ tenant, endpoint, ...numbersOf(sums, prices) }))
      .sort((a, b) => b.requests - a.requests),
    lists: Object.fromEntries(
      [...lists].map(([name, list]) => [name, list.top().slice(0, LISTS[name])]),
    ) as unknown as Record<UsageList, UsageOfName[]>,
    ...(prices && { currency: prices.currency }),
  };
}

/** Paths as they are in URLs. */
function below(mount: string, { floor, names }: SketchData): SketchData {
  return { floor, names: names.map(([name, ...counts]) => [`/${mount}${name}`, ...counts]) };
}

function numbersOf(sums: Sums, prices: Prices | undefined): UsageNumbers {
  const { requests, bytes, hits, errors, renders, cpuMs, savedBytes } = sums;
  const misses = requests - hits - errors;
  const numbers = { requests, bytes, hits, misses, errors, renders, savedBytes };
  const cost = prices && (cpuMs / CORE_HOUR_MS) * prices.coreHour + (bytes / GIGABYTE) * prices.gigabyte;
  return {
    ...numbers,
    cpuSeconds: Math.round(cpuMs) / 1000,
    ...(cost !== undefined && { cost: Math.round(cost * 1e6) / 1e6 }),
  };
}
