import cluster from "node:cluster";
import { once } from "node:events";
import { type AddressInfo, createServer as createNetServer, isIPv6 } from "node:net";
import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { codeOfPlugins } from "../config/code.ts";
import type { LoadedConfig } from "../config/load.ts";
import { watchFiles } from "../config/watch.ts";
import { codeOf, MediaError } from "../model/errors.ts";
import { createServer, type MediatapServer } from "../server/server.ts";
import { startWorkers } from "../server/workers/primary.ts";
import { joinServer, type Membership } from "../server/workers/worker.ts";
import { createLogger } from "../util/log.ts";
import { oneAtATime } from "../util/one-at-a-time.ts";
import { blame, blameWords } from "./blame.ts";
import { examineLocally } from "./doctor.ts";
import { lowerPriority } from "./priority.ts";
import { watchTerminal } from "./terminal.ts";

export interface ServeFlags {
  readonly port?: number;
  readonly host?: string;
  /** Processes; `auto`: by the number of cores. */
  readonly workers?: number | "auto";
  /** Takes a changed configuration file by itself. */
  readonly watch?: boolean;
}

/** A configuration, and the files that it is written in; there are none behind a folder or an address. */
export interface Served {
  readonly config: LoadedConfig;
  readonly files: readonly string[];
  /** Those of them that are not the configuration itself: plugins of one's own are there. */
  readonly modules: readonly string[];
}

/** Reads the configuration from scratch, each time. */
export type LoadServed = () => Promise<Served>;

/** Milliseconds for which a connection must be idle before a server that ends closes it. */
const IDLE_BEFORE_CLOSE_MS = 250;

/** Errors that nobody caught which are logged while the server drains because of the first one. */
const MAX_LOGGED_DEFECTS = 10;

const DEFAULT_WORKER_TIMEOUT_MS = 30_000;

/** Cores whose work one process can hand out: see SCALING.md. */
const CORES_PER_WORKER = 4;

/**
 * Serves until SIGTERM or SIGINT; then lets running requests end. A second signal ends at once. SIGHUP takes the
 * configuration again.
 */
export async function serve(load: LoadServed, flags: ServeFlags): Promise<void> {
  const workers = workersOf(flags.workers ?? environmentWorkers());
  const run = cluster.isPrimary && workers > 1 ? servePrimary(workers) : serveHere(load, flags);
  // The way to the primary process must not keep a worker that cannot start, and will say why.
  if (cluster.isWorker) run.catch(() => process.channel?.unref());
  // Whatever a plugin left open must not keep the process.
  process.exit(await run);
}

