import { randomBytes } from "node:crypto";
import type { Endpoint, PluginApi, Report } from "@mediatap/core";
import { type Archive, type Collections, type Copy, createArchive } from "./archive.ts";
import { createCounter } from "./counter.ts";
import { createCpuMeter } from "./cpu.ts";
import { memoryRecords } from "./memory.ts";

/** Milliseconds between two writes of the counters: at most this much is lost if the process crashes. */
const WRITE_INTERVAL_MS = 10_000;

/** Fraction of the time that a process spends on writes: with many endpoints or a slow store it writes less often. */
const MAX_WRITE_FRACTION = 0.05;

/** Milliseconds between two runs that add up and delete old hours, and the random offset of the first run. */
const CLEANUP_INTERVAL_MS = 3_600_000;
const CLEANUP_SPREAD_MS = 60_000;

/** Characters of hours and of days that a server stores in memory if it has no state store. */
const MAX_MEMORY_CHARACTERS = 8_000_000;

/** What it gets from the runtime that is active. */
export interface RecorderUse {
  /** Left out: the memory of this process. */
  readonly store: Collections | undefined;
  readonly endpoints: readonly Pick<Endpoint, "tenant" | "name">[];
  /** Whether no render is in progress. */
  readonly isIdle: () => boolean;
}

export interface RecorderOptions {
  readonly countryHeader: string | undefined;
  /** Processes of this server. */
  readonly workers: number;
  readonly logger: Pick<PluginApi["logger"], "warn">;
}

/** Counts in this process and writes what it has counted, for as long as the process lives. */
export interface Recorder {
  readonly archive: Archive;
  use(parts: RecorderUse): void;
  count(report: Report): void;
  /** Writes what has changed. Never rejects: what cannot be written is written later. */
  write(): Promise<void>;
  /** All records, of a process that keeps them in memory. */
  copy(): Promise<Copy>;
  close(): Promise<void>;
}

export function createRecorder({ countryHeader, workers, logger }: RecorderOptions): Recorder {
  const writer = randomBytes(6).toString("base64url");
  const counter = createCounter({ countryHeader });
  const meter = createCpuMeter();
  const budget = MAX_MEMORY_CHARACTERS / workers;
  const memory = { hours: memoryRecords(budget), days: memoryRecords(budget) };
  let archive = createArchive(memory);
  let isIdle = () => true;
  /** The server's own account, and those of its tenants. */
  let accounts: ReadonlySet<string> = new Set([""]);
  let isBroken = false;
  let isClosed = false;
  let cleanupAt = Date.now() + Math.random() * CLEANUP_SPREAD_MS;
  let writing = Promise.resolve();
  let timer = setTimeout(writeRegularly, WRITE_INTERVAL_MS).unref();

  async function writeRegularly(): Promise<void> {
    const began = performance.now();
    await write();
    const delay = Math.max(WRITE_INTERVAL_MS, (performance.now() - began) / MAX_WRITE_FRACTION);
    if (!isClosed) timer = setTimeout(writeRegularly, delay).unref();
  }

  function write(): Promise<void> {
    writing = writing.then(writeChanges);
    return writing;
  }

  async function writeChanges(): Promise<void> {
    try {
      meter.settle(counter.accounts(), isIdle());
      for (const { hour, written } of counter.changed()) {
        if (accounts.has(hour.data.tenant)) await archive.write(hour, writer);
        written();
      }
      if (Date.now() >= cleanupAt) {
        await archive.tidy(accounts);
        cleanupAt = Date.now() + CLEANUP_INTERVAL_MS;
      }
      isBroken = false;
    } catch (err) {
      if (!isBroken) logger.warn({ err }, "the numbers of analytics cannot be written");
      isBroken = true;
    }
  }

  return {
    get archive() {
      return archive;
    },
    use({ store, endpoints, ...parts }) {
      archive = createArchive(store ?? memory);
      isIdle = parts.isIdle;
      counter.adapt(endpoints);
      const next = new Set(["", ...endpoints.map(({ tenant }) => tenant)]);
      if ([...accounts].some((account) => !next.has(account))) cleanupAt = 0;
      accounts = next;
    },
    count: counter.count,
    write,
    async copy() {
      await write();
      return { hours: await memory.hours.list(), days: await memory.days.list() };
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await write();
    },
  };
}
