import { setTimeout as delay } from "node:timers/promises";
import { maskUrl, reasonOf } from "@mediatap/core";
import { withTimeout } from "@mediatap/core/cache";
import type * as Redis from "@redis/client";

/** A URL, or the options of a client, a cluster (`rootNodes`) or sentinels (`sentinelRootNodes`). */
export type RedisOptions = string | Readonly<Record<string, unknown>>;

/** Milliseconds without a successful command after which connections are opened again: they may be dead without an error. */
const RECONNECT_TIMEOUT_MS = 5_000;

/** Milliseconds that a server that stops waits for a connection to close. */
const CLOSE_TIMEOUT_MS = 500;

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
  /** The client that subscribes: the same one, unless a subscribed client can send no other commands. */
  readonly news: Client;
  ready: boolean;
}

export interface LinkParts {
  readonly options: RedisOptions;
  readonly channel: string;
  /** Called with each message on the channel. */
  readonly onNews: (text: string) => void;
  /** There is a connection, perhaps again. */
  readonly onReady: () => void;
  /** A connection broke. */
  readonly onLost: () => void;
}

/** A connection to Redis that reconnects by itself. Nothing waits while there is none. */
export interface Link {
  start(): void;
  /** Runs a script on one key. Rejects immediately if there is no connection. */
  run(script: string, key: string, ...args: readonly (string | number)[]): Promise<unknown>;
  /** Opens the connections again if no command has succeeded for a while; `force`: in any case. */
  check(force?: boolean): void;
  /** The first outcome of connecting: whether it worked. */
  readonly connected: Promise<boolean>;
  /** Why there is no connection, for the operator: with its address and the last error. */
  failureText(): string;
  close(): Promise<void>;
}

/** Its name in messages: with its address, if that is one URL, without the password. */
function nameOf(options: RedisOptions): string {
  const url = typeof options === "string" ? options : options.url;
  return typeof url === "string" ? `Redis at ${maskUrl(url)}` : "Redis";
}

export function createLink({ options, channel, onNews, onReady, onLost }: LinkParts): Link {
  let redis: typeof Redis | undefined;
  let loading = false;
  let connection: Connection | undefined;
  let lastSuccess = performance.now();
  let closed = false;
  let lastError: unknown;
  const connected = Promise.withResolvers<boolean>();
  const name = nameOf(options);
  const failureText = () =>
    `${name} is not connected${lastError === undefined ? "" : `: ${reasonOf(lastError)}`}`;

  /** The client has hundreds of modules: they are loaded only when it connects. */
  async function load(): Promise<void> {
    loading = true;
    try {
      redis = await import("@redis/client");
      if (!closed) open(redis);
    } catch (error) {
      lastError = error;
      connected.resolve(false);
    } finally {
      loading = false;
    }
  }

  function open(library: typeof Redis): void {
    lastSuccess = performance.now();
    const own = clientsOf(library, options);
    connection = own;
    const isCurrent = () => connection === own && !closed;
    for (const client of new Set([own.commands, own.news])) {
      // Without a listener an error would end the process. Failed commands reject by themselves.
      client.on("error", (error) => {
        if (!isCurrent()) return;
        lastError = error;
        connected.resolve(false);
        onLost();
      });
    }
    own.commands.on("ready", () => own.ready && isCurrent() && onReady());
    connect(own, isCurrent).catch(async (error: unknown) => {
      lastError = error;
      connected.resolve(false);
      // Some clients give up immediately if nothing listens at the address.
      await delay(200 + Math.random() * 300, undefined, { ref: false });
      if (isCurrent() && !own.ready) reconnect();
    });
  }

  async function connect(own: Connection, isCurrent: () => boolean): Promise<void> {
    await Promise.all([...new Set([own.commands, own.news])].map((client) => client.connect()));
    await own.news.subscribe(channel, (text) => isCurrent() && onNews(text));
    own.ready = true;
    connected.resolve(true);
    lastSuccess = performance.now();
    if (isCurrent()) onReady();
  }

  function reconnect(): void {
    if (connection) destroyClients(connection);
    if (redis) open(redis);
    else if (!loading) void load();
  }

  return {
    start() {
      if (!connection && !closed && !loading) void load();
    },
    async run(script, key, ...args) {
      if (!connection?.ready) throw new Error(failureText());
      const result = await connection.commands.eval(script, { keys: [key], arguments: args.map(String) });
      lastSuccess = performance.now();
      return result;
    },
    check(force = false) {
      if (!closed && (force || performance.now() - lastSuccess > RECONNECT_TIMEOUT_MS)) reconnect();
    },
    connected: connected.promise,
    failureText,
    async close() {
      closed = true;
      const own = connection;
      connection = undefined;
      if (!own) return;
      if (!own.ready) return destroyClients(own);
      const clients = [...new Set([own.commands, own.news])];
      await withTimeout(CLOSE_TIMEOUT_MS, Promise.all(clients.map((client) => client.close()))).catch(() =>
        destroyClients(own),
      );
    },
  };
}

function destroyClients({ commands, news }: Connection): void {
  for (const client of new Set([commands, news])) {
    try {
      // With sentinels it returns a promise.
      void Promise.resolve(client.destroy()).catch(() => {});
    } catch {
      // It is closed already.
    }
  }
}

/** Milliseconds until the next attempt to connect. */
const backoff = (retries: number) => Math.min(50 * 2 ** retries, 2000) + Math.floor(Math.random() * 50);

/** Commands fail immediately while there is no connection: a queue of commands would delay responses and is not bounded. */
function clientsOf(
  { createClient, createCluster, createSentinel }: typeof Redis,
  options: RedisOptions,
): Connection {
  const given = typeof options === "string" ? { url: options } : options;
  const clientOptions = (own: unknown): object => {
    const { socket, ...more } = (own ?? {}) as { socket?: object };
    return {
      disableOfflineQueue: true,
      pingInterval: 10_000,
      ...more,
      socket: { connectTimeout: 2000, reconnectStrategy: backoff, ...socket },
    };
  };
  if ("rootNodes" in given) {
    const cluster = createCluster({ ...given, defaults: clientOptions(given.defaults) } as never);
    return { commands: cluster as never, news: cluster as never, ready: false };
  }
  if ("sentinelRootNodes" in given) {
    const sentinel = createSentinel({
      ...given,
      nodeClientOptions: clientOptions(given.nodeClientOptions),
    } as never);
    return { commands: sentinel as never, news: sentinel as never, ready: false };
  }
  const client = createClient(clientOptions(given));
  return { commands: client as never, news: client.duplicate() as never, ready: false };
}
