import type { SendHandle } from "node:child_process";
import { LRUCache } from "lru-cache";
import type { Bus, LineEnd } from "../../util/bus.ts";
import { atMost } from "../../util/entries.ts";
import type { RateLimiter } from "../../util/rate-limiter.ts";
import type { WorkerLocks, WorkerOutcome } from "../../work/coalesce/workers.ts";
import type { Failed } from "../../work/failed.ts";
import { MAX_RENDERED } from "./locks.ts";
import type { ToPrimary, ToWorker } from "./messages.ts";

/** Bytes of recent renditions in memory for the other workers. */
const MAX_RECENT_BYTES = 32 * 1024 * 1024;

/** Milliseconds for which they stay there. */
const RECENT_MS = 2_000;

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

/** The rendition of a cache key, if it is fresh and its bytes are in memory. */
type FindRendition = (key: string) => Promise<Rendered | undefined>;

/** What workers hand over of a rendition. */
type Rendered = Exclude<WorkerOutcome, Failed>;

/** How the primary process replies to a request. */
type ReplyName = "acquired" | "taken" | "delivered";
type Reply<K extends ReplyName = ReplyName> = Extract<ToWorker, { mediatap: K }>;

/** This process as one of several that are one server. */
export interface Membership {
  /** How many there are. */
  readonly workers: number;
  /** Port on which the others listen; left out by the first one. */
  readonly port?: number;
  readonly locks: WorkerLocks;
  /** The primary process counts. */
  readonly rates: RateLimiter;
  /** The listening socket of the worker that this one replaces; `undefined`: it opens its own. */
  inherit(): Promise<SocketHandle | undefined>;
  /** How to get at the listening socket of this one, for the worker that replaces it. */
  onPassOn(socket: () => SocketHandle | undefined): void;
  /** Announcements reach the other workers, and `find` looks up for them what this one has in its caches. */
  connect(bus: Bus, find: FindRendition): void;
  onDrain(drain: (accept: boolean) => void): void;
  send(message: ToPrimary): void;
}

/** Joins the server whose primary process started this one. */
export function joinServer(): Membership {
  /** Requests to the primary process, by their numbers. */
  const waiting = new Map<number, (reply?: Reply) => void>();
  /** Renditions that this worker made a moment ago, by the numbers of their locks. */
  const recent = new LRUCache<number, Rendered>({
    maxSize: MAX_RECENT_BYTES,
    sizeCalculation: ({ bytes }) => Math.max(1, bytes.byteLength),
    ttl: RECENT_MS,
    ttlAutopurge: true,
  });
  /** Their keys, by the same numbers: later they are looked up in the caches. */
  const rendered = new LRUCache<number, string>(atMost(MAX_RENDERED));
  let find: FindRendition = async () => undefined;
  let transport: LineEnd | undefined;
  let drain: (accept: boolean) => void = () => {};
  let socket: () => SocketHandle | undefined = () => undefined;
  let inherited: ((handle: SocketHandle | undefined) => void) | undefined;
  let last = 0;

  const send = (message: ToPrimary, handle?: SocketHandle) => {
    // Without a primary process there is no other worker; the cluster ends this one.
    if (process.connected) process.send?.(message, handle as SendHandle | undefined, {}, () => {});
  };

  process.on("message", (message: ToWorker, handle?: SocketHandle) => {
    if (message.mediatap === "drain") drain(message.accept);
    else if (message.mediatap === "announcement") void receive(message.id, message.text);
    else if (message.mediatap === "ping") send({ mediatap: "pong" });
    else if (message.mediatap === "pass on") send({ mediatap: "socket" }, socket());
    else if (message.mediatap === "socket") {
      // One that comes too late is not needed any more.
      if (inherited) inherited(handle);
      else handle?.close();
    } else if (message.mediatap === "wanted") void handOver(message.id, message.key);
    else waiting.get(message.id)?.(message);
  });
  process.once("disconnect", () => {
    for (const end of waiting.values()) end();
  });

  /** Hands a rendition over to the workers that wait for it, if it is still there. */
  async function handOver(id: number, key: string): Promise<void> {
    const name = rendered.get(id);
    const outcome =
      recent.get(id) ?? (name === undefined ? undefined : await find(name).catch(() => undefined));
    send({ mediatap: "release", id, key, hasOutcome: outcome !== undefined, ...(outcome && { outcome }) });
  }

  async function receive(id: number, text: string): Promise<void> {
    const reply = await transport?.receive(text);
    send({ mediatap: "received", id, ...(reply === undefined ? {} : { reply }) });
  }

  /** Sends a request to the primary process; resolves with its reply, or with `undefined` if there is none any more. */
  function request<K extends ReplyName>(message: ToPrimary & { id: number }): Promise<Reply<K> | undefined> {
    if (!process.connected) return Promise.resolve(undefined);
    return new Promise<Reply<K> | undefined>((resolve) => {
      waiting.set(message.id, resolve as (reply?: Reply) => void);
      send(message);
    }).finally(() => waiting.delete(message.id));
  }

  /** Resolves with the replies of the other workers when all of them have received a text. */
  async function announce(text: string): Promise<readonly string[]> {
    const reply = await request<"delivered">({ mediatap: "announce", id: ++last, text });
    return reply?.replies ?? [];
  }

  /** Resolves with the outcome of another worker, or with `undefined` if this one is to do the work. */
  async function wait(id: number, key: string, since: number, signal: AbortSignal) {
    let hasLeft = false;
    const leave = () => {
      hasLeft = true;
      send({ mediatap: "leave", id, key });
      waiting.get(id)?.();
    };
    signal.addEventListener("abort", leave, { once: true });
    const reply = await request<"acquired">({ mediatap: "acquire", id, key, since });
    signal.removeEventListener("abort", leave);
    if (hasLeft) throw signal.reason;
    return reply?.outcome;
  }

  const locks: WorkerLocks = {
    async acquire(key, { signal, since = 0 }) {
      const id = ++last;
      const outcome = await wait(id, key, since, signal);
      if (outcome) return { outcome };
      return {
        release(outcome) {
          const isFailure = outcome !== undefined && "code" in outcome;
          if (outcome && !isFailure) {
            recent.set(id, outcome);
            rendered.set(id, outcome.record.key);
          }
          send({ mediatap: "release", id, key, hasOutcome: rendered.has(id), ...(isFailure && { outcome }) });
        },
      };
    },
  };

  const rates: RateLimiter = {
    async take(key, perMinute) {
      // Without a primary process this one ends.
      return (await request<"taken">({ mediatap: "take", id: ++last, key, perMinute }))?.wait ?? 0;
    },
  };

  function inherit(): Promise<SocketHandle | undefined> {
    if (!process.env[INHERITS]) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      inherited = (handle) => {
        inherited = undefined;
        clearTimeout(timer);
        resolve(handle);
      };
      const timer = setTimeout(() => inherited?.(undefined), INHERIT_TIMEOUT_MS);
      send({ mediatap: "inherit" });
    });
  }

  const port = Number(process.env[WORKER_PORT]);
  return {
    workers: Number(process.env[WORKERS]) || 1,
    ...(port > 0 && { port }),
    locks,
    rates,
    inherit,
    onPassOn(handle) {
      socket = handle;
    },
    connect(bus, look) {
      find = look;
      transport = bus.connect({ name: "workers", send: announce, ask: announce });
    },
    onDrain(listen) {
      drain = listen;
    },
    send,
  };
}
