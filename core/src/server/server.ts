import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, ListenOptions } from "node:net";
import type { Logger } from "pino";
import type { LoadedConfig } from "../config/load.ts";
import { MIN_KEY_BYTES, weakKeys } from "../config/resolve.ts";
import { createApp } from "../http/app.ts";
import { boundConnections } from "../http/connections.ts";
import { type DrainOptions, drain, type Traffic } from "../http/drain.ts";
import type { Runtime } from "../http/runtime.ts";
import { codeOf } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import type { Revision } from "../plugin/state-store.ts";
import type { ChangeState, ExamineState } from "../state/account.ts";
import { createLogger } from "../util/log.ts";
import { createSemaphore } from "../util/semaphore.ts";
import { createRuntime, type RuntimeParts } from "./runtime.ts";
import type { Singletons } from "./singletons.ts";
import { createStateKeeper } from "./state.ts";
import { createSwap } from "./swap.ts";
import type { SocketHandle } from "./workers/worker.ts";

// An import reads all exports of the module, and the one named WebSocket loads Node's own undici: 50 ms of CPU.
const { createServer: createHttpServer } = process.getBuiltinModule("node:http");

export interface ServerOptions extends Pick<RuntimeParts, "workers" | "workerLocks" | "workerRates"> {
  readonly config: LoadedConfig;
  /** Left out: by the configuration's `log`. */
  readonly log?: Logger;
}

/** How processes of one server share a port. */
interface SocketOptions {
  /** Other processes listen on the same port; the kernel spreads connections over them (SO_REUSEPORT). @default false */
  readonly reusePort?: boolean;
  /** A listening socket of another process, in the place of an own one. */
  readonly handle?: SocketHandle | undefined;
}

/** A server, not yet listening. */
export interface MediatapServer {
  /** The newest: that of the configuration which new requests meet. */
  readonly runtime: Runtime;
  /** Starts the plugins and listens; resolves with the address. */
  listen(
    port?: number,
    host?: string,
    socket?: SocketOptions,
  ): Promise<{ readonly port: number; readonly url: string }>;
  /** Starts the plugins, for a server that does not listen: another HTTP server passes requests to `handle`. */
  start(): Promise<void>;
  /** Answers a request of another HTTP server. `req.url` is the path as the client sent it: links in responses begin there. */
  handle(req: IncomingMessage, res: ServerResponse): void;
  /** The listening socket, as it can be sent to another process that is to accept its connections, too. */
  socket(): SocketHandle | undefined;
  /**
   * Takes another configuration, whole or not at all: its plugins are started beside the old ones, then new requests
   * meet them; the old ones stop with their last request. What belongs to the process, such as caches in memory, stays.
   * Where the server listens does not change. Rejects where the configuration is wrong or a plugin could not start; then
   * all remains as it was.
   */
  reload(config: LoadedConfig): Promise<void>;
  /** Takes no new connections, lets what runs end (at most `limits.drain`), stops the plugins. `options`: 0 each if left out. */
  close(options?: Partial<Pick<DrainOptions, "accept" | "quiet">>): Promise<void>;
}

