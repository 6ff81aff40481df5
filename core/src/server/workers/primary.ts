import type { SendHandle } from "node:child_process";
import cluster, { type Worker } from "node:cluster";
import { availableParallelism } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import type { Logger } from "pino";
import { oneAtATime } from "../../util/one-at-a-time.ts";
import { createRateLimiter } from "../../util/rate-limiter.ts";
import { createWorkerLocks, type Holder } from "./locks.ts";
import type { ToPrimary, ToWorker } from "./messages.ts";
import { createRelay } from "./relay.ts";
import { INHERITS, type SocketHandle, WORKER_PORT, WORKERS } from "./worker.ts";

type Ready = Extract<ToPrimary, { mediatap: "ready" }>;

/** One of the places that are to be filled with a worker. */
interface Slot {
  worker: Worker | undefined;
  /** How often in a row a worker did not live long. */
  failures: number;
}

/** Milliseconds after which a worker that ends is replaced without a pause … */
const MIN_LIFETIME_MS = 10_000;
/** … and the pause before: doubled with each failure, at most this. */
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 30_000;
/** Milliseconds beyond its own limit after which a worker that drains is killed. */
const KILL_AFTER_MS = 5_000;
/** Pings to a worker within the time after which it counts as stuck. */
const PINGS_PER_TIMEOUT = 6;

interface PrimaryOptions {
  readonly workers: number;
  readonly log: Logger;
  /** Milliseconds after which a worker that does not respond is killed and replaced; 0: never. */
  readonly timeout: number;
  /** Called once, when all serve. */
  readonly onReady: (ready: Ready) => void;
}

interface Primary {
  /** Resolves with the exit code when all workers have gone. */
  readonly ended: Promise<number>;
  /** Replaces all workers, one after the other: the new one serves before the old one goes. */
  restart(): void;
  /** Lets all workers finish. `accept`: new connections are taken for a while. */
  end(accept: boolean): void;
  /** Ends all at once. */
  kill(): void;
}

/**
 * Runs this program as several processes that share its port and its limits. Each worker accepts connections from a socket of its
 * own; none passes through this process.
 */
