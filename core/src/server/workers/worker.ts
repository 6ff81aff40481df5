import type { SendHandle } from "node:child_process";
import { Readable } from "node:stream";
import { bodyOf, type Delivered } from "../../model/rendition.ts";
import type { Bus, LineEnd } from "../../util/bus.ts";
import { errorOf, type Failed, failureOf } from "../../work/failed.ts";
import type { Once } from "../../work/once.ts";
import { REMEMBERED } from "./locks.ts";
import type { Made, Outcome, ToPrimary, ToWorker } from "./messages.ts";

/** Largest body that is handed to another process, in bytes. */
const LARGEST = 16 * 1024 * 1024;
/** Bytes that are held for processes that come a little late. */
const ROOM = 32 * 1024 * 1024;

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
  readonly once: Once;
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
  const waiting = new Map<number, (outcome: Outcome | undefined) => void>();
  const announced = new Map<number, (replies: readonly string[]) => void>();
  /** Work that is or may come to be under way here, by its number, and whether others wait for it. */
  const leading = new Map<number, { wanted: boolean }>();
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
    } else if (message.mediatap === "answer") waiting.get(message.id)?.(message.outcome);
    else if (message.mediatap === "wanted") {
      const work = leading.get(message.id);
      if (work) work.wanted = true;
      else giveRecent(message.id, message.name);
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

  function giveRecent(id: number, name: string): void {
    const outcome = recent.get(id);
    tell({ mediatap: "done", id, name, kept: outcome !== undefined, ...(outcome ? { outcome } : {}) });
  }

  /** Resolves with what another worker made, or with nothing when this one is to do the work. */
  function ask(id: number, name: string, since: number, signal: AbortSignal): Promise<Outcome | undefined> {
    if (!process.connected) return Promise.resolve(undefined);
    return new Promise<Outcome | undefined>((resolve, reject) => {
      const leave = () => {
        tell({ mediatap: "leave", id, name });
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      waiting.set(id, (outcome) => {
        signal.removeEventListener("abort", leave);
        resolve(outcome);
      });
      tell({ mediatap: "ask", id, name, since });
    }).finally(() => waiting.delete(id));
  }

  const once: Once = async (name, { signal, since }, work, taken) => {
    const id = ++last;
    const own = { wanted: false };
    // Before the answer: that others want it may be heard right behind it.
    leading.set(id, own);
    const outcome = await ask(id, name, since, signal).catch((error: unknown) => {
      leading.delete(id);
      throw error;
    });
    if (outcome) {
      leading.delete(id);
      return taken(deliveredOf(outcome));
    }
    const end = (result: Outcome | undefined, kept: boolean) => {
      leading.delete(id);
      tell({ mediatap: "done", id, name, kept, ...(own.wanted && result ? { outcome: result } : {}) });
    };
    try {
      const made = await work();
      const result = madeOf(made);
      end(result, result !== undefined && recent.keep(id, result));
      return made;
    } catch (error) {
      end(signal.aborted ? undefined : failureOf(error), false);
      throw error;
    }
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
    once,
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

/** What was made a moment ago, for others that come a little late. */
function createRecent() {
  const kept = new Map<number, Made>();
  let bytes = 0;
  return {
    get: (id: number): Made | undefined => kept.get(id),
    /** `false`: there is no room. */
    keep(id: number, made: Made): boolean {
      const size = made.bytes.byteLength;
      if (bytes + size > ROOM) return false;
      kept.set(id, made);
      bytes += size;
      setTimeout(() => {
        kept.delete(id);
        bytes -= size;
      }, REMEMBERED).unref();
      return true;
    },
  };
}

/** What others can use as it is; large originals each reads for itself. */
function madeOf({ record, body, degraded }: Delivered & { readonly degraded?: boolean }): Made | undefined {
  if (degraded || !body?.settled || !body.bytes || body.length > LARGEST) return undefined;
  return { record, bytes: body.bytes };
}

function deliveredOf(outcome: Made | Failed): Delivered {
  if ("code" in outcome) throw errorOf(outcome);
  const { record, bytes } = outcome;
  return { record, body: bodyOf(bytes, (part) => Readable.from([part])) };
}