/** Builds a server. Throws `ECONFIG` when the configuration is wrong. */
export async function createServer({
  config,
  log = createLogger(config.config.log),
  ...more
}: ServerOptions): Promise<MediatapServer> {
  const traffic: Traffic = { running: 0, connections: 0, last: 0, isDraining: false };
  const changeState: ChangeState = (change) => state.change(change);
  const examineState: ExamineState = (edit) => state.examine(edit);
  const parts = { log, shared: new Map() as Singletons, traffic, changeState, examineState, ...more };
  let ready = true;
  let closing: Promise<void> | undefined;
  const queue = createSemaphore(1);
  const runtimes = createSwap(await createRuntime(config, parts), (runtime) =>
    createApp({
      runtime,
      isReady: () => ready,
      isRefused: (socket) => connections.isRefused(socket),
    }),
  );
  const state = createStateKeeper({
    current: () => runtimes.runtime,
    prepare,
    build,
    activate,
    enqueue: queue.run,
    log,
  });
  const limits = runtimes.runtime.limitsOf();
  const http = createHttpServer(
    { maxHeaderSize: limits.headerBytes, connectionsCheckingInterval: 5_000 },
    handleRequest,
  );
  const connections = boundConnections(http, traffic, log);
  // Each of many requests behind one another listens for its end.
  http.on("connection", (socket) => socket.setMaxListeners(0));
  adopt(limits);

  /** Sets the limits of a configuration for connections. */
  function adopt(limits: Limits): void {
    http.headersTimeout = Math.min(limits.clientHeaders, limits.request);
    // Bodies that are read whole, or that nobody reads, have `limits.request` (`readBody`, `discardRest`).
    http.requestTimeout = Math.max(limits.request, limits.clientUpload);
    http.keepAliveTimeout = limits.clientKeepAlive;
    http.maxHeadersCount = limits.headers;
    connections.adopt(limits.connections);
  }

  function handleRequest(req: IncomingMessage, res: ServerResponse): void {
    traffic.running++;
    traffic.last = performance.now();
    if (!ready || connections.isRefused(req.socket)) res.shouldKeepAlive = false;
    runtimes.serve(req, res, onEnd);
  }

  function onEnd(): void {
    traffic.running--;
    traffic.last = performance.now();
  }

  /** A runtime whose plugins have started. */
  async function prepare(next: LoadedConfig, revision?: Revision): Promise<Runtime> {
    const { level } = log;
    // Before the plugins are handed their loggers.
    log.level = next.config.log?.level ?? level;
    let runtime: Runtime | undefined;
    try {
      runtime = await build(next, revision);
      warnOfKeys(next, log);
      await runtime.start();
      if (closing) throw new Error("the server is closing");
      return runtime;
    } catch (error) {
      log.level = level;
      await runtime?.stop();
      throw error;
    }
  }

  function build(next: LoadedConfig, revision?: Revision): Promise<Runtime> {
    const number = runtimes.runtime.info.number + 1;
    return createRuntime(next, { ...parts, number, ...(revision && { revision }) });
  }

  function activate(runtime: Runtime): void {
    runtime.adoptLimits();
    adopt(runtime.limitsOf());
    runtimes.activate(runtime);
    state.subscribe();
  }

  async function start(): Promise<void> {
    warnOfKeys(config, log);
    await runtimes.runtime.start();
    state.subscribe();
  }

  return {
    get runtime() {
      return runtimes.runtime;
    },
    start,
    handle: handleRequest,
    async listen(port = config.config.server?.port ?? 3000, host = config.config.server?.host, socket = {}) {
      await start();
      await listening(http, port, host, socket);
      const address = http.address() as AddressInfo;
      return { port: address.port, url: `http://localhost:${address.port}` };
    },
    socket: () => (http.listening ? (http as { _handle?: SocketHandle })._handle : undefined),
    reload: (next) => queue.run(async () => activate(await prepare(next))),
    close({ accept = 0, quiet = 0 } = {}) {
      ready = false;
      traffic.isDraining = true;
      closing ??= drain(http, traffic, { accept, quiet, limit: runtimes.runtime.limitsOf().drain }).then(() =>
        queue.run(runtimes.stop),
      );
      return closing;
    },
  };
}

function warnOfKeys({ config, source }: LoadedConfig, log: Logger): void {
  for (const field of weakKeys(config)) {
    log.warn(`${source}: ${field} is shorter than ${MIN_KEY_BYTES} bytes and can be guessed`);
  }
}

async function listening(
  http: Server,
  port: number,
  host: string | undefined,
  { reusePort = false, handle }: SocketOptions,
): Promise<void> {
  const listen = async (target: ListenOptions | SocketHandle) => {
    http.listen(target);
    await once(http, "listening");
  };
  if (handle) return await listen(handle);
  const address = { port, ...(host === undefined ? {} : { host }) };
  if (!reusePort) return await listen(address);
  await listen({ ...address, reusePort }).catch((error: unknown) => {
    // Systems without it share one socket, by way of node:cluster.
    if (codeOf(error) !== "ENOTSUP") throw error;
    return listen(address);
  });
}