export function startWorkers({ workers, log, timeout, onReady }: PrimaryOptions): Primary {
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  const slots: Slot[] = Array.from({ length: workers }, () => ({ worker: undefined, failures: 0 }));
  const locks = createWorkerLocks();
  const relay = createRelay(log);
  const rates = createRateLimiter();
  const holders = new Map<Worker, Holder>();
  /** How long each that serves may take to finish, in milliseconds. */
  const drains = new WeakMap<Worker, number>();
  /** Which worker each new one replaces, and the reverse while the listening socket is on its way. */
  const predecessors = new WeakMap<Worker, Worker>();
  const heirs = new Map<Worker, Worker>();
  /** Known with the first worker that listens. */
  let port: number | undefined;
  let ending = false;
  let code = 0;

  // On systems without SO_REUSEPORT the workers accept connections from one socket.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ serialization: "advanced" });
  const pool = poolSize(workers);

  function fork(old?: Worker): Worker {
    const worker = cluster.fork({
      [WORKERS]: String(workers),
      UV_THREADPOOL_SIZE: pool,
      ...(port !== undefined && { [WORKER_PORT]: String(port) }),
      ...(old && { [INHERITS]: "1" }),
    });
    if (old) predecessors.set(worker, old);
    const holder = { send: (message: ToWorker) => send(worker, message) };
    holders.set(worker, holder);
    worker.on("message", (message: ToPrimary, handle?: SocketHandle) =>
      handleMessage(worker, holder, message, handle),
    );
    worker.on("error", (err) => {
      log.warn({ err, worker: worker.process.pid }, "starting or notifying a worker failed");
      if (worker.process.pid === undefined) gone(1);
    });
    worker.once("exit", gone);
    return worker;

    function gone(exit: number | null): void {
      if (!holders.delete(worker)) return;
      locks.gone(holder);
      relay.gone(holder);
      passOn(worker, undefined);
      if (ending && drains.delete(worker) && exit !== 0) code = 1;
      if (ending && holders.size === 0) resolve(code);
    }
  }

  function handleMessage(worker: Worker, holder: Holder, message: ToPrimary, handle?: SocketHandle): void {
    if (message.mediatap === "acquire") locks.acquire(holder, message);
    else if (message.mediatap === "leave") locks.leave(holder, message);
    else if (message.mediatap === "release") locks.release(holder, message);
    else if (message.mediatap === "take") {
      const { id, key, perMinute } = message;
      holder.send({ mediatap: "taken", id, wait: rates.take(key, perMinute) });
    } else if (message.mediatap === "ready") drains.set(worker, message.drain);
    else if (message.mediatap === "announce") {
      const others = [...holders].map(([other, its]) => [its, drains.has(other)] as const);
      relay.announce(holder, message.id, message.text, others);
    } else if (message.mediatap === "received") relay.received(holder, message.id, message.reply);
    else if (message.mediatap === "inherit") {
      const old = predecessors.get(worker);
      if (old && holders.has(old)) {
        heirs.set(old, worker);
        send(old, { mediatap: "pass on" });
      } else holder.send({ mediatap: "socket" });
    } else if (message.mediatap === "socket") passOn(worker, handle);
  }

  /** Gives a worker's listening socket, if there is one, to the worker that replaces it. */
  function passOn(old: Worker, handle: SocketHandle | undefined): void {
    const heir = heirs.get(old);
    heirs.delete(old);
    if (heir) send(heir, { mediatap: "socket" }, handle);
    else handle?.close();
  }

  /** Starts a worker; resolves when it serves, with its exit code when it ended before. */
  async function launch(old?: Worker): Promise<{ readonly worker: Worker; readonly ready: Ready } | number> {
    try {
      const worker = fork(old);
      const ready = await started(worker);
      if (typeof ready === "number") return ready;
      port ??= ready.port;
      return { worker, ready };
    } catch (err) {
      log.error({ err }, "starting a worker failed");
      return 1;
    }
  }

  /** Resolves when the worker serves; with its exit code when it ended before. */
  function started(worker: Worker): Promise<Ready | number> {
    return new Promise((done) => {
      worker.once("exit", (exit) => done(exit || 1));
      worker.on("error", () => worker.process.pid === undefined && done(1));
      worker.on("message", (message: ToPrimary) => {
        if (message.mediatap === "ready") done(message);
      });
    });
  }

  /** Kills a worker whose event loop stands still: nobody else can accept the connections that wait at its socket. */
  function watch(worker: Worker): void {
    if (timeout === 0) return;
    let missedPongs = 0;
    worker.on("message", (message: ToPrimary) => {
      if (message.mediatap === "pong") missedPongs = 0;
    });
    const timer = setInterval(() => {
      if (missedPongs++ < PINGS_PER_TIMEOUT) return send(worker, { mediatap: "ping" });
      log.error({ worker: worker.process.pid, timeout }, "a worker does not respond and is killed");
      clearInterval(timer);
      worker.process.kill("SIGKILL");
    }, timeout / PINGS_PER_TIMEOUT).unref();
    worker.once("exit", () => clearInterval(timer));
  }

  /** Puts a worker into a slot; if it ends by itself, another one is started. */
  function occupy(slot: Slot, worker: Worker): void {
    const since = performance.now();
    slot.worker = worker;
    watch(worker);
    const left = (how: string) => {
      if (ending || slot.worker !== worker) return;
      slot.worker = undefined;
      slot.failures = performance.now() - since < MIN_LIFETIME_MS ? slot.failures + 1 : 0;
      log.error({ worker: worker.process.pid }, `a worker ${how}; another one takes its place`);
      void fill(slot);
    };
    worker.on("message", (message: ToPrimary) => message.mediatap === "leaving" && left("is about to end"));
    worker.once("exit", (exit, signal) => left(signal ? `was ended by ${signal}` : `ended with ${exit}`));
  }

  async function fill(slot: Slot): Promise<void> {
    while (!ending && slot.worker === undefined) {
      if (slot.failures > 0) await pause(Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (slot.failures - 1)));
      if (ending || slot.worker !== undefined) return;
      const launched = await launch();
      if (typeof launched === "object") return occupy(slot, launched.worker);
      slot.failures++;
    }
  }

  function drainWorker(worker: Worker, accept: boolean): void {
    send(worker, { mediatap: "drain", accept });
    const timer = setTimeout(() => worker.process.kill("SIGKILL"), (drains.get(worker) ?? 0) + KILL_AFTER_MS);
    worker.once("exit", () => clearTimeout(timer));
  }

  async function restart(): Promise<void> {
    for (const slot of slots) {
      if (ending) return;
      const launched = await launch(slot.worker);
      if (ending) return;
      if (typeof launched === "number") {
        log.error("a new worker did not start, for the reason above: the old workers stay active");
        return;
      }
      const old = slot.worker;
      slot.failures = 0;
      occupy(slot, launched.worker);
      if (old) drainWorker(old, false);
    }
    log.info(`${workers} new workers serve`);
  }

  async function start(): Promise<void> {
    const [first, ...rest] = slots as [Slot, ...Slot[]];
    const launched = await launch();
    if (typeof launched === "number") {
      // It has said why.
      ending = true;
      code = launched;
      return resolve(code);
    }
    occupy(first, launched.worker);
    await Promise.all(rest.map(fill));
    if (!ending) onReady(launched.ready);
  }

  void start();
  return {
    ended,
    restart: oneAtATime(restart),
    end(accept) {
      ending = true;
      for (const worker of holders.keys()) {
        // One that does not serve yet has nothing to finish.
        if (drains.has(worker)) drainWorker(worker, accept);
        else worker.process.kill("SIGKILL");
      }
      if (holders.size === 0) resolve(code);
    },
    kill() {
      for (const worker of holders.keys()) worker.process.kill("SIGKILL");
    },
  };
}

function send(worker: Worker, message: ToWorker, handle?: SocketHandle): void {
  const sent = () => handle?.close();
  if (worker.isConnected()) worker.send(message, handle as SendHandle | undefined, {}, sent);
  else sent();
}

/** Threads for a worker's share of the cores, and two for files and names; what the operator set is left alone. */
function poolSize(workers: number): string {
  const cores = availableParallelism();
  const set = process.env.UV_THREADPOOL_SIZE;
  if (set !== undefined && set !== String(cores + 2)) return set;
  return String(Math.max(1, Math.round(cores / workers)) + 2);
}
