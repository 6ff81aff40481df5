import { MediaError, type Plugin, parseOptions, Stage } from "@mediatap/core";
import { z } from "zod";
import { type AnyStore, redisLink, storeLink } from "./link.ts";
import { createStore, type Store } from "./store.ts";

const NAME = "cache-keyv";
const MB = 1024 * 1024;
const DAY = 24 * 60 * 60 * 1000;

const schema = z.strictObject({
  /** Redis or Valkey: a URL, or the options of a client, a cluster (`rootNodes`) or sentinels (`sentinelRootNodes`). */
  redis: z.union([z.string().min(1), z.record(z.string(), z.unknown())]).optional(),
  /** A Keyv, or a store for one; the plugin closes it in the end. */
  store: z.custom<AnyStore>(isStore, "Expected a Keyv or a store for one").optional(),
  /** What all keys begin with. */
  namespace: z.string().min(1).default("mediatap"),
  /** Largest body that is kept, in bytes; of a larger one, the record. */
  maxEntryBytes: z.int().positive().default(MB),
  /** Milliseconds for which an entry is kept. */
  ttl: z
    .int()
    .positive()
    .default(30 * DAY),
  /** Milliseconds that a lookup waits for the store; then the request goes on without it. */
  timeout: z.int().positive().default(100),
  /** Keep what only clients with a signature may see, too: only where nobody else reads the store. */
  private: z.boolean().default(false),
});

/** Options of `cacheKeyv`. */
export type CacheKeyvOptions = z.input<typeof schema>;

/** Tells stores of the configuration apart. */
const numbers = new WeakMap<object, number>();
let last = 0;

/**
 * Keeps renditions in Redis, or any other store that Keyv has an adapter for, so that several servers have them in common.
 */
export function cacheKeyv(options: CacheKeyvOptions): Plugin {
  const { redis, store: given, ...checked } = parseOptions(schema, options, NAME);
  if ((redis === undefined) === (given === undefined))
    throw new MediaError("ECONFIG", `${NAME}: Expected one of redis, store`);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ hooks, shared, logger, limitsOf }) {
      const settings = { ...checked, rest: limitsOf().failureLifetime };
      const place = given ? numberOf(given) : redis;
      const store = shared<Store>(`${NAME}:${JSON.stringify([place, settings])}`, () =>
        createStore(given ? storeLink(given) : redisLink(redis as string), settings, logger),
      );

      hooks.start.tapPromise(NAME, ({ endpoints }) => store.start(endpoints.map(({ tenant }) => tenant)));

      hooks.lookup.tapPromise({ name: NAME, stage: Stage.network }, async (lookup) => {
        const found = await store.find(lookup.key);
        if (found && (found.body || !lookup.needsBody)) {
          if (lookup.isFresh(found.record)) return { ...found, cache: NAME };
          lookup.offer(found);
        }
        lookup.fill(({ record, body }) => store.store(record, body));
        return undefined;
      });

      hooks.store.tapPromise(NAME, (record, body) => store.store(record, body));
      hooks.purge.tapPromise(NAME, (ban) => store.purge(ban));

      hooks.diagnose.tapPromise(NAME, async (diagnosis) => {
        if (diagnosis.local) return;
        try {
          const text = `a value is written, read and removed in ${Math.round(await store.probe())} ms`;
          diagnosis.add({ what: NAME, state: "good", text });
        } catch (error) {
          const advice = "is it running, and may this machine reach it with these credentials?";
          diagnosis.add({ what: NAME, state: "bad", text: (error as Error).message, advice });
        }
      });
    },
  };
}

function isStore(value: unknown): boolean {
  if (value instanceof Map) return true;
  const store = value as Partial<Record<string, unknown>> | null | undefined;
  return ["get", "set", "delete"].every((name) => typeof store?.[name] === "function");
}

function numberOf(store: object): number {
  const number = numbers.get(store) ?? ++last;
  numbers.set(store, number);
  return number;
}

export default cacheKeyv;
