import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type CacheHost,
  type HostOptions,
  hostCache,
  makeFolder,
  newRecord,
  sourcesOf,
} from "@mediatap/test";
import { pino } from "pino";
import { type CacheDiskOptions, cacheDisk } from "../src/index.ts";

/** A lookup that a busy machine is slow with is no miss to these tests. */
const TIMEOUT_MS = 30_000;

/** A folder with caches in it, each as in a process of its own. */
export interface Place {
  readonly path: string;
  /** Another process that uses the folder. */
  open(options?: Partial<CacheDiskOptions>, host?: HostOptions): Promise<CacheHost>;
  /** Files below the folder whose names the test knows by their form. */
  files(form: RegExp): Promise<string[]>;
  entries(): Promise<string[]>;
  close(): Promise<void>;
}

export async function makePlace(): Promise<Place> {
  const folder = await makeFolder();
  const path = join(folder.path, "cache");
  const hosts: CacheHost[] = [];
  const files = async (form: RegExp) => {
    const all = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
    return all.map((entry) => join(entry.parentPath, entry.name)).filter((name) => form.test(name));
  };
  return {
    path,
    async open(options = {}, host = {}) {
      const opened = await hostCache(cacheDisk({ path, timeout: TIMEOUT_MS, ...options }), host);
      hosts.push(opened);
      return opened;
    },
    files,
    entries: () => files(/\/entries\/..\/[0-9a-f]{64}$/),
    async close() {
      await Promise.all(hosts.map((host) => host.close().catch(() => undefined)));
      await folder.close();
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
  const lines: { level: number; msg: string; plugin?: string }[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { lines, log: log as never };
}
