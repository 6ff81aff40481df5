import { setTimeout as delay } from "node:timers/promises";
import { maskUrl, reasonOf } from "@mediatap/core";
import { withTimeout } from "@mediatap/core/cache";
import type * as Redis from "@redis/client";

/** A URL, or the options of a client, a cluster (`rootNodes`) or sentinels (`sentinelRootNodes`). */
export type RedisOptions = string | Readonly<Record<string, unknown>>;

/** Milliseconds without any success after which connections are made again: they may be dead, and nobody says so. */
const PATIENCE = 5_000;

/** Milliseconds that the end of a server waits for a connection to be closed. */
const LAST = 500;

/** What the three kinds of clients have in common. */
interface Client {
  connect(): Promise<unknown>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  subscribe(channel: string, listener: (text: string) => void): Promise<unknown>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  close(): Promise<unknown>;
  destroy(): unknown;
}

interface Connection {
  readonly commands: Client;
  /** What is subscribed by: the same client, unless it can do only one thing at a time. */
  readonly news: Client;
  ready: boolean;
}

export interface LinkParts {
  readonly options: RedisOptions;
  readonly channel: string;
  /** What is said on the channel. */
  readonly onNews: (text: string) => void;
  /** There is a connection, perhaps again. */
  readonly onReady: () => void;
  /** A connection broke. */
  readonly onLost: () => void;
}

/** A connection to Redis that is kept by itself. Nothing waits for one that is not there. */
export interface Link {
  start(): void;
  /** Carries out a script on one key. Rejects at once where there is no connection. */
  run(script: string, key: string, ...args: readonly (string | number)[]): Promise<unknown>;
  /** Makes the connections again, if nothing has worked for a while; `force`: in any case. */
  check(force?: boolean): void;
  /** The first outcome of connecting: whether it worked. */
  readonly connected: Promise<boolean>;
  /** Why there is no connection, for the operator: with its address, and the last error. */
  trouble(): string;
  close(): Promise<void>;
}

/** What messages call it: with its address, if that is one URL, without its password. */
function nameOf(options: RedisOptions): string {
  const url = typeof options === "string" ? options : options.url;
  return typeof url === "string" ? `Redis at ${maskUrl(url)}` : "Redis";
}

export function createLink({ options, channel, onNews, onReady, onLost }: LinkParts): Link {
  let redis: typeof Redis | undefined;
  let loading = false;
  let connection: Connection | undefined;
  let worked = performance.now();
  let closed = false;
  let last: unknown;
  const connected = Promise.withResolvers<boolean>();
  const name = nameOf(options);
  const trouble = () => `${name} is not connected${last === undefined ? "" : `: ${reasonOf(last)}`}`;

  /** The client has hundreds of modules: they are loaded where there is something to connect to. */
  async function load(): Promise<void> {
    loading = true;
    try {
      redis = await import("@redis/client");
      if (!closed) open(redis);
    } catch (error) {
      last = error;
      connected.resolve(false);
    } finally {
      loading = false;
    }
  }

  function open(library: typeof Redis): void {
    worked = performance.now();
    const own = clientsOf(library, options);
    connection = own;
    const isCurrent = () => connection === own && !closed;
    for (const client of new Set([own.commands, own.news])) {
      // Without a listener an error would end the process; what failed is told by what was asked.
      client.on("error", (error) => {
        if (!isCurrent()) return;
        last = error;
        connected.resolve(false);
        onLost();
      });
    }
    own.commands.on("ready", () => own.ready && isCurrent() && onReady());
    connect(own, isCurrent).catch(async (error: unknown) => {
      last = error;
      connected.resolve(false);
      // Some clients give up at once where nobody answers.
      await delay(200 + Math.random() * 300, undefined, { ref: false });
      if (isCurrent() && !own.ready) renew();
    });
  }

  async function connect(own: Connection, isCurrent: () => boolean): Promise<void> {
    await Promise.all([...new Set([own.commands, own.news])].map((client) => client.connect()));
    await own.news.subscribe(channel, (text) => isCurrent() && onNews(text));
    own.ready = true;
    connected.resolve(true);
    worked = performance.now();
    if (isCurrent()) onReady();
  }

  function renew(): void {
    if (connection) drop(connection);
    if (redis) open(redis);
    else if (!loading) void load();
  }

  return {
    start() {
      if (!connection && !closed && !loading) void load();
    },
    async run(script, key, ...args) {
      if (!connection?.ready) throw new Error(trouble());
      const result = await connection.commands.eval(script, { keys: [key], arguments: args.map(String) });
      worked = performance.now();
      return result;
    },
    check(force = false) {
      if (!closed && (force || performance.now() - worked > PATIENCE)) renew();
    },
    connected: connected.promise,
    trouble,
    async close() {
      closed = true;
      const own = connection;
      connection = undefined;
      if (!own) return;
      if (!own.ready) return drop(own);
      const clients = [...new Set([own.commands, own.news])];
      await withTimeout(LAST, Promise.all(clients.map((client) => client.close()))).catch(() => drop(own));
    },
  };
}

function drop({ commands, news }: Connection): void {
  for (const client of new Set([commands, news])) {
    try {
      // That of sentinels is a promise.
      void Promise.resolve(client.destroy()).catch(() => {});
    } catch {
      // It is closed already.
    }
  }
}

/** Milliseconds until the next try to connect. */
const backoff = (retries: number) => Math.min(50 * 2 ** retries, 2000) + Math.floor(Math.random() * 50);

/** Commands fail at once while there is no connection: a queue of them would delay answers, and has no bound. */
function clientsOf(
  { createClient, createCluster, createSentinel }: typeof Redis,
  options: RedisOptions,
): Connection {
  const given = typeof options === "string" ? { url: options } : options;
  const patient = (own: unknown): object => {
    const { socket, ...more } = (own ?? {}) as { socket?: object };
    return {
      disableOfflineQueue: true,
      pingInterval: 10_000,
      ...more,
      socket: { connectTimeout: 2000, reconnectStrategy: backoff, ...socket },
    };
  };
  if ("rootNodes" in given) {
    const cluster = createCluster({ ...given, defaults: patient(given.defaults) } as never);
    return { commands: cluster as never, news: cluster as never, ready: false };
  }
  if ("sentinelRootNodes" in given) {
    const sentinel = createSentinel({
      ...given,
      nodeClientOptions: patient(given.nodeClientOptions),
    } as never);
    return { commands: sentinel as never, news: sentinel as never, ready: false };
  }
  const client = createClient(patient(given));
  return { commands: client as never, news: client.duplicate() as never, ready: false };
}
