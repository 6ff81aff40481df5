import type { SendHandle } from "node:child_process";
import type { Bus, LineEnd } from "../../util/bus.ts";
import type { WorkerLocks, WorkerOutcome } from "../../work/coalesce/workers.ts";
import { RECENT_MS } from "./locks.ts";
import type { ToPrimary, ToWorker } from "./messages.ts";

/** Bytes of recent outcomes that are kept for workers that come a little late. */
const MAX_RECENT_BYTES = 32 * 1024 * 1024;

/** Environment variables: by the first a process knows that it is one of several, by the others where to listen. */
export const WORKERS = "MEDIATAP_WORKERS";
/** The port on which the other workers listen. */
export const WORKER_PORT = "MEDIATAP_WORKER_PORT";
/** Set if the worker takes the listening socket of another one. */
export const INHERITS = "MEDIATAP_INHERITS";

/** How long a worker waits for the socket of another one before it opens its own, in milliseconds. */
const INHERIT_TIMEOUT_MS = 5_000;

/** A listening socket of Node, as it can be sent to another process. */
export interface SocketHandle {
  close(): void;
}

/** This process as one of several that are one server. */
export interface Membership {
  /** How many there are. */
  readonly workers: number;
  /** Port on which the others listen; left out by the first one. */
  readonly port?: number;
  readonly locks: WorkerLocks;
  /** The listening socket of the worker that this one replaces; `undefined`: it opens its own. */
  inherit(): Promise<SocketHandle | undefined>;
  /** How to get at the listening socket of this one, for the worker that replaces it. */
  onPassOn(socket: () => SocketHandle | undefined): void;
  /** Announcements reach the other workers. */
  connect(bus: Bus): void;
  onDrain(drain: (accept: boolean) => void): void;
  tell(message: ToPrimary): void;
}

/** Joins the server whose primary process started this one. */
export function joinServer(): Membership {
  const waiting = new Map<number, (outcome: WorkerOutcome | undefined) => void>();
  const announced = new Map<number, (replies: readonly string[]) => void>();
  /** Locks that this worker has or waits for, by their numbers, and whether others wait for the outcome. */
  const locked = new Map<number, { isWanted: boolean }>();
  const recent = createRecent();
  let line: LineEnd | undefined;
  let drain: (accept: boolean) => void = () => {};
  let socket: () => SocketHandle | undefined = () => undefined;
  let inherited: ((handle: SocketHandle | undefined) => void) | undefined;
  let last = 0;

  const tell = (message: ToPrimary, handle?: SocketHandle) => {
    // Without a primary process there is nobody to share with; the cluster ends this one.
    if (process.connected) process.send?.(message, handle as SendHandle | undefined, {}, () => {});
  };

  process.on("message", (message: ToWorker, handle?: SocketHandle) => {
    if (message.mediatap === "drain") drain(message.accept);
    else if (message.mediatap === "announcement") void receive(message.id, message.text);
    else if (message.mediatap === "delivered") announced.get(message.id)?.(message.replies);
    else if (message.mediatap === "ping") tell({ mediatap: "pong" });
    else if (message.mediatap === "pass on") tell({ mediatap: "socket" }, socket());
    else if (message.mediatap === "socket") {
      // One that comes too late is not needed any more.
      if (inherited) inherited(handle);
      else handle?.close();
    } else if (message.mediatap === "acquired") waiting.get(message.id)?.(message.outcome);
    else if (message.mediatap === "wanted") {
      const lock = locked.get(message.id);
      if (lock) lock.isWanted = true;
      else release(message.id, message.key, recent.get(message.id), true);
    }
  });
  process.once("disconnect", () => {
    for (const answer of waiting.values()) answer(undefined);
    for (const delivered of announced.values()) delivered([]);
  });

  async function receive(id: number, text: string): Promise<void> {
    const reply = await line?.receive(text);
    tell({ mediatap: "received", id, ...(reply === undefined ? {} : { reply }) });
  }

  /** Resolves with the replies of the other workers when all of them have received a text. */
  function announce(text: string): Promise<readonly string[]> {
    if (!process.connected) return Promise.resolve([]);
    const id = ++last;
    return new Promise<readonly string[]>((resolve) => {
      announced.set(id, resolve);
      tell({ mediatap: "announce", id, text });
    }).finally(() => announced.delete(id));
  }

  function release(id: number, key: string, outcome: WorkerOutcome | undefined, isWanted: boolean): void {
    const kept = outcome !== undefined && recent.keep(id, outcome);
    tell({ mediatap: "release", id, key, kept, ...(isWanted && outcome && { outcome }) });
  }

  /** Resolves with the outcome of another worker, or with `undefined` if this one is to do the work. */
  function wait(
    id: number,
    key: string,
    since: number,
    signal: AbortSignal,
  ): Promise<WorkerOutcome | undefined> {
    if (!process.connected) return Promise.resolve(undefined);
    return new Promise<WorkerOutcome | undefined>((resolve, reject) => {
      const leave = () => {
        tell({ mediatap: "leave", id, key });
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      waiting.set(id, (outcome) => {
        signal.removeEventListener("abort", leave);
        resolve(outcome);
      });
      tell({ mediatap: "acquire", id, key, since });
    }).finally(() => waiting.delete(id));
  }

  const locks: WorkerLocks = {
    async acquire(key, { signal, since = 0 }) {
      const id = ++last;
      const lock = { isWanted: false };
      // Before it is acquired: that others want the outcome may be the next message.
      locked.set(id, lock);
      const outcome = await wait(id, key, since, signal).catch((error: unknown) => {
        locked.delete(id);
        throw error;
      });
      if (outcome) {
        locked.delete(id);
        return { outcome };
      }
      return {
        release(outcome) {
          locked.delete(id);
          release(id, key, outcome, lock.isWanted);
        },
      };
    },
  };

  function inherit(): Promise<SocketHandle | undefined> {
    if (!process.env[INHERITS]) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      inherited = (handle) => {
        inherited = undefined;
        clearTimeout(late);
        resolve(handle);
      };
      const late = setTimeout(() => inherited?.(undefined), INHERIT_TIMEOUT_MS);
      tell({ mediatap: "inherit" });
    });
  }

  const port = Number(process.env[WORKER_PORT]);
  return {
    workers: Number(process.env[WORKERS]) || 1,
    ...(port > 0 && { port }),
    locks,
    inherit,
    onPassOn(ask) {
      socket = ask;
    },
    connect(bus) {
      line = bus.connect({ name: "workers", send: announce, ask: announce });
    },
    onDrain(listen) {
      drain = listen;
    },
    tell,
  };
}

/** What this worker released a moment ago, for others that come a little late. */
function createRecent() {
  const kept = new Map<number, WorkerOutcome>();
  let bytes = 0;
  return {
    get: (id: number) => kept.get(id),
    /** `false`: it is a failure, or there is no room. */
    keep(id: number, outcome: WorkerOutcome): boolean {
      if (kept.has(id)) return true;
      if ("code" in outcome) return false;
      const size = outcome.bytes.byteLength;
      if (bytes + size > MAX_RECENT_BYTES) return false;
      kept.set(id, outcome);
      bytes += size;
      setTimeout(() => {
        kept.delete(id);
        bytes -= size;
      }, RECENT_MS).unref();
      return true;
    },
  };
}
