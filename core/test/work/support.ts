import { pino } from "pino";
import { createCache, createNegativeCache } from "../../src/cache/cache.ts";
import { createPurgeRules } from "../../src/cache/purge-rules.ts";
import { createTier } from "../../src/cache/tier.ts";
import { memorySource } from "../../src/decode/memory.ts";
import { createHooks, type Report } from "../../src/hooks.ts";
import type { Endpoint } from "../../src/model/endpoint.ts";
import type { Job } from "../../src/model/job.ts";
import { DEFAULT_LIMITS } from "../../src/model/limits.ts";
import type { Plan } from "../../src/model/plan.ts";
import { bodyOf, type PlanResult } from "../../src/model/rendition.ts";
import { NOT_MODIFIED, type Source, type SourceMetadata } from "../../src/model/source.ts";
import { createBuiltInRegistry } from "../../src/model/steps/built-in.ts";
import { createRender } from "../../src/work/render.ts";
import { createScheduler } from "../../src/work/scheduler.ts";
import { fakeClock, mapBackend, newStore } from "../cache/support.ts";

export const HOUR = 3_600_000;
export const KEY = "key";
const signal = new AbortController().signal;

export const jobOf = (path = "a.jpg"): Job => ({
  asset: { tenant: "", endpoint: "photos", kind: "path", path },
  transformation: { steps: [], output: { format: "webp" } },
  accept: "basic",
  query: [],
  delivery: {},
  language: "test",
  media: "image",
});

export const newEndpoint = (more: Partial<Endpoint> = {}) =>
  ({
    tenant: "",
    name: "photos",
    origins: ["files"],
    cacheControl: "public, max-age=3600",
    originCacheControl: "restrict",
    staleWhileRevalidate: HOUR,
    staleIfError: HOUR,
    tags: [],
    ...more,
  }) as Partial<Endpoint> as Endpoint;

const LIMITS = { ...DEFAULT_LIMITS, memory: 1024 ** 3 };

/** What a render works with: one cache over a Map, the real scheduler, and a clock that stands still. */
export function newParts(endpoint = newEndpoint()) {
  const clock = fakeClock();
  const purgeRules = createPurgeRules();
  const store = newStore();
  const options = { tier: "memory", maxEntryBytes: 1_000_000 } as const;
  const log = pino({ level: "silent" });
  const tier = createTier({
    ...{ name: "cache", backend: mapBackend(store), options, log, clock, cooldown: 1 },
    isPurged: purgeRules.isPurged,
  });
  const cache = createCache({ isUsed: true, failures: createNegativeCache(), now: purgeRules.now });
  cache.open([tier]);
  const endpoints = new Map([["photos", endpoint]]);
  return { purgeRules, cache, clock, endpoints, engines: "engine@1", store };
}

/** A file of an origin; `broken`: reading it fails. */
export interface TestFile extends Partial<SourceMetadata> {
  readonly bytes?: string;
  readonly broken?: boolean;
}

/** Renders by an engine that writes the source's bytes in capitals, from files by origin. */
export function renderer(files: Record<string, TestFile | undefined>, endpoint = newEndpoint()) {
  const parts = newParts(endpoint);
  const hooks = createHooks();
  const calls: string[] = [];
  const reports: Extract<Report, { kind: "render" }>[] = [];
  const opened: { source: Source; isClosed: boolean }[] = [];
  let engine: Partial<Plan> | undefined = {};

  hooks.fetch.tapPromise("files", async (asset, { except, ifNoneMatch, onNotModified }) => {
    for (const [origin, file] of Object.entries(files)) {
      if (!file || except?.includes(origin)) continue;
      const { bytes = "bytes", broken = false, ...more } = file;
      calls.push(`fetch ${origin}`);
      const metadata = { origin, path: asset.path, fetched: parts.clock.now(), etag: '"1"', ...more };
      if (ifNoneMatch !== undefined && ifNoneMatch === metadata.etag) {
        onNotModified?.({ etag: metadata.etag });
        return NOT_MODIFIED;
      }
      const entry = { isClosed: false } as (typeof opened)[0];
      const source: Source = {
        ...memorySource(metadata, Buffer.from(bytes)),
        ...(broken && { bytes: () => Promise.reject(new Error("broke off")), isBroken: () => true }),
        close: async () => {
          entry.isClosed = true;
        },
      };
      opened.push(Object.assign(entry, { source }));
      return source;
    }
    return undefined;
  });
  hooks.transform.tap("engine", (_job, source) => {
    calls.push("transform");
    return (
      engine && {
        engine: "engine",
        lane: "light",
        cost: 1,
        memory: 1,
        explain: () => ({}),
        async run(): Promise<PlanResult> {
          calls.push("run");
          const text = Buffer.from(await source.bytes(100)).toString();
          const body = bodyOf(Buffer.from(text.toUpperCase()));
          return { body, type: "image/webp", format: "webp" };
        },
        ...engine,
      }
    );
  });
  hooks.report.tap("reports", (report) => {
    if (report.kind === "render") reports.push(report);
  });
  const make = createRender({
    ...parts,
    hooks,
    steps: createBuiltInRegistry(),
    limitsOf: () => LIMITS,
    scheduler: createScheduler(LIMITS, 2),
  });

  return {
    ...parts,
    calls,
    reports,
    opened,
    make: (more: Partial<Parameters<typeof make>[0]> = {}) =>
      make({ job: jobOf(), key: KEY, trusted: false, ...more }, signal),
    /** What the engine does otherwise; `undefined`: it has nothing to do. */
    setEngine(plan: Partial<Plan> | undefined) {
      engine = plan;
    },
    /** The bytes that the cache has. */
    cached: () => Buffer.from(parts.store.entries.get(KEY)?.body?.bytes ?? "").toString(),
  };
}
