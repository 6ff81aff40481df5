import type { Outcome, ToWorker } from "./messages.ts";

/** A worker, as far as leases know it. */
export interface Holder {
  send(message: ToWorker): void;
}

interface Lease {
  readonly holder: Holder;
  readonly waiting: { readonly holder: Holder; readonly id: number }[];
  readonly timer: NodeJS.Timeout;
}

/** Milliseconds after which work is not waited for any more: who holds the lease may be stuck. */
const PATIENCE = 30_000;

/** Who does which work, among the workers; the others wait for its outcome. */
export function createLeases(patience = PATIENCE) {
  const leases = new Map<string, Lease>();

  function grant(name: string, holder: Holder, id: number, waiting: Lease["waiting"] = []): void {
    const timer = setTimeout(() => expire(name), patience).unref();
    leases.set(name, { holder, waiting, timer });
    holder.send({ mediatap: "answer", id });
    if (waiting.length > 0) holder.send({ mediatap: "wanted", name });
  }

  /** All who wait do the work themselves. */
  function expire(name: string): void {
    const lease = leases.get(name);
    leases.delete(name);
    for (const { holder, id } of lease?.waiting ?? []) holder.send({ mediatap: "answer", id });
  }

  /** The next one in the row does it. */
  function pass(name: string, lease: Lease): void {
    clearTimeout(lease.timer);
    leases.delete(name);
    const [next, ...rest] = lease.waiting;
    if (next) grant(name, next.holder, next.id, rest);
  }

  return {
    get size() {
      return leases.size;
    },
    ask(holder: Holder, id: number, name: string): void {
      const lease = leases.get(name);
      // A worker joins its own work itself: if it asks again, the former work is not to be waited for.
      if (!lease || lease.holder === holder) {
        if (lease) clearTimeout(lease.timer);
        grant(name, holder, id, lease?.waiting);
        return;
      }
      lease.waiting.push({ holder, id });
      if (lease.waiting.length === 1) lease.holder.send({ mediatap: "wanted", name });
    },
    leave(holder: Holder, id: number, name: string): void {
      const waiting = leases.get(name)?.waiting ?? [];
      const at = waiting.findIndex((one) => one.holder === holder && one.id === id);
      if (at >= 0) waiting.splice(at, 1);
    },
    /** Without an outcome that others can use, the next one does the work. */
    done(holder: Holder, name: string, outcome: Outcome | undefined): void {
      const lease = leases.get(name);
      if (lease?.holder !== holder) return;
      if (!outcome) {
        pass(name, lease);
        return;
      }
      clearTimeout(lease.timer);
      leases.delete(name);
      for (const { holder: other, id } of lease.waiting) {
        other.send({ mediatap: "answer", id, outcome });
      }
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
