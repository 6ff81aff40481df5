import { Readable } from "node:stream";
import { cacheMemory } from "@mediatap/cache-memory";
import { bodyOf, type Delivered, type MediatapConfig, type Plugin, type RenderContext } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import { timing } from "@mediatap/timing";
import { urlImagekit } from "@mediatap/url-imagekit";

/**
 * The plugins of the usual server, and further ones after them. One of the same name takes the place of the usual one; a
 * test cache takes the place of the one in memory.
 */
export function usual(...more: Plugin[]): NonNullable<MediatapConfig["plugins"]> {
  const names = more.map(({ name }) => (name === "test-cache" ? "cache-memory" : name));
  const plugins = [
    urlImagekit(),
    storageFs(),
    storageWeb({ retries: 0 }),
    imageSharp(),
    cacheMemory(),
    timing(),
  ];
  return [...plugins.filter(({ name }) => !names.includes(name)), ...more];
}

/** A configuration of one folder behind the default endpoint. */
export function folderConfig(path: string, ...more: Plugin[]): MediatapConfig {
  return {
    plugins: usual(...more),
    origins: { files: { type: "FOLDER", path } },
    endpoints: { default: { origins: ["files"] } },
  };
}

/** A configuration of web origins, tried in order, behind the default endpoint. */
export function webConfig(baseUrls: readonly string[], ...more: Plugin[]): MediatapConfig {
  const origins = baseUrls.map((baseUrl, at) => [`web${at}`, { type: "WEB_FOLDER", baseUrl }] as const);
  return {
    plugins: usual(...more),
    origins: Object.fromEntries(origins),
    endpoints: { default: { origins: origins.map(([name]) => name) } },
  };
}

/** Counts what a server really did. */
export interface Counter extends Plugin {
  /** Plans that were asked for. */
  readonly plans: () => number;
  /** Plans that ran. */
  readonly transforms: () => number;
  /** Renders that opened a source, conditional questions included. */
  readonly fetches: () => number;
}

export function counter(): Counter {
  let plans = 0;
  let transforms = 0;
  let fetches = 0;
  return {
    name: "counter",
    version: "1",
    apiVersion: 1,
    plans: () => plans,
    transforms: () => transforms,
    fetches: () => fetches,
    apply({ hooks }) {
      hooks.fetch.tap({ name: "counter", stage: -300 }, () => {
        fetches++;
        return undefined;
      });
      hooks.transform.tap({ name: "counter", stage: -300 }, () => {
        plans++;
        return undefined;
      });
      hooks.report.tap("counter", (report) => {
        if (report.kind === "render" && report.spans.list.some(({ name }) => name === "transformation"))
          transforms++;
      });
    },
  };
}

/** An engine for assets below `gate/`, whose work goes on until the test lets it go. */
export interface Gate extends Plugin {
  /** Paths of the work that has begun and not ended. */
  readonly running: Set<string>;
  /** Renders that were aborted while they waited. */
  readonly aborted: string[];
  /** Resolves when this many pieces of work have begun in all. */
  begun(count: number): Promise<void>;
  /** Lets all work go, now and from now on. */
  open(): void;
}

/** `memory`: bytes that the work for a path is estimated to take. */
export function gate(cost = 10, memory: (path: string) => number = () => 0): Gate {
  const running = new Set<string>();
  const aborted: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const waiting: { count: number; resolve: () => void }[] = [];
  let total = 0;

  async function run(name: string, context: RenderContext) {
    running.add(name);
    total++;
    for (const waiter of waiting) if (total >= waiter.count) waiter.resolve();
    const onAbort = () => aborted.push(name);
    context.signal.addEventListener("abort", onAbort, { once: true });
    await promise;
    context.signal.removeEventListener("abort", onAbort);
    running.delete(name);
    const bytes = Buffer.from(`made of ${name}`);
    return { body: bodyOf(bytes, (b) => Readable.from([b])), type: "text/plain", format: "gate" };
  }

  return {
    name: "gate",
    version: "1",
    apiVersion: 1,
    running,
    aborted,
    begun: (count) =>
      total >= count ? Promise.resolve() : new Promise((done) => waiting.push({ count, resolve: done })),
    open: resolve,
    apply({ hooks }) {
      hooks.transform.tap({ name: "gate", stage: -100 }, ({ asset, query }) => {
        if (!asset.path.startsWith("gate/")) return undefined;
        const name = `${asset.path} ${query.flat().join("=")}`.trim();
        return {
          engine: "gate",
          lane: "heavy",
          cost,
          memory: memory(asset.path),
          explain: () => ({ gate: name }),
          run: (context) => run(name, context),
        };
      });
    },
  };
}

/** A cache whose entries go stale, lose their bodies or are gone when the test says so. */
export interface TestCache extends Plugin {
  /** From now on what is kept is past its freshness, until it is stored again. */
  expire(): void;
  evictBodies(): void;
  clear(): void;
  readonly size: () => number;
}

export function testCache(): TestCache {
  const entries = new Map<string, Delivered & { expired: boolean }>();
  return {
    name: "test-cache",
    version: "1",
    apiVersion: 1,
    expire() {
      for (const [key, entry] of entries) entries.set(key, { ...entry, expired: true });
    },
    evictBodies() {
      for (const [key, { record, expired }] of entries) entries.set(key, { record, expired });
    },
    clear: () => entries.clear(),
    size: () => entries.size,
    apply({ hooks }) {
      hooks.lookup.tap("test-cache", ({ key, isFresh, offer }) => {
        const entry = entries.get(key);
        if (!entry) return undefined;
        const { expired, ...found } = entry;
        if (!expired && isFresh(entry.record)) return { ...found, cache: "test-cache" };
        offer(found);
        return undefined;
      });
      hooks.store.tap("test-cache", (record, body) => {
        entries.set(record.key, { record, expired: false, ...(body ? { body } : {}) });
      });
    },
  };
}

export { until } from "@mediatap/test";
