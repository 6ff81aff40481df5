import { randomBytes } from "node:crypto";
import { MediaError, type Plugin, parseOptions } from "@mediatap/core";
import { withTimeout } from "@mediatap/core/cache";
import { z } from "zod";
import { keyvBackend } from "./backend.ts";
import { type AnyStore, type Link, redisLink, storeLink } from "./link.ts";

const NAME = "cache-keyv";
const MB = 1024 * 1024;
const DAY = 24 * 60 * 60 * 1000;

const schema = z.strictObject({
  /** Redis or Valkey: a URL, or the options of a client, a cluster (`rootNodes`) or sentinels (`sentinelRootNodes`). */
  redis: z.union([z.string().min(1), z.record(z.string(), z.unknown())]).optional(),
  /** A Keyv, or a store for one; the plugin closes it in the end. */
  store: z.custom<AnyStore>(isStore, "Expected a Keyv or a store for one").optional(),
  /** Prefix of all keys. */
  namespace: z.string().min(1).default("mediatap"),
  /** Largest body that is stored, in bytes; for a larger one only the metadata is stored. */
  maxEntryBytes: z.int().positive().default(MB),
  /** Milliseconds for which an entry is stored. */
  ttl: z
    .int()
    .positive()
    .default(30 * DAY),
  /** Milliseconds that a lookup waits for the store; then the request goes on without it. */
  timeout: z.int().positive().default(100),
  /** Also store what only clients with a signature can see: only if nobody else reads the store. */
  private: z.boolean().default(false),
});

/** Options of `cacheKeyv`. */
export type CacheKeyvOptions = z.input<typeof schema>;

const WRITE_TIMEOUT_MS = 2_000;
const MAX_QUEUE_BYTES = 32 * MB;
const PROBE_TIMEOUT_MS = 15_000;

/** Numbers that distinguish the stores of a configuration. */
const numbers = new WeakMap<object, number>();
let lastNumber = 0;

/**
 * Stores renditions in Redis, or in any other store that Keyv has an adapter for, so that several servers share them.
 */
export function cacheKeyv(options: CacheKeyvOptions): Plugin {
  const { redis, store, ...checked } = parseOptions(schema, options, NAME);
  if ((redis === undefined) === (store === undefined))
    throw new MediaError("ECONFIG", `${NAME}: Expected one of redis, store`);
  const connect = () => (store ? storeLink(store) : redisLink(redis as string));
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ cache, hooks, logger }) {
      const { namespace, ttl, ...tierOptions } = checked;
      cache({
        tier: "network",
        settings: { place: store ? numberOf(store) : redis, namespace },
        ...tierOptions,
        ttl,
        writeTimeout: WRITE_TIMEOUT_MS,
        queueBytes: MAX_QUEUE_BYTES,
        open() {
          const link = connect();
          void link.connected.then((isConnected) => {
            if (!isConnected) logger.warn(`${link.failureText()}; the cache is not used until it is`);
          });
          return keyvBackend(link, { namespace, ttl });
        },
      });

      hooks.diagnose.tapPromise(NAME, async (diagnosis) => {
        if (diagnosis.local) return;
        const link = connect();
        try {
          const milliseconds = Math.round(await probe(link, namespace));
          const text = `a value is written, read and removed in ${milliseconds} ms`;
          diagnosis.add({ what: NAME, state: "good", text });
        } catch (error) {
          const advice = "check that it runs, and that this machine can reach it with these credentials";
          diagnosis.add({ what: NAME, state: "bad", text: (error as Error).message, advice });
        } finally {
          if (!store) await link.close();
        }
      });
    },
  };
}

/** The check of `mediatap doctor`: milliseconds that it took to write, read and remove a value. */
async function probe(link: Link, namespace: string): Promise<number> {
  const started = performance.now();
  const name = `${namespace}:doctor-${randomBytes(6).toString("hex")}`;
  const value = "mediatap doctor was here";
  const written = withTimeout(PROBE_TIMEOUT_MS, link.set(name, value, 60_000));
  written.catch(() => {});
  if (!(await withTimeout(PROBE_TIMEOUT_MS, link.connected))) throw new Error(link.failureText());
  await written;
  const found = await withTimeout(PROBE_TIMEOUT_MS, link.get(name));
  if (found !== value) throw new Error("A written value was read with other content");
  await withTimeout(PROBE_TIMEOUT_MS, link.delete(name));
  return performance.now() - started;
}

function isStore(value: unknown): boolean {
  if (value instanceof Map) return true;
  const store = value as Partial<Record<string, unknown>> | null | undefined;
  return ["get", "set", "delete"].every((name) => typeof store?.[name] === "function");
}

function numberOf(store: object): number {
  const number = numbers.get(store) ?? ++lastNumber;
  numbers.set(store, number);
  return number;
}

export default cacheKeyv;
