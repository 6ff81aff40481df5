import type { Logger } from "pino";
import type { Holder } from "./locks.ts";

/** Time that a worker has to receive an announcement; one that is busy for longer does not respond to clients either. */
const TIMEOUT_MS = 5_000;

interface Delivery {
  /** Workers that have not received it yet. */
  readonly waiting: Set<Holder>;
  readonly replies: string[];
  readonly done: () => void;
}

/** Passes announcements of a worker on to the others, and notifies it when all have received them, with their replies. */
export function createRelay(log: Pick<Logger, "warn">, timeout = TIMEOUT_MS) {
  const deliveries = new Map<number, Delivery>();
  let last = 0;

  function received(holder: Holder, id: number, reply?: string): void {
    const delivery = deliveries.get(id);
    if (!delivery?.waiting.delete(holder)) return;
    if (reply !== undefined) delivery.replies.push(reply);
    if (delivery.waiting.size === 0) delivery.done();
  }

  return {
    received,
    /** `number`: that of the sender. `others` and whether they serve already; one that does not is not waited for. */
    announce(from: Holder, number: number, text: string, others: Iterable<readonly [Holder, boolean]>): void {
      const id = ++last;
      const replies: string[] = [];
      const waiting = new Set<Holder>();
      const done = () => {
        clearTimeout(timer);
        deliveries.delete(id);
        from.send({ mediatap: "delivered", id: number, replies });
      };
      const timer = setTimeout(() => {
        log.warn({ workers: waiting.size }, "not all workers confirmed a message in time");
        done();
      }, timeout);
      timer.unref();
      deliveries.set(id, { waiting, replies, done });
      for (const [holder, serves] of others) {
        if (holder === from) continue;
        holder.send({ mediatap: "announcement", id, text });
        if (serves) waiting.add(holder);
      }
      if (waiting.size === 0) done();
    },
    /** A worker has ended: it need not receive anything any more. */
    gone(holder: Holder): void {
      for (const id of [...deliveries.keys()]) received(holder, id);
    },
  };
}
