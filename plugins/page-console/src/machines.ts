import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { PluginApi, ServerState } from "@mediatap/core";
import type { Records } from "@mediatap/core/state";
import { firstMinute, MINUTE_MS, type Minute, type MinuteCounts, type Tally } from "./tally.ts";

/** How often a process writes for the other machines, in milliseconds. */
const WRITE_INTERVAL_MS = 10_000;
/** How often a process reads what the others have written, while somebody looks. */
const READ_INTERVAL_MS = 5_000;
/** How long machines write their status after somebody has looked. */
const WATCHED_MS = 30_000;
/** How long a machine is listed that writes no more. */
const LISTED_MS = 120_000;
/** Accounts in one record: it stays below the size that stores take. */
const MAX_ACCOUNTS = 500;

/** In the place of a process: when somebody looked last. */
const WATCHED = "watched";

/** What goes on in a process, for operators. */
export interface Status extends Pick<ServerState, "version" | "work" | "breakers" | "traffic"> {
  /** Seconds. */
  readonly uptime: number;
  /** Bytes. */
  readonly memory: { readonly rss: number; readonly heapUsed: number; readonly external: number };
  /** Of all accounts. */
  readonly lastMinute: MinuteCounts;
}

/** The same of another machine's process. */
export interface OtherStatus extends Status {
  readonly machine: { readonly id: string; readonly name: string };
  /** When it was written, milliseconds since 1970. */
  readonly time: number;
}

export interface MachinesUse {
  readonly records: PluginApi["cluster"]["records"];
  readonly status: () => Status;
}

export interface MachinesOptions {
  readonly tally: Pick<Tally, "minutes">;
  /** Processes of this server. */
  readonly workers: number;
  readonly logger: Pick<PluginApi["logger"], "warn">;
}

/** Tells the machines of one state store about each other: minutes that are over, and, while somebody looks, their status. */
export function createMachines({ tally, workers, logger }: MachinesOptions) {
  /** This process. */
  const writer = randomBytes(6).toString("base64url");
  // The workers of a machine have one parent.
  const machine = { id: workers > 1 ? `${hostname()}/${process.ppid}` : writer, name: hostname() };
  let minutes: Records | undefined;
  let statuses: Records | undefined;
  let status: MachinesUse["status"] | undefined;
  let lastWritten = 0;
  let hasStatus = false;
  let isBroken = false;
  let isClosed = false;
  let readAt = Number.NEGATIVE_INFINITY;
  let otherStatuses: readonly (readonly [string, OtherStatus])[] = [];
  let timer = later();

  // Soon after a minute has ended on all machines.
  function later(): NodeJS.Timeout {
    return setTimeout(
      async () => {
        await guarded(write);
        if (!isClosed) timer = later();
      },
      WRITE_INTERVAL_MS - (Date.now() % WRITE_INTERVAL_MS),
    ).unref();
  }

  /** A store that is down takes nothing from the page but the other machines. */
  async function guarded<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      isBroken = false;
      return result;
    } catch (err) {
      if (!isBroken) logger.warn({ err }, "the figures of other machines cannot be read or written");
      isBroken = true;
      return undefined;
    }
  }

  async function write(): Promise<void> {
    await writeMinutes(Math.floor(Date.now() / MINUTE_MS));
    const watched = Number((await statuses?.get(WATCHED)) ?? 0);
    if (!statuses || !status || watched < Date.now() - WATCHED_MS) return;
    hasStatus = true;
    await statuses.put(
      writer,
      JSON.stringify({ ...status(), machine, time: Date.now() } satisfies OtherStatus),
    );
  }

  /** Writes what was counted in minutes before this one and is not written yet. */
  async function writeMinutes(before: number): Promise<void> {
    if (!minutes) return;
    const counted = Object.entries(tally.minutes()).flatMap(([tenant, list]) =>
      list.filter(({ number }) => number > lastWritten && number < before).map((one) => ({ tenant, one })),
    );
    if (counted.length === 0) return;
    for (const [number, accounts] of Map.groupBy(counted, ({ one }) => one.number)) {
      for (let at = 0; at < accounts.length; at += MAX_ACCOUNTS) {
        const part = accounts.slice(at, at + MAX_ACCOUNTS).map(({ tenant, one }) => [tenant, one]);
        await minutes.put(`${labelOf(number)}/${writer}/${at}`, JSON.stringify(Object.fromEntries(part)));
      }
    }
    // No spread: the number of arguments is limited.
    lastWritten = counted.reduce((last, { one }) => Math.max(last, one.number), lastWritten);
    await minutes.deleteBefore(labelOf(firstMinute()));
  }

  async function read(): Promise<void> {
    if (!statuses) return;
    const now = Date.now();
    await statuses.put(WATCHED, String(now));
    const all = (await statuses.list())
      .filter(([key]) => key !== WATCHED)
      .map(([key, value]) => [key, JSON.parse(value) as OtherStatus] as const);
    const isListed = ({ time }: OtherStatus) => time > now - LISTED_MS;
    for (const [key, value] of all) if (!isListed(value)) await statuses.delete(key);
    otherStatuses = all.filter(([, value]) => isListed(value));
  }

  return {
    writer,
    machine,
    use({ records, ...parts }: MachinesUse): void {
      minutes = records("page-console-minutes");
      statuses = records("page-console-machines");
      status = parts.status;
    },
    /** Minutes of the last hour by account, of all processes but those that are named. */
    async minutes(but: ReadonlySet<string>): Promise<Readonly<Record<string, Minute>>[]> {
      const list = await guarded(async () => await minutes?.list(labelOf(firstMinute())));
      return (list ?? [])
        .filter(([key]) => !but.has(key.split("/")[1] ?? ""))
        .map(([, value]) => JSON.parse(value) as Record<string, Minute>);
    },
    /** The last known status of all processes but those that are named; newer ones are read meanwhile. */
    statuses(but: ReadonlySet<string>): OtherStatus[] {
      if (performance.now() - readAt > READ_INTERVAL_MS) {
        readAt = performance.now();
        void guarded(read);
      }
      return otherStatuses.filter(([key]) => !but.has(key)).map(([, value]) => value);
    },
    async close(): Promise<void> {
      isClosed = true;
      clearTimeout(timer);
      await guarded(async () => {
        await writeMinutes(Number.POSITIVE_INFINITY);
        if (hasStatus) await statuses?.delete(writer);
      });
    },
  };
}

/** Sorts as numbers do. */
const labelOf = (minute: number) => String(minute).padStart(10, "0");
