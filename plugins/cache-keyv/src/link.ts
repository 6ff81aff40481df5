import { setTimeout as delay } from "node:timers/promises";
import { maskUrl, reasonOf } from "@mediatap/core";
import { withTimeout } from "@mediatap/core/cache";
import type { Keyv, KeyvStoreAdapter } from "keyv";

/** A store of Keyv's, or one that Keyv can use, such as a `Map`. */
export type AnyStore = Keyv | KeyvStoreAdapter | Map<unknown, unknown>;

/** What `@keyv/redis` takes: a URL, or the options of a client, a cluster or sentinels. */
export type RedisOptions = string | Readonly<Record<string, unknown>>;

/** Milliseconds that the end of a server waits for a connection to be closed. */
const LAST = 500;

/** Milliseconds for which a connection that is being made is waited for. */
const CONNECTING = 1_000;

/** Timeouts in a row after which a connection is taken for dead, and made again. */
const HANGING = 5;

/** Milliseconds after which a value that was set is its writer's, in a store without conditional writes. */
const SETTLE_MS = 50;

/** A store that says when it fails, and is connected when it is first used. */
export interface Link {
  get(key: string): Promise<unknown>;
  getMany(keys: string[]): Promise<unknown[]>;
  /** `ttl` in milliseconds; left out: for good. */
  set(key: string, value: string, ttl?: number): Promise<void>;
  /** Sets a value unless there is one; whether it did. The caller has found none. */
  setIfAbsent(key: string, value: string): Promise<boolean>;
  delete(key: string): Promise<void>;
  /** Says that an answer did not come in time. */
  late(): void;
  /** The first outcome of connecting: whether it worked. */
  readonly connected: Promise<boolean>;
  /** Why it cannot be used, for the operator: with its address, and the last error. */
  trouble(): string;
  close(): Promise<void>;
}

interface Connection {
  readonly keyv: Keyv;
  /** Resolves once it can be used. */
  readonly ready: Promise<unknown>;
  /** Left out: the store has no conditional writes. */
  setIfAbsent?(key: string, value: string): Promise<boolean>;
  /** `force`: breaks it off, where that is known how. */
  end(force: boolean): Promise<unknown>;
}

/** A link to a store that the configuration made. */
export function storeLink(store: AnyStore): Link {
  return linkOf("the store", async () => {
    const keyv = isKeyv(store) ? store : await ownKeyv(store);
    return { keyv, ready: Promise.resolve(), end: () => keyv.disconnect() };
  });
}

/** A link to Redis, or what speaks its protocol. */
export function redisLink(options: RedisOptions): Link {
  return linkOf(nameOf(options), async () => {
    const { default: KeyvRedis } = await import("@keyv/redis");
    const adapter = new KeyvRedis(withPatience(options), { throwOnErrors: true });
    const keyv = await ownKeyv(adapter);
    const ready = adapter.getClient();
    return {
      keyv,
      ready,
      setIfAbsent: async (key, value) =>
        (await (await ready).set(key, wrapped(value), { NX: true })) === "OK",
      end: (force) => adapter.disconnect(force),
    };
  });
}

function isKeyv(store: AnyStore): store is Keyv {
  return "store" in store && "opts" in store;
}

/** Keys are whole already, and values are text that needs no wrapping but the time when it ends. */
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

/** What messages call it: with its address, if that is one URL, without its password. */
function nameOf(options: RedisOptions): string {
  const url = typeof options === "string" ? options : options.url;
  return typeof url === "string" ? `Redis at ${maskUrl(url)}` : "Redis";
}

function linkOf(name: string, connect: () => Promise<Connection>): Link {
  let connection: Promise<Connection> | undefined;
  /** It could be used once. */
  let isReady = false;
  let begun = 0;
  let lates = 0;
  /** Some stores swallow errors, and only emit them. */
  let errors = 0;
  let last: unknown;
  const connected = Promise.withResolvers<boolean>();
  const trouble = () => {
    if (isReady) return `${name} does not respond`;
    return `${name} is not connected${last === undefined ? "" : `: ${reasonOf(last)}`}`;
  };

  async function open(): Promise<Connection> {
    isReady = false;
    const opened = await connect();
    // What loads the client is no part of it.
    begun = performance.now();
    opened.keyv.on("error", (error: unknown) => {
      errors++;
      last = error;
      connected.resolve(false);
    });
    opened.ready.then(
      () => {
        isReady = true;
        connected.resolve(true);
      },
      (error: unknown) => {
        last = error;
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
    if (!isReady && performance.now() - begun > CONNECTING) throw new Error(trouble());
    await ready;
    // A client that was ended meanwhile would connect again, and nobody would end it.
    if (connection !== current) throw new Error("the store was let go of");
    const before = errors;
    const result = await work(keyv, opened);
    if (errors !== before) throw last;
    lates = 0;
    return result;
  }

  /** Lets go of what there is; the next use connects again. */
  async function end(force: boolean): Promise<void> {
    const opened = await connection;
    connection = undefined;
    await withTimeout(LAST, Promise.resolve(opened?.end(force || !isReady))).catch(() => opened?.end(true));
  }

  return {
    get: (key) => run((keyv) => keyv.get<unknown>(key)),
    getMany: (keys) => run((keyv) => keyv.getMany<unknown>(keys)),
    async set(key, value, ttl) {
      // 0 is Keyv's word for no end.
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
    late() {
      // While it connects, it sees by itself to what does not answer.
      if (++lates < HANGING || !isReady) return;
      lates = 0;
      void end(true).catch(() => undefined);
    },
    connected: connected.promise,
    trouble,
    close: () => end(false).catch(() => undefined),
  };
}

/** Milliseconds until the next try to connect. */
const backoff = (retries: number) => Math.min(50 * 2 ** retries, 2000) + Math.floor(Math.random() * 50);

/** Commands fail at once while there is no connection: a queue of them would delay answers, and has no bound. */
function withPatience(options: RedisOptions): Record<string, unknown> {
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
