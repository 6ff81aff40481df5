/** Length of a bucket. Days and hours are those of UTC. */
export type Period = "hour" | "day";

export const PERIOD_MS = { hour: 3_600_000, day: 86_400_000 } as const;

/** When the period began that a moment lies in, in milliseconds since 1970. */
export function startOf(period: Period, time: number): number {
  return time - (((time % PERIOD_MS[period]) + PERIOD_MS[period]) % PERIOD_MS[period]);
}

/** `2026-11-30T15` or `2026-11-30`: sorts by time. */
export function labelOf(period: Period, start: number): string {
  return new Date(start).toISOString().slice(0, period === "hour" ? 13 : 10);
}

/** The beginning of a period by its label. */
export function startOfLabel(label: string): number {
  return Date.parse(label.length === 10 ? label : `${label}:00:00.000Z`);
}
