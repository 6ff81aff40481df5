import {
  type Asset,
  didYouMean,
  MediaError,
  type Plugin,
  type PluginApi,
  parseOptions,
  type RuntimeInfo,
  Stage,
} from "@mediatap/core";
import { isStorable, measureCache, monotonicNow } from "@mediatap/core/cache";
import type { Storage } from "@mediatap/core/storage";
import { z } from "zod";
import { createBans } from "./bans.ts";
import { createBudget } from "./budget.ts";
import { examine } from "./check.ts";
import { createFetch } from "./fetch.ts";
import { createCopyLeases } from "./leases.ts";
import { nameOf } from "./names.ts";
import { purge } from "./purge.ts";
import { isSame, sourceFacts } from "./record.ts";
import { createStore, type WritableStorage, type Writing } from "./store.ts";

const NAME = "cache-source";
const DAY = 24 * 60 * 60 * 1000;
const GB = 1024 ** 3;

const schema = z.strictObject({
  /** Name of the origin in which copies are kept: one that can be written to, and that no endpoint asks. */
  storage: z.string().min(1),
  /** Names of the origins whose files are copied; a tenant's as `tenant/name`. Left out: all but folders. */
  origins: z.array(z.string()).optional(),
  /** Milliseconds after which the origin is asked whether a copy is still right; `false`: never. */
  revalidate: z.union([z.number().min(0), z.literal(false)]).default(DAY),
  /** Milliseconds beyond that for which a copy is used while its origin fails. */
  staleIfError: z
    .number()
    .min(0)
    .default(7 * DAY),
  /** Bytes of all copies; `false`: no limit. Left out: 10 GB in a folder, else no limit. */
  budget: z.union([z.int().positive(), z.literal(false)]).optional(),
  /** Largest file that is copied, in bytes. Left out: an eighth of the budget. */
  maxFileBytes: z.int().positive().optional(),
});

/** Options of `cacheSource`. */
export type CacheSourceOptions = z.input<typeof schema>;
type Options = z.output<typeof schema>;

/**
 * Keeps a copy of each original in a storage of one's own when it is read for the first time, and reads it from there
 * from then on. Origins are asked again when a copy's time is up, and a copy stands in for an origin that fails.
 */
export function cacheSource(options: CacheSourceOptions): Plugin {
  const checked = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply(api) {
      const { hooks } = api;
      const writing = api.shared<Writing>(`${NAME}:${checked.storage}`, () => ({
        names: new Set(),
        bans: createBans(),
        purged: 0,
      }));
      let parts: ReturnType<typeof start> | undefined;

      measureCache(api, { cache: NAME, shared: true, read: () => parts?.budget?.contents() });
      hooks.start.tap(NAME, (runtime) => {
        parts = start(api, writing, checked, runtime);
      });

      hooks.fetch.tapPromise({ name: NAME, stage: Stage.copies }, async (asset, conditions, context) => {
        if (conditions.except) return undefined;
        const endpoint = parts?.endpointOf(asset);
        return endpoint && parts?.fetch({ asset, conditions, context, endpoint });
      });

      hooks.opened.tap(NAME, ({ facts, copy }) => {
        const place = parts?.places.get(facts.origin);
        if (!parts || place === undefined) return;
        const { store, leases, maxFileBytes } = parts;
        const name = nameOf(place, facts);
        if (!isStorable(facts) || (facts.size ?? 0) > maxFileBytes) {
          leases.none(name);
          return;
        }
        const since = writing.bans.now();
        copy((body) => leases.saving(name, store.save(name, facts, body, since)));
      });

      hooks.report.tap(NAME, (report) => {
        if (report.kind === "render") parts?.leases.ended(report.context);
      });

      hooks.reopen.tapPromise(NAME, async (facts, wanted) => {
        const place = parts?.places.get(facts.origin);
        if (!parts || place === undefined) return undefined;
        const name = nameOf(place, facts);
        const record = await parts.store.read(name, facts, wanted.signal);
        // A version that cannot be told from others is the origin's to give.
        if (!record || !isSame(sourceFacts(record), facts)) return undefined;
        return parts.store.open(name, record, wanted);
      });

      hooks.purge.tapPromise(NAME, async (ban) => {
        if (!parts) return;
        writing.bans.add(ban);
        writing.purged = monotonicNow();
        await purge(parts.store, parts.places, ban, new AbortController().signal);
      });

      hooks.diagnose.tapPromise(NAME, async (diagnosis) => {
        if (parts && !diagnosis.local) await examine(parts.store.storage, checked.storage, diagnosis);
      });

      hooks.stop.tapPromise(NAME, async () => {
        await parts?.budget?.stop();
        await parts?.store.stop();
      });
    },
  };
}

