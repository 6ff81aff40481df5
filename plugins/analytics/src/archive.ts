import { hash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { type Bucket, type BucketData, createBucket, dataOf, mergeBucket } from "./bucket.ts";
import type { HourData } from "./counter.ts";
import { labelOf, PERIOD_MS, type Period, startOf, startOfLabel } from "./period.ts";

/** Days for which hours and days are stored, besides the current day. */
export const HOUR_RETENTION_DAYS = 3;
export const RETENTION_DAYS = 90;

/** Milliseconds after which a day that has ended is rolled up, and once more: some process may have written late. */
const ROLL_UPS_AFTER_MS = [600_000, PERIOD_MS.day];

/** Small records that are sorted by their keys. */
export interface Records {
  get(key: string): Promise<string | undefined>;
  put(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
  list(from?: string, to?: string): Promise<readonly (readonly [key: string, value: string])[]>;
  deleteBefore(key: string): Promise<void>;
}

/** The records of an archive: keys begin with the label of their hour or day. */
export interface Collections {
  readonly hours: Records;
  readonly days: Records;
}

/** All records, for another process. */
export interface Copy {
  readonly hours: Awaited<ReturnType<Records["list"]>>;
  readonly days: Awaited<ReturnType<Records["list"]>>;
}

/** What was counted for an endpoint in a period. */
export interface PeriodData {
  readonly start: number;
  readonly data: BucketData;
}

/** Keeps hours, adds them up in days, and deletes what is old. */
export interface Archive {
  /** `writer`: one process; it replaces what it has written of the same hour. */
  write(hour: HourData, writer: string): Promise<void>;
  /**
   * Rolls up days that have ended, then deletes old records and those of accounts that are not among `accounts` any more. Any process
   * may do it, also several at a time.
   */
  tidy(accounts: ReadonlySet<string>): Promise<void>;
  /** What was counted from `from` (included) to `to` (excluded), in no order, any number of times for one endpoint and period. */
  read(period: Period, from: number, to: number): AsyncGenerator<PeriodData>;
}

/** Records of the last day that was rolled up for good, and of the accounts that may have records; they sort after all days. */
const DONE = "~done";
const ACCOUNTS = "~accounts";

export function createArchive({ hours, days }: Collections, now = () => Date.now()): Archive {
  /** The hours of a day, added up by endpoint. */
  async function dayOf(start: number): Promise<BucketData[]> {
    const sums = new Map<string, { readonly bucket: Bucket; readonly data: BucketData }>();
    for await (const { data } of readHours(hours, start, start + PERIOD_MS.day)) {
      const key = keyOf(data);
      const sum = sums.get(key) ?? { bucket: createBucket(), data };
      sums.set(key, sum);
      mergeBucket(sum.bucket, data);
    }
    return [...sums.values()].map(({ bucket, data }) => dataOf(bucket, data));
  }

  /** Resolves with whether the day will not be rolled up again. A first record, written last, contains how many times it was. */
  async function rollUp(start: number): Promise<boolean> {
    const key = `${labelOf("day", start)}/`;
    const passed = now() - (start + PERIOD_MS.day);
    const due = ROLL_UPS_AFTER_MS.filter((delay) => passed >= delay).length;
    if (due > Number((await days.get(key)) ?? 0)) {
      const sums = await dayOf(start);
      for (const data of sums) await days.put(`${key}${keyOf(data)}`, JSON.stringify(data));
      if (sums.length > 0) await days.put(key, String(due));
    }
    return due === ROLL_UPS_AFTER_MS.length;
  }

  /** An endpoint that is gone may come back; an account that is gone has no right to be counted. */
  async function deleteOthers(accounts: ReadonlySet<string>, earliest: number): Promise<void> {
    const value = JSON.stringify([...accounts].sort());
    const known = await days.get(ACCOUNTS);
    if (known === value) return;
    const isGone = known === undefined || (JSON.parse(known) as string[]).some((name) => !accounts.has(name));
    for (let day = earliest; isGone && day <= now(); day += PERIOD_MS.day) {
      for (const records of [hours, days]) {
        for (const [key, value] of await listOf(records, "day", day, day + PERIOD_MS.day)) {
          // The first record of a day that is rolled up is a number.
          const { tenant = "" } = JSON.parse(value) as Partial<BucketData>;
          if (!accounts.has(tenant)) await records.delete(key);
        }
      }
      await setImmediate();
    }
    await days.put(ACCOUNTS, value);
  }

  return {
    async write({ start, data }, writer) {
      await hours.put(`${labelOf("hour", start)}/${keyOf(data)}/${writer}`, JSON.stringify(data));
    },
    async tidy(accounts) {
      const today = startOf("day", now());
      const earliest = today - RETENTION_DAYS * PERIOD_MS.day;
      const oldestHours = today - HOUR_RETENTION_DAYS * PERIOD_MS.day;
      const done = await days.get(DONE);
      const next = done === undefined ? oldestHours : startOfLabel(done) + PERIOD_MS.day;
      for (let day = Math.max(next, earliest); day < today; day += PERIOD_MS.day) {
        if (await rollUp(day)) await days.put(DONE, labelOf("day", day));
      }
      await hours.deleteBefore(labelOf("day", oldestHours));
      await days.deleteBefore(labelOf("day", earliest));
      await deleteOthers(accounts, earliest);
    },
    async *read(period, from, to) {
      if (period === "hour") return yield* readHours(hours, from, to);
      for (let day = from; day < to; day += PERIOD_MS.day) {
        const [first, ...entries] = await listOf(days, "day", day, day + PERIOD_MS.day);
        // Without it some endpoints may be missing yet.
        const isRolledUp = first?.[0] === `${labelOf("day", day)}/`;
        if (isRolledUp) for (const [, value] of entries) yield { start: day, data: parse(value) };
        else {
          for await (const { data } of readHours(hours, day, day + PERIOD_MS.day)) yield { start: day, data };
        }
      }
    },
  };
}

/** Hour by hour: other work of the process goes on in between. */
async function* readHours(records: Records, from: number, to: number): AsyncGenerator<PeriodData, void> {
  for (let start = from; start < to; start += PERIOD_MS.hour) {
    const entries = await listOf(records, "hour", start, start + PERIOD_MS.hour);
    for (const [, value] of entries) yield { start, data: parse(value) };
    if (entries.length > 0) await setImmediate();
  }
}

function listOf(records: Records, period: Period, from: number, to: number): ReturnType<Records["list"]> {
  return records.list(labelOf(period, from), labelOf(period, to));
}

const parse = (value: string) => JSON.parse(value) as BucketData;

/** Names may contain anything; keys may not. */
function keyOf({ tenant, endpoint }: BucketData): string {
  return hash("sha256", JSON.stringify([tenant, endpoint]), "base64url").slice(0, 16);
}