/** All of the server, or one of its workers; resolves with the exit code. */
async function serveHere(load: LoadServed, flags: ServeFlags): Promise<number> {
  const member = cluster.isWorker ? joinServer() : undefined;
  let served = await load();
  const isWatching = flags.watch ?? served.config.config.server?.watch ?? false;
  // What is watched is being worked on: renditions that other code made are made again.
  const configOf = ({ config, modules }: Served): LoadedConfig =>
    isWatching ? { ...config, code: codeOfPlugins(modules, config.plugins) } : config;
  const config = configOf(served);
  const log = createLogger(config.config.log);
  const port = member?.port ?? flags.port ?? environmentPort() ?? config.config.server?.port ?? 3000;
  const host = flags.host ?? (process.env.HOST || config.config.server?.host);
  const server = await createServer({
    config,
    log,
    workers: member?.workers ?? 1,
    ...(member && { workerLocks: member.locks, workerRates: member.rates }),
  });
  member?.connect(server.runtime.bus, (key) => server.runtime.pipeline.inMemory(key));
  lowerPriority();
  const listening = await (member
    ? listenAsOne(server, member, port, host)
    : server.listen(port, host)
  ).catch(async (error: unknown) => {
    await server.close();
    throw notListening(error, port, host);
  });
  const { promise, resolve } = Promise.withResolvers<number>();

  const reload = oneAtATime(async () => {
    try {
      const next = await load();
      await server.reload(configOf(next));
      served = next;
      noteAddress(config, next.config, log);
      void warn(server, log);
      log.info({ generation: server.runtime.info.number }, "the configuration was reloaded");
    } catch (error) {
      // The stack tells where in a plugin it was.
      const isPlain = codeOf(error) === "ECONFIG" && (error as MediaError).plugin === undefined;
      const known = isPlain ? {} : { err: error };
      const why = (error as Error).message.split("\n").join("; ");
      log.error(known, `the configuration was not reloaded, the old one stays active: ${why}`);
    }
  });
  const watch = isWatching ? watchFiles(() => served.files, reload) : undefined;

  /** Closes the server, then ends the process with this code. */
  function leave(code: number, options?: Parameters<MediatapServer["close"]>[0]): void {
    watch?.close();
    server.close(options).then(
      () => resolve(code),
      (error: unknown) => {
        log.error({ err: error }, "the server could not stop cleanly");
        resolve(1);
      },
    );
  }

  /** `accept`: new connections are taken as long as requests keep coming, so that a load balancer can follow. */
  function drain(accept: boolean): void {
    const { drainAccept } = server.runtime.limitsOf();
    leave(0, { accept: accept ? drainAccept : 0, quiet: IDLE_BEFORE_CLOSE_MS });
  }

  if (member) {
    // A terminal signals all processes of a group; workers wait for the primary one.
    for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
    member.onDrain(drain);
    member.onPassOn(server.socket);
    process.on("SIGTERM", () => {
      member.send({ mediatap: "leaving" });
      drain(false);
    });
    member.send({
      mediatap: "ready",
      port: listening.port,
      ...(host === undefined ? {} : { host }),
      drain: server.runtime.limitsOf().drain,
    });
  } else {
    onSignals(log, { reload, end: drain });
    log.info(`mediatap listens on ${addressOf(host, listening.port)}`);
  }
  // One of several workers speaks for all.
  if (!member || cluster.worker?.id === 1) void warn(server, log);
  let defects = 0;
  const crash = (message: string) => (error: unknown) => {
    // What fails again and again while the server drains must not fill the log.
    if (++defects > MAX_LOGGED_DEFECTS) return;
    const blamed = blame(
      error,
      config.plugins.map(({ name }) => name),
    );
    log.fatal({ err: error, ...blamed }, `${message}${blameWords(blamed)}`);
    if (defects > 1) return;
    member?.send({ mediatap: "leaving" });
    leave(1);
  };
  process.on("unhandledRejection", crash("unhandled promise rejection"));
  process.on("uncaughtException", crash("uncaught exception"));
  return promise;
}

/** Logs what is wrong with the server as it is configured; nothing waits for that. */
async function warn({ runtime }: MediatapServer, log: Logger): Promise<void> {
  try {
    for (const { what, text, advice } of await examineLocally(runtime)) {
      log.warn(`${what}: ${text}${advice === undefined ? "" : `; ${advice}`}`);
    }
  } catch (err) {
    log.warn({ err }, "the checks after the start failed");
  }
}

/**
 * Workers have one listening socket each, and the kernel spreads connections over them. A worker that replaces another one takes
 * its socket, so that no connection that waits there is lost.
 */
async function listenAsOne(
  server: MediatapServer,
  member: Membership,
  port: number,
  host: string | undefined,
) {
  const handle = await member.inherit();
  if (handle) return await server.listen(port, host, { handle });
  // The first one: with SO_REUSEPORT alone, another server of the same user could have the port already.
  const free = member.port ?? (await freePort(port, host));
  return await server.listen(free, host, { reusePort: true });
}

/** The port, which nobody else uses; another one for 0. Rejects as `listen` does. */
async function freePort(port: number, host: string | undefined): Promise<number> {
  const probe = createNetServer();
  probe.listen({ port, ...(host === undefined ? {} : { host }), exclusive: true });
  await once(probe, "listening");
  const address = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return address.port;
}