/** What the plugin works with once the origins are known. Throws `ECONFIG` where options do not fit them. */
function start(api: PluginApi, writing: Writing, options: Options, runtime: RuntimeInfo) {
  const { logger } = api;
  const limits = api.limitsOf();
  const storage = writableOf(api, options.storage);
  assertHidden(options.storage, runtime);
  const places = placesOf(options, runtime);
  const isFolder = typeOf(options.storage, runtime) === "FOLDER";
  const maxBytes = options.budget ?? (isFolder && 10 * GB);
  const maxFileBytes =
    options.maxFileBytes ?? (maxBytes === false ? Number.POSITIVE_INFINITY : Math.ceil(maxBytes / 8));
  const store = createStore({
    storage,
    writing,
    logger,
    maxFileBytes,
    rest: limits.failureLifetime,
    grace: limits.request,
    onSaved: (name, record) => budget?.saved(name, record),
  });
  const budget = maxBytes === false ? undefined : createBudget({ store, maxBytes, logger });
  const leases = createCopyLeases(api.cluster.locks, options.storage);
  const fetch = createFetch({
    plugin: NAME,
    api,
    store,
    leases,
    purged: () => writing.purged,
    places,
    revalidate: options.revalidate === false ? Number.POSITIVE_INFINITY : options.revalidate,
    staleIfError: options.staleIfError,
    onUsed: (name, record) => budget?.used(name, record),
  });
  return {
    store,
    leases,
    budget,
    places,
    maxFileBytes,
    fetch,
    endpointOf: ({ tenant, endpoint }: Asset) =>
      runtime.endpoints.find((known) => known.tenant === tenant && known.name === endpoint),
  };
}

function writableOf(api: PluginApi, name: string): WritableStorage {
  let storage: Storage;
  try {
    storage = api.origins.storage(name);
  } catch (error) {
    throw optionError("storage", (error as Error).message);
  }
  const { write, remove, list } = storage;
  if (!write || !remove || !list) throw optionError("storage", `the origin '${name}' cannot be written to`);
  return storage as WritableStorage;
}

/** Whoever could ask for the files of copies by their names would read private ones, and those of other tenants. */
function assertHidden(name: string, { endpoints }: RuntimeInfo): void {
  const asking = endpoints.find(({ origins, library }) => library === name || origins.includes(name));
  if (!asking) return;
  throw optionError(
    "storage",
    `the endpoint ${asking.name} asks the origin '${name}'; copies need a separate origin`,
  );
}

/** Fingerprints of the origins whose files are copied. Folders are as near as their copies would be. */
function placesOf(
  { origins: wanted, storage }: Options,
  { origins }: RuntimeInfo,
): ReadonlyMap<string, string> {
  const names = origins.map(({ name }) => name);
  const unknown = wanted?.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw optionError("origins", `unknown origin '${unknown}'${didYouMean(unknown, names)}`);
  }
  const copied = origins.filter(
    ({ name, type }) => name !== storage && (wanted ? wanted.includes(name) : type !== "FOLDER"),
  );
  return new Map(copied.map(({ name, fingerprint }) => [name, fingerprint]));
}

function typeOf(wanted: string, { origins }: RuntimeInfo): string | undefined {
  return origins.find(({ name }) => name === wanted)?.type;
}

function optionError(field: string, what: string): MediaError {
  return new MediaError("ECONFIG", `${NAME}.${field}: ${what}`);
}

export default cacheSource;
