import { monotonicNow } from "../../util/monotonic.ts";
import type { ToPrimary, ToWorker } from "./messages.ts";

type Done = Pick<Extract<ToPrimary, { mediatap: "done" }>, "id" | "name" | "kept" | "outcome">;

/** A worker, as far as leases know it. */
export interface Holder {
  send(message: ToWorker): void;
}

interface Lease {
  readonly holder: Holder;
  /** The holder's own number of its work. */
  readonly id: number;
  /** When it was given, as of `monotonicNow()`. */
  readonly begun: number;
  readonly waiting: { readonly holder: Holder; readonly id: number }[];
  timer: NodeJS.Timeout;
}

/** Milliseconds after which work is not waited for any more: who holds the lease may be stuck. */
const PATIENCE = 30_000;

/** Milliseconds for which a worker can still be asked for what it has made. */
export const REMEMBERED = 2_000;

/** Who does which work, among the workers; the others wait for its outcome, or are handed it if they come a little late. */
export function createLeases(patience = PATIENCE) {
  const leases = new Map<string, Lease>();

  function grant(name: string, holder: Holder, id: number, waiting: Lease["waiting"] = []): void {
    leases.set(name, { holder, id, begun: monotonicNow(), waiting, timer: later(name, patience) });
    holder.send({ mediatap: "answer", id });
    if (waiting.length > 0) holder.send({ mediatap: "wanted", id, name });
  }

  /** The end of a lease: all who still wait do the work themselves. */
  function later(name: string, milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      const lease = leases.get(name);
      leases.delete(name);
      for (const { holder, id } of lease?.waiting ?? []) holder.send({ mediatap: "answer", id });
    }, milliseconds).unref();
  }

  /** The next one in the row does it. */
  function pass(name: string, lease: Lease): void {
    clearTimeout(lease.timer);
    leases.delete(name);
    const [next, ...rest] = lease.waiting;
    if (next) grant(name, next.holder, next.id, rest);
  }

  return {
    /** `since`: what was begun before is out of date. */
    ask(holder: Holder, id: number, name: string, since: number): void {
      const lease = leases.get(name);
      // A worker joins its own work itself: if it asks again, what it did before is not to be had any more.
      if (!lease || lease.holder === holder || lease.begun <= since) {
        if (lease) clearTimeout(lease.timer);
        grant(name, holder, id, lease?.waiting);
        return;
      }
      lease.waiting.push({ holder, id });
      if (lease.waiting.length === 1) lease.holder.send({ mediatap: "wanted", id: lease.id, name });
    },
    leave(holder: Holder, id: number, name: string): void {
      const lease = leases.get(name);
      if (!lease) return;
      // It was given the lease just then, and does not do the work.
      if (lease.holder === holder && lease.id === id) pass(name, lease);
      const at = lease.waiting.findIndex((one) => one.holder === holder && one.id === id);
      if (at >= 0) lease.waiting.splice(at, 1);
    },
    /** Work has ended. Without an outcome that others can use, the next one does it. */
    done(holder: Holder, { id, name, kept, outcome }: Done): void {
      const lease = leases.get(name);
      if (lease?.holder !== holder || lease.id !== id) return;
      if (!outcome && !kept) {
        pass(name, lease);
        return;
      }
      if (outcome) {
        for (const { holder: other, id: asked } of lease.waiting.splice(0)) {
          other.send({ mediatap: "answer", id: asked, outcome });
        }
      }
      clearTimeout(lease.timer);
      if (kept) lease.timer = later(name, REMEMBERED);
      else leases.delete(name);
    },
    /** A worker is gone, and with it what it did and waited for. */
    gone(holder: Holder): void {
      for (const [name, lease] of leases) {
        const others = lease.waiting.filter((one) => one.holder !== holder);
        lease.waiting.splice(0, lease.waiting.length, ...others);
        if (lease.holder === holder) pass(name, lease);
      }
    },
  };
}
