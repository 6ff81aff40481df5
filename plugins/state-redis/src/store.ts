import { maskUrl, type PluginApi, reasonOf } from "@mediatap/core";
import { withTimeout } from "@mediatap/core/cache";
import type { Revision, RevisionInfo, StateStore } from "@mediatap/core/state";
import { createClient, createCluster, createSentinel } from "@redis/client";
import { ADD, DELETE, DELETE_BEFORE, LIST, PUT, RANGE, READ, WRITE } from "./scripts.ts";

/** Revisions that are stored. */
const MAX_REVISIONS = 1000;

/** Milliseconds between two polls for revisions of other processes: one GET. */
const WATCH_INTERVAL_MS = 500;

/** Milliseconds between two attempts to connect. */
const RECONNECT_INTERVAL_MS = 500;

export interface RedisSettings {
  readonly redis: string | Readonly<Record<string, unknown>>;
  readonly namespace: string;
  readonly timeout: number;
}

/** Connects on first use. */
export function openRedis(
  { redis, namespace, timeout }: RedisSettings,
  logger: PluginApi["logger"],
): StateStore {
  // In a cluster, all keys are in one slot.
  const prefix = `{${namespace}}:state`;
  const revisions = [`${prefix}:newest`, `${prefix}:revisions`];
  const listeners = new Set<() => void>();
  let connection: Promise<unknown> | undefined;
  let failure: unknown;
  let timer: NodeJS.Timeout | undefined;
  let newest: string | null | undefined;
  let isPolling = false;

  const client = clientOf(redis, timeout);
  const isSingle = typeof redis === "string" || !("rootNodes" in redis || "sentinelRootNodes" in redis);
  const address = typeof redis === "string" ? redis : redis.url;
  const name = typeof address === "string" ? `Redis at ${maskUrl(address)}` : "Redis";
  // Without a listener an error would end the process; commands report it.
  client.on("error", (error: unknown) => {
    failure = error;
  });
  client.on("ready", () => {
    failure = undefined;
  });

  async function connect(): Promise<void> {
    try {
      await client.connect();
    } catch (error) {
      // A single client tries again by itself.
      if (!isSingle) connection = undefined;
      throw error;
    }
  }

  async function runCommand<T>(work: () => Promise<T>): Promise<T> {
    connection ??= connect();
    connection.catch(() => {});
    const onTimeout = (): never => {
      const reason = failure === undefined ? `no answer within ${timeout} ms` : reasonOf(failure);
      throw new Error(`${name}: ${reason}`, { cause: failure });
    };
    // A single client queues commands until it is connected.
    const result = isSingle ? work() : connection.then(work);
    return await withTimeout(timeout, result, { onTimeout });
  }

  const run = (script: string, keys: string[], ...args: readonly (string | number)[]): Promise<unknown> =>
    runCommand(() => client.eval(script, { keys, arguments: args.map(String) }));

  /** Tells listeners if the newest revision is another one, and at first: it may have been written since they read. */
  async function poll(): Promise<void> {
    if (isPolling) return;
    isPolling = true;
    try {
      const reply = (await runCommand(() => client.get(revisions[0] as string))) ?? "0";
      if (newest === null) logger.info("revisions are found again");
      const isNew = newest !== reply;
      newest = reply;
      if (isNew) for (const listener of listeners) listener();
    } catch (err) {
      // Once, until it works again.
      if (newest !== null) logger.warn({ err }, "looking for other revisions failed");
      newest = null;
    } finally {
      isPolling = false;
    }
  }

  return {
    async read(number) {
      const reply = await run(READ, revisions, number ?? "");
      return typeof reply === "string" ? (JSON.parse(reply) as Revision) : undefined;
    },
    async write({ time, author, comment, content }, expected) {
      const revision: Revision = { number: expected + 1, time, author, comment, content };
      const written = await run(WRITE, revisions, expected, JSON.stringify(revision), MAX_REVISIONS);
      if (written !== 1) return undefined;
      if (listeners.size > 0) await poll();
      return revision;
    },
    async list({ before, limit }) {
      const reply = (await run(LIST, revisions, before ?? "", limit)) as string[];
      return reply.map((text): RevisionInfo => {
        const { content: _, ...info } = JSON.parse(text) as Revision;
        return info;
      });
    },
    watch(onChange) {
      listeners.add(onChange);
      void poll();
      timer ??= setInterval(poll, WATCH_INTERVAL_MS).unref();
      return () => {
        listeners.delete(onChange);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    records(name) {
      const keys = [`${prefix}:keys:${name}`, `${prefix}:values:${name}`];
      return {
        async get(key) {
          return (await runCommand(() => client.hGet(keys[1] as string, key))) ?? undefined;
        },
        async put(key, value) {
          await run(PUT, keys, key, value);
        },
        async add(key, value) {
          return (await run(ADD, keys, key, value)) === 1;
        },
        async delete(key) {
          await run(DELETE, keys, key);
        },
        async list(from, to) {
          const bounds = [from === undefined ? "-" : `[${from}`, to === undefined ? "+" : `(${to}`];
          const reply = (await run(RANGE, keys, ...bounds)) as string[];
          return Array.from({ length: reply.length / 2 }, (_, at) => {
            const [key = "", value = ""] = reply.slice(2 * at, 2 * at + 2);
            return [key, value] as const;
          });
        },
        async deleteBefore(key) {
          await run(DELETE_BEFORE, keys, `(${key}`);
        },
      };
    },
    async close() {
      clearInterval(timer);
      listeners.clear();
      if (connection !== undefined) client.destroy();
    },
  };
}

/** What the three kinds of clients have in common. */
interface Client {
  connect(): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  get(key: string): Promise<string | null>;
  hGet(key: string, field: string): Promise<string | null>;
  on(event: string, listener: (error: unknown) => void): unknown;
  destroy(): unknown;
}

function clientOf(redis: RedisSettings["redis"], timeout: number): Client {
  const given = typeof redis === "string" ? { url: redis } : redis;
  const clientOptions = (own: unknown): object => {
    const { socket, ...more } = (own ?? {}) as { socket?: object };
    const connect = { connectTimeout: timeout, reconnectStrategy: RECONNECT_INTERVAL_MS };
    return { disableOfflineQueue: false, ...more, socket: { ...connect, ...socket } };
  };
  if ("rootNodes" in given) {
    return createCluster({ ...given, defaults: clientOptions(given.defaults) } as never) as never;
  }
  if ("sentinelRootNodes" in given) {
    return createSentinel({
      ...given,
      nodeClientOptions: clientOptions(given.nodeClientOptions),
    } as never) as never;
  }
  return createClient(clientOptions(given)) as never;
}
