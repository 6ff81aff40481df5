import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import {
  type Body,
  bodyOf,
  type MediatapConfig,
  type Plugin,
  type Rendition,
  type RenditionRecord,
} from "@mediatap/core";
import type { ActiveRule } from "@mediatap/core/cache";
import { createServer, loadConfig, type ServerOptions } from "@mediatap/core/server";
import { jobLanguage, MEMORY_ENDPOINT, memoryStorage } from "./stand-ins.ts";

/** What a cache returned, and what it offered as past its freshness. */
export interface Finding {
  readonly found: (Rendition & { readonly cache: string }) | undefined;
  readonly stale: Rendition | undefined;
}

/** The hooks of a cache inside a server that listens to nobody. */
export interface CacheHost extends AsyncDisposable {
  /** Resolves when the cache is done with it. */
  store(record: RenditionRecord, bytes?: Uint8Array, since?: number): Promise<void>;
  /** The moment, for work that stores its result later. */
  now(): number;
  /** A record counts as fresh unless the test says otherwise. */
  find(key: string, fresh?: boolean): Promise<Finding>;
  /** Looks for an entry whose body is wanted; a cache that passes is filled with `below`, if it asks for that. */
  findWhole(key: string, below?: Rendition): Promise<Finding>;
  /** `tenant` left out: of all accounts. */
  purge(kind: ActiveRule["kind"], value: string, tenant?: string): Promise<void>;
  close(): Promise<void>;
}

export interface HostOptions {
  /** Left out: nothing is logged. */
  readonly log?: NonNullable<ServerOptions["log"]>;
  readonly limits?: NonNullable<MediatapConfig["limits"]>;
  /** Origins, and the plugins that serve them, that the cache works with. */
  readonly origins?: NonNullable<MediatapConfig["origins"]>;
  readonly plugins?: readonly Plugin[];
}

interface Question {
  readonly key: string;
  readonly needsBody: boolean;
  readonly fresh: boolean;
  readonly below?: Rendition | undefined;
}

/** Drives a cache as the core does. */
export async function hostCache(
  plugin: Plugin,
  { log, limits = {}, origins = {}, plugins = [] }: HostOptions = {},
): Promise<CacheHost> {
  const config = await loadConfig(
    {
      plugins: [jobLanguage(), memoryStorage(new Map()), ...plugins, plugin],
      ...MEMORY_ENDPOINT,
      origins: { ...MEMORY_ENDPOINT.origins, ...origins },
      log: { level: "silent" },
      limits,
    },
    { source: "test", base: process.cwd() },
  );
  const server = await createServer({ config, ...(log && { log }) });
  const { cache, purges } = server.runtime;
  await server.runtime.start();

  async function find({ key, needsBody, fresh, below }: Question): Promise<Finding> {
    const { found, stale, fill } = await cache.find({
      key,
      body: needsBody ? "required" : "wanted",
      client: { signal: new AbortController().signal },
      judge: () => (fresh ? "fresh" : "stale"),
    });
    if (below && !found) await fill({ metadata: below.record, ...withBody(below.body) });
    return {
      found: found && { record: found.metadata, ...withBody(found.body), cache: found.cache },
      stale: stale && { record: stale.metadata, ...withBody(stale.body) },
    };
  }

  return {
    store: (record, bytes, since) => cache.store(record, bytes && bodyOf(bytes), since),
    now: purges.purgeRules.now,
    find: (key, fresh = true) => find({ key, needsBody: false, fresh }),
    findWhole: (key, below) => find({ key, needsBody: true, fresh: true, below }),
    purge: (kind, value, tenant) =>
      purges.begin([{ kind, value, ...(tenant !== undefined && { tenant }) }]).done,
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

const withBody = (body: Body | undefined) => (body?.complete ? { body } : {});

/** A key as the core makes them. */
export const newKey = () => randomBytes(32).toString("base64url");

/** The source of a record, by its path. */
export const sourcesOf = (...paths: readonly string[]): RenditionRecord["sources"] =>
  paths.map((path) => ({ origin: "files", path, fetched: 1_700_000_000_000 }));

/** A record of a rendition, fresh, with an entity tag that no other has. */
export function newRecord(key = newKey(), more: Partial<RenditionRecord> = {}): RenditionRecord {
  return {
    key,
    engines: "engine@1",
    type: "image/webp",
    format: "webp",
    width: 400,
    height: 300,
    etag: `"${key}.${randomBytes(4).toString("hex")}"`,
    lastModified: 1_700_000_000_000,
    sources: [
      {
        origin: "files",
        path: "a/photo.jpg",
        fetched: 1_700_000_000_000,
        size: 9,
        etag: '"origin"',
        freshFor: 60_000,
      },
    ],
    stored: Date.now(),
    freshUntil: Date.now() + 60_000,
    private: false,
    original: false,
    ...more,
  };
}

/** The bytes of an entry, which must have a body. */
export async function bytesOf(entry: Rendition | undefined): Promise<Buffer> {
  assert(entry?.body, "it has a body");
  return buffer(await entry.body.stream());
}
