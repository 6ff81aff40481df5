import { Readable } from "node:stream";
import { isChanged, isMediaError, MediaError } from "../model/errors.ts";
import { bodyOf, type Delivered } from "../model/rendition.ts";
import type { Once } from "../pipeline/once.ts";
import type { Bus, LineEnd } from "../purge/bus.ts";
import type { Outcome, ToPrimary, ToWorker } from "./messages.ts";

/** Largest body that is handed to another process, in bytes. */
const LARGEST = 16 * 1024 * 1024;

/** Environment variable by which a process knows that it is one of several. */
export const WORKERS = "MEDIATAP_WORKERS";

/** This process as one of several that are one server. */
export interface Membership {
  /** How many there are. */
  readonly workers: number;
  readonly once: Once;
  /** Announcements reach the other workers. */
  connect(bus: Bus): void;
  onDrain(drain: (accept: boolean) => void): void;
  tell(message: ToPrimary): void;
}

/** Joins the server whose primary process started this one. */
export function joinServer(): Membership {
  const waiting = new Map<number, (outcome: Outcome | undefined) => void>();
  /** Work under way here, and whether others wait for it. */
  const leading = new Map<string, { wanted: boolean }>();
  let line: LineEnd | undefined;
  let drain: (accept: boolean) => void = () => {};
  let last = 0;

  const tell = (message: ToPrimary) => {
    // Without a primary process there is nobody to share with; the cluster ends this one.
    if (process.connected) process.send?.(message, undefined, {}, () => {});
  };

  process.on("message", (message: ToWorker) => {
    if (message.mediatap === "drain") drain(message.accept);
    else if (message.mediatap === "heard") line?.receive(message.text);
    else if (message.mediatap === "answer") waiting.get(message.id)?.(message.outcome);
    else if (message.mediatap === "wanted") {
      const work = leading.get(message.name);
      if (work) work.wanted = true;
    }
  });
  process.once("disconnect", () => {
    for (const answer of waiting.values()) answer(undefined);
  });

  /** Resolves with what another worker made, or with nothing when this one is to do the work. */
  function ask(name: string, signal: AbortSignal): Promise<Outcome | undefined> {
    if (!process.connected) return Promise.resolve(undefined);
    const id = ++last;
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
      tell({ mediatap: "ask", id, name });
    }).finally(() => waiting.delete(id));
  }

  const once: Once = async (name, signal, work, taken) => {
    const outcome = await ask(name, signal);
    if (outcome) return taken(deliveredOf(outcome));
    const own = { wanted: false };
    leading.set(name, own);
    let result: Outcome | undefined;
    try {
      const made = await work();
      if (own.wanted) result = outcomeOf(made);
      return made;
    } catch (error) {
      if (own.wanted && !signal.aborted) result = failureOf(error);
      throw error;
    } finally {
      if (leading.get(name) === own) leading.delete(name);
      tell({ mediatap: "done", name, ...(result ? { outcome: result } : {}) });
    }
  };

  return {
    workers: Number(process.env[WORKERS]) || 1,
    once,
    connect(bus) {
      line = bus.connect({ name: "workers", send: (text) => tell({ mediatap: "say", text }) });
    },
    onDrain(listen) {
      drain = listen;
    },
    tell,
  };
}

/** What others can use as it is; large originals each reads for itself. */
function outcomeOf(made: Delivered & { readonly degraded?: boolean }): Outcome | undefined {
  const { record, body, degraded } = made;
  if (degraded || !body?.settled || !body.bytes || body.length > LARGEST) return undefined;
  return { record, bytes: body.bytes };
}

/** A failure that another worker would meet as well: to be busy is this one's own. */
function failureOf(error: unknown): Outcome | undefined {
  if (!isMediaError(error) || error.code === "EBUSY" || isChanged(error)) return undefined;
  const { code, message, status, outage } = error;
  return { code, message, status, outage };
}

function deliveredOf(outcome: Outcome): Delivered {
  if ("code" in outcome) {
    const { code, message, ...more } = outcome;
    throw new MediaError(code, message, more);
  }
  const { record, bytes } = outcome;
  return { record, body: bodyOf(bytes, (part) => Readable.from([part])) };
}
