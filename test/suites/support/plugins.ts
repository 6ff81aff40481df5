import { cacheMemory } from "@mediatap/cache-memory";
import { bodyOf, type MediatapConfig, type Plugin, type RenderContext } from "@mediatap/core";
import { type CacheEntry, type CacheTier, matchesRule } from "@mediatap/core/cache";
import { imageSharp } from "@mediatap/image-sharp";
import { manageImagekit } from "@mediatap/manage-imagekit";
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
    manageImagekit(),
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
    return { body: bodyOf(bytes), type: "text/plain", format: "gate" };
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

/** A cache in this process's memory that shows what it has, and whose entries age or vanish when the test says so. */
export interface TestCache extends Plugin {
  readonly entries: Map<string, CacheEntry>;
  /** How often something was stored. */
  readonly puts: () => number;
  readonly size: () => number;
  change(change: (entry: CacheEntry) => CacheEntry): void;
  /** From now on what is there is past its freshness, until it is stored again. */
  expire(): void;
  /** Lets so many seconds pass. */
  pass(seconds: number): void;
  evictBodies(): void;
  clear(): void;
  /** Storing fails. */
  fails: boolean;
  /** Lookups that have read their entry wait for this. */
  hold?: Promise<unknown>;
  /** Lookups so far. */
  readonly gets: () => number;
}

export function testCache({ name = "test-cache", tier = "memory" as CacheTier } = {}): TestCache {
  const entries = new Map<string, CacheEntry>();
  let puts = 0;
  let gets = 0;
  const change = (of: (entry: CacheEntry) => CacheEntry) => {
    for (const [key, entry] of entries) entries.set(key, of(entry));
  };
  const aged = (by: number, { metadata, ...rest }: CacheEntry): CacheEntry => {
    const { stored, freshUntil } = metadata;
    return { ...rest, metadata: { ...metadata, stored: stored - by, freshUntil: freshUntil - by } };
  };
  const plugin: TestCache = {
    name,
    version: "1",
    apiVersion: 1,
    entries,
    puts: () => puts,
    gets: () => gets,
    size: () => entries.size,
    fails: false,
    change,
    expire: () =>
      change(({ metadata, ...rest }) => ({ ...rest, metadata: { ...metadata, freshUntil: Date.now() - 1 } })),
    pass: (seconds) => change((entry) => aged(seconds * 1000, entry)),
    evictBodies: () => change(({ metadata }) => ({ metadata })),
    clear: () => entries.clear(),
    apply(api) {
      api.cache({
        tier,
        settings: {},
        maxEntryBytes: 10_000_000,
        open: () => ({
          get(key) {
            gets++;
            const entry = entries.get(key);
            return plugin.hold ? plugin.hold.then(() => entry) : entry;
          },
          put(key, metadata, body) {
            if (plugin.fails) throw new Error("no room");
            puts++;
            const before = entries.get(key);
            const kept = body ?? (before?.metadata.etag === metadata.etag ? before?.body : undefined);
            entries.set(key, { metadata, ...(kept && { body: kept }) });
          },
          delete: (key) => void entries.delete(key),
          deleteMatching(rule) {
            for (const [key, { metadata }] of entries) if (matchesRule(metadata, rule)) entries.delete(key);
          },
        }),
      });
    },
  };
  return plugin;
}

export { until } from "@mediatap/test";