/** Several processes, and this one that looks after them. */
async function servePrimary(workers: number): Promise<number> {
  const log = createLogger();
  const primary = startWorkers({
    workers,
    log,
    timeout: environmentTimeout(),
    onReady: ({ host, port }) =>
      log.info({ workers }, `mediatap listens on ${addressOf(host, port)}, in ${workers} processes`),
  });
  onSignals(log, { reload: primary.restart, end: primary.end, kill: primary.kill });
  return primary.ended;
}

interface SignalActions {
  readonly reload: () => void;
  /** `accept`: new connections are taken for a while. */
  readonly end: (accept: boolean) => void;
  /** Called before the process exits at once. @default nothing */
  readonly kill?: () => void;
}

/**
 * SIGTERM, SIGINT and a terminal that is closed end the server; a second signal does not wait. SIGHUP reloads, unless it means
 * that the terminal is gone.
 */
function onSignals(log: Logger, { reload, end, kill }: SignalActions): void {
  let ending = false;
  const begin = (reason: string, accept: boolean) => {
    if (ending) return;
    ending = true;
    terminal.stop();
    log.info(`${reason}: finishing running requests`);
    end(accept);
  };
  const terminal = watchTerminal(() => begin("the terminal is gone", false));
  const onSignal = (signal: string) => {
    if (ending) {
      kill?.();
      process.exit(1);
    }
    begin(signal, signal === "SIGTERM");
  };
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  process.on("SIGHUP", () => {
    if (terminal.isGone()) begin("SIGHUP, and the terminal is gone", false);
    else if (!ending) reload();
  });
}

function noteAddress({ config: before }: LoadedConfig, { config: after }: LoadedConfig, log: Logger): void {
  const same = before.server?.port === after.server?.port && before.server?.host === after.server?.host;
  if (!same) log.warn("server.port and server.host take effect at the next start");
}

function workersOf(wanted: number | "auto"): number {
  if (wanted !== "auto") return wanted;
  return Math.max(1, Math.floor(availableParallelism() / CORES_PER_WORKER));
}

function environmentWorkers(): number | "auto" {
  const text = process.env.WORKERS;
  if (text === undefined || text === "") return 1;
  const workers = parseWorkers(text);
  if (workers !== undefined) return workers;
  throw new MediaError("ECONFIG", `WORKERS: Expected auto or a number from 1 to 256 but received '${text}'`);
}

/** Milliseconds after which a worker that does not respond is replaced; 0: never. */
function environmentTimeout(): number {
  const text = process.env.WORKER_TIMEOUT;
  if (text === undefined || text === "") return DEFAULT_WORKER_TIMEOUT_MS;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new MediaError("ECONFIG", `WORKER_TIMEOUT: Expected milliseconds but received '${text}'`);
}

/** `auto`, or a number of processes; `undefined` for anything else. */
export function parseWorkers(text: string): number | "auto" | undefined {
  if (text === "auto") return text;
  const count = Number(text);
  return /^\d{1,3}$/.test(text) && count >= 1 && count <= 256 ? count : undefined;
}

function environmentPort(): number | undefined {
  const text = process.env.PORT;
  if (text === undefined || text === "") return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535)
    throw new MediaError("ECONFIG", `PORT: Expected a number from 0 to 65535 but received '${text}'`);
  return Number(text);
}

/** What people can do about an address that cannot be listened on. */
function notListening(error: unknown, port: number, host: string | undefined): unknown {
  const message = {
    EADDRINUSE: `port ${port} is in use; --port chooses another`,
    EACCES: `port ${port} may not be used by this user; --port chooses another`,
    EADDRNOTAVAIL: `this machine has no address ${host}; --host chooses another`,
    ENOTFOUND: `this machine has no address ${host}; --host chooses another`,
  }[codeOf(error) ?? ""];
  return message === undefined ? error : new MediaError("ECONFIG", message, { cause: error });
}

function addressOf(host: string | undefined, port: number): string {
  const everywhere = host === undefined || host === "0.0.0.0" || host === "::";
  return `http://${everywhere ? "localhost" : isIPv6(host) ? `[${host}]` : host}:${port}`;
}
