import { type Endpoint, invalid, MediaError, type RouteRequest } from "@mediatap/core";
import type { UsageQuery } from "@mediatap/core/usage";
import { z } from "zod";
import { HOUR_RETENTION_DAYS, RETENTION_DAYS } from "./archive.ts";
import { PERIOD_MS, type Period, startOf } from "./period.ts";

/** Longest spans of a report, in days. */
const MAX_DAYS = { hour: HOUR_RETENTION_DAYS, day: RETENTION_DAYS } as const;

/** Spans of a report that names no beginning. */
const USUAL_MS = { hour: PERIOD_MS.day, day: 30 * PERIOD_MS.day } as const;

const time = z.string().optional().meta({ description: "A date or a time (ISO 8601)" });

/** Parameters of a call, for its description. */
export const querySchema = z.object({
  by: z.enum(["hour", "day"]).default("hour"),
  from: time,
  to: time,
  endpoint: z.string().optional().meta({ description: "Name of an endpoint, or tenant/name" }),
});

/** The query of a call. Throws `EINVAL`. */
export function queryOf(
  { query }: Pick<RouteRequest, "query">,
  endpoints: readonly Endpoint[],
  now: number,
): UsageQuery {
  const by = periodOf(query.get("by") ?? "hour");
  const end = timeOf("to", query.get("to")) ?? now;
  // The hour or day of a moment is part of the report as a whole.
  const to = startOf(by, end - 1) + PERIOD_MS[by];
  const from = startOf(by, timeOf("from", query.get("from")) ?? to - USUAL_MS[by]);
  if (from >= to) throw invalid("to", "a time after from", query.get("to") ?? "now");
  if (to - from > MAX_DAYS[by] * PERIOD_MS.day) {
    throw invalid("from", `a time at most ${MAX_DAYS[by]} days before to`, query.get("from"));
  }
  return { from, to, by, endpoints: endpointsOf(query.get("endpoint"), endpoints) };
}

function periodOf(text: string): Period {
  if (text === "hour" || text === "day") return text;
  throw invalid("by", "one of hour, day", text);
}

/** Milliseconds since 1970. */
function timeOf(name: string, text: string | null): number | undefined {
  if (text === null) return undefined;
  const isTime = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text);
  const time = isTime ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) {
    throw invalid(name, "a date such as 2026-11-30 or a time such as 2026-11-30T15:00:00Z", text);
  }
  return time;
}

/** Names that a key is not good for are unknown, whether they exist or not. */
function endpointsOf(name: string | null, endpoints: readonly Endpoint[]): readonly Endpoint[] {
  if (name === null) return endpoints;
  const named = endpoints.filter((one) => name === one.name || name === `${one.tenant}/${one.name}`);
  if (named.length === 0) throw new MediaError("ENOENT", "There is no such endpoint");
  return named;
}
