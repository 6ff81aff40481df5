import { randomBytes } from "node:crypto";
import { type CacheHost, type HostOptions, hostCache, newRecord, sourcesOf } from "@mediatap/test";
import { pino } from "pino";
import { type CacheKeyvOptions, cacheKeyv } from "../src/index.ts";

/** A lookup that a busy machine is slow with is no miss to these tests. */
export const TIMEOUT_MS = 30_000;

/** Caches that are closed together, each as in a process of its own. */
export function makeHosts() {
  const hosts: CacheHost[] = [];
  return {
    async open(options: CacheKeyvOptions, host: HostOptions = {}) {
      const opened = await hostCache(cacheKeyv({ timeout: TIMEOUT_MS, ...options }), host);
      hosts.push(opened);
      return opened;
    },
    async close() {
      await Promise.all(hosts.splice(0).map((host) => host.close()));
    },
  };
}

/** An entry of a source, with bytes that no other has. */
export function newEntry(path: string, length = 1000) {
  const bytes = randomBytes(length);
  return { record: newRecord(undefined, { sources: sourcesOf(path), length }), bytes };
}

/** A log that keeps its lines. */
export function recorder() {
  const lines: { level: number; msg: string }[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { lines, log: log as never };
}
