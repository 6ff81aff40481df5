import { setTimeout as delay } from "node:timers/promises";
import { maskUrl, reasonOf } from "@mediatap/core";
import { withTimeout } from "@mediatap/core/cache";
import type { Keyv, KeyvStoreAdapter } from "keyv";

/** A store of Keyv's, or one that Keyv can use, such as a `Map`. */
export type AnyStore = Keyv | KeyvStoreAdapter | Map<unknown, unknown>;

/** What `@keyv/redis` takes: a URL, or the options of a client, a cluster or sentinels. */
export type RedisOptions = string | Readonly<Record<string, unknown>>;

/** Milliseconds that a server that stops waits for a connection to close. */
const CLOSE_TIMEOUT_MS = 500;

/** Milliseconds that requests wait for a connection that is being opened. */
const CONNECT_TIMEOUT_MS = 1_000;

/** Timeouts in a row after which a connection counts as dead and is opened again. */
const MAX_TIMEOUTS = 5;

/** Milliseconds between a write and the check whether it won, in a store without conditional writes. */
const SETTLE_MS = 50;

/** A store that reports failures and connects on first use. */
export interface Link {
  get(key: string): Promise<unknown>;
  getMany(keys: string[]): Promise<unknown[]>;
  /** `ttl` in milliseconds; left out: the value does not expire. */
  set(key: string, value: string, ttl?: number): Promise<void>;
  /** Sets a value unless there is one, and returns whether it did. The caller has found none. */
  setIfAbsent(key: string, value: string): Promise<boolean>;
  delete(key: string): Promise<void>;
  /** Counts a reply that did not arrive in time. */
  reportTimeout(): void;
  /** The first outcome of connecting: whether it worked. */
  readonly connected: Promise<boolean>;
  /** Why the store cannot be used, for the operator: with its address and the last error. */
  failureText(): string;
  close(): Promise<void>;
}

interface Connection {
  readonly keyv: Keyv;
  /** Resolves once it can be used. */
  readonly ready: Promise<unknown>;
  /** Left out: the store has no conditional writes. */
  setIfAbsent?(key: string, value: string): Promise<boolean>;
  /** `force`: without waiting, if the client can do that. */
  disconnect(force: boolean): Promise<unknown>;
}

/** A link to a store that the configuration created. */
export function storeLink(store: AnyStore): Link {
  return linkOf("the store", async () => {
    const keyv = isKeyv(store) ? store : await ownKeyv(store);
    return { keyv, ready: Promise.resolve(), disconnect: () => keyv.disconnect() };
  });
}

/** A link to Redis, or to a server with its protocol. */
export function redisLink(options: RedisOptions): Link {
  return linkOf(nameOf(options), async () => {
    const { default: KeyvRedis } = await import("@keyv/redis");
    const adapter = new KeyvRedis(clientOptions(options), { throwOnErrors: true });
    const keyv = await ownKeyv(adapter);
    const ready = adapter.getClient();
    return {
      keyv,
      ready,
      setIfAbsent: async (key, value) =>
        (await (await ready).set(key, wrapped(value), { NX: true })) === "OK",
      disconnect: (force) => adapter.disconnect(force),
    };
  });
}

function isKeyv(store: AnyStore): store is Keyv {
  return "store" in store && "opts" in store;
}

/** Keys are complete already, and values are text that only needs its expiry time in front. */
async function ownKeyv(store: KeyvStoreAdapter | Map<unknown, unknown>): Promise<Keyv> {
  const { Keyv } = await import("keyv");
  return new Keyv({
    store,
    useKeyPrefix: false,
    throwOnErrors: true,
    serialize: ({ value, expires }) => wrapped(String(value), expires),
    deserialize<T>(text: string) {
      const end = text.indexOf("\n");
      const expires = Number(text.slice(0, end));
      return { value: text.slice(end + 1) as T, ...(expires > 0 && { expires }) };
    },
    ...({ namespace: undefined } as object),
  });
}

/** A value as it is stored. */
function wrapped(value: string, expires?: number): string {
  return `${expires ?? ""}\n${value}`;
}

/** Its name in messages: with its address, if that is one URL, without the password. */
function nameOf(options: RedisOptions): string {
  const url = typeof options === "string" ? options : options.url;
  return typeof url === "string" ? `Redis at ${maskUrl(url)}` : "Redis";
}

function linkOf(name: string, connect: () => Promise<Connection>): Link {
  let connection: Promise<Connection> | undefined;
  /** The current connection has been usable. */
  let isReady = false;
  let connectStart = 0;
  let timeouts = 0;
  /** Some stores swallow errors, and only emit them. */
  let errors = 0;
  let lastError: unknown;
  const connected = Promise.withResolvers<boolean>();
  const failureText = () => {
    if (isReady) return `${name} does not respond`;
    return `${name} is not connected${lastError === undefined ? "" : `: ${reasonOf(lastError)}`}`;
  };

  async function open(): Promise<Connection> {
    isReady = false;
    const opened = await connect();
    // The time that loading the client takes does not count.
    connectStart = performance.now();
    opened.keyv.on("error", (error: unknown) => {
      errors++;
      lastError = error;
      connected.resolve(false);
    });
    opened.ready.then(
      () => {
        isReady = true;
        connected.resolve(true);
      },
      (error: unknown) => {
        lastError = error;
        connection = undefined;
        connected.resolve(false);
      },
    );
    return opened;
  }

  async function run<T>(work: (keyv: Keyv, connection: Connection) => Promise<T>): Promise<T> {
    connection ??= open();
    const current = connection;
    const opened = await current;
    const { keyv, ready } = opened;
    if (!isReady && performance.now() - connectStart > CONNECT_TIMEOUT_MS) throw new Error(failureText());
    await ready;
    // A client that was disconnected meanwhile would connect again, and nothing would disconnect it.
    if (connection !== current) throw new Error("the store was let go of");
    const before = errors;
    const result = await work(keyv, opened);
    if (errors !== before) throw lastError;
    timeouts = 0;
    return result;
  }

  /** Disconnects; the next use connects again. */
  async function disconnect(force: boolean): Promise<void> {
    const opened = await connection;
    connection = undefined;
    await withTimeout(CLOSE_TIMEOUT_MS, Promise.resolve(opened?.disconnect(force || !isReady))).catch(() =>
      opened?.disconnect(true),
    );
  }

  return {
    get: (key) => run((keyv) => keyv.get<unknown>(key)),
    getMany: (keys) => run((keyv) => keyv.getMany<unknown>(keys)),
    async set(key, value, ttl) {
      // For Keyv, 0 means no expiry.
      if (!(await run((keyv) => keyv.set(key, value, ttl ?? 0))))
        throw new Error("the store refused a value");
    },
    setIfAbsent: (key, value) =>
      run(async (keyv, { setIfAbsent }) => {
        if (setIfAbsent) return await setIfAbsent(key, value);
        await keyv.set(key, value, 0);
        await delay(SETTLE_MS);
        return (await keyv.get(key)) === value;
      }),
    delete: (key) => run((keyv) => keyv.delete(key)).then(() => undefined),
    reportTimeout() {
      // A connection that is being opened has its own timeout.
      if (++timeouts < MAX_TIMEOUTS || !isReady) return;
      timeouts = 0;
      void disconnect(true).catch(() => undefined);
    },
    connected: connected.promise,
    failureText,
    close: () => disconnect(false).catch(() => undefined),
  };
}

/** Milliseconds until the next attempt to connect. */
const backoff = (retries: number) => Math.min(50 * 2 ** retries, 2000) + Math.floor(Math.random() * 50);

/** Commands fail immediately while there is no connection: a queue of commands would delay responses and is not bounded. */
function clientOptions(options: RedisOptions): Record<string, unknown> {
  const given = typeof options === "string" ? { url: options } : options;
  const client = (own: unknown): object => {
    const { socket, ...more } = (own ?? {}) as { socket?: object };
    return {
      disableOfflineQueue: true,
      pingInterval: 10_000,
      ...more,
      socket: { connectTimeout: 2000, reconnectStrategy: backoff, ...socket },
    };
  };
  if ("rootNodes" in given) return { ...given, defaults: client(given.defaults) };
  if ("sentinelRootNodes" in given) return { ...given, nodeClientOptions: client(given.nodeClientOptions) };
  return { ...client(given) };
}
