import { setTimeout as pause } from "node:timers/promises";
import { type PluginApi, reasonOf } from "@mediatap/core";
import type { Fetcher } from "@mediatap/core/storage";
import PQueue from "p-queue";
import { createDeliveries, type Delivery, type Owner } from "./deliveries.ts";
import type { Event } from "./event.ts";
import { signatures } from "./sign.ts";

export interface SendOptions {
  readonly url: string;
  /** Its place among the receivers. */
  readonly place: number;
  readonly secrets: readonly string[];
  /** How often an event is sent again. */
  readonly retries: number;
  /** Milliseconds for an answer. */
  readonly timeout: number;
  /** Events that may wait. */
  readonly waiting: number;
  /** Milliseconds before the first retry; the wait doubles with each. */
  readonly firstWait: number;
}

/** What it needs of the server; each runtime brings its own fetcher. */
export type Server = Pick<PluginApi, "logger"> & { readonly fetcher: Fetcher };

/** Events that are under way to a receiver at once. */
const AT_ONCE = 5;

/** Longest wait between two tries, in milliseconds. */
const LONGEST_WAIT = 300_000;

/** Milliseconds that the end of a server waits for what is under way. */
const LAST = 2_000;

/**
 * Sends events to one receiver, in order of arrival as long as none has to be sent again. Any 2xx is taken; all else is
 * tried again, but 410 (Gone). What is not delivered then is logged, and lost.
 */
export function createSender({ url, place, secrets, retries, timeout, waiting, firstWait }: SendOptions) {
  const queue = new PQueue({ concurrency: AT_ONCE });
  const stop = new AbortController();
  /** Addresses of receivers may hold secrets: logs name the host. */
  const receiver = new URL(url).host;
  const deliveries = createDeliveries(receiver, place);
  let server: Server | undefined;
  let dropped = 0;

  async function deliver(event: Event, delivery: Delivery): Promise<void> {
    const body = JSON.stringify(event);
    for (let tries = 0; ; tries++) {
      const failure = await once(event.id, body);
      delivery.tries++;
      if (!failure) delivery.state = "delivered";
      if (!failure || stop.signal.aborted) return;
      // Details are for the log.
      delivery.reason = /^status \d+$/.test(failure.reason)
        ? failure.reason
        : "the receiver could not be reached";
      delivery.state = "retrying";
      const about = { event: event.id, type: event.type, receiver, reason: failure.reason, tries: tries + 1 };
      if (failure.final || tries >= retries) {
        delivery.state = "failed";
        server?.logger.warn(about, "a webhook was not delivered and is dropped");
        return;
      }
      server?.logger.debug(about, "a webhook was not delivered and will be retried");
      const backoff = Math.min(firstWait * 2 ** tries, LONGEST_WAIT) * (0.5 + Math.random() / 2);
      const wait = Math.min(Math.max(backoff, failure.after ?? 0), LONGEST_WAIT);
      await pause(wait, undefined, { signal: stop.signal });
    }
  }

  /** `after`: milliseconds for which the receiver wants to be left alone; `undefined`: it has the event. */
  async function once(
    id: string,
    body: string,
  ): Promise<{ reason: string; final?: boolean; after?: number } | undefined> {
    if (!server) return { reason: "the server has ended" };
    try {
      const { status, headers, cancel } = await server.fetcher.fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...signatures(secrets, { id, body, at: Date.now() }),
        },
        body,
        signal: AbortSignal.any([stop.signal, AbortSignal.timeout(timeout)]),
        trusted: url,
        total: timeout,
      });
      cancel();
      if (status >= 200 && status < 300) return undefined;
      const seconds = Number(headers["retry-after"]);
      return {
        reason: `status ${status}`,
        final: status === 410,
        ...(seconds > 0 && { after: seconds * 1000 }),
      };
    } catch (error) {
      return { reason: reasonOf(error) };
    }
  }

  return {
    /** The newest runtime's. */
    use(next: Server): void {
      server = next;
    },
    send(event: Event, owner: Owner): void {
      const delivery = deliveries.add(event, owner);
      if (queue.size >= waiting) {
        delivery.state = "failed";
        delivery.reason = "too many events wait";
        // One line for many: a receiver that is away must not fill the log.
        if (dropped++ % 1000 === 0)
          server?.logger.warn({ receiver, dropped }, "too many webhooks wait: new ones are dropped");
        return;
      }
      void queue.add(() => deliver(event, delivery)).catch(() => {});
    },
    /** The last deliveries. */
    deliveries: deliveries.list,
    /** Sends an event again that was given up. `false`: there is no such delivery. */
    retry(id: string): boolean {
      const found = deliveries.failed(id);
      if (!found) return false;
      found.delivery.state = "waiting";
      void queue.add(() => deliver(found.event, found.delivery)).catch(() => {});
      return true;
    },
    /** A runtime ends: the newest gives what is under way a moment, the rest is lost. */
    async leave(ending: Server): Promise<void> {
      if (server !== ending) return;
      const late = new AbortController();
      await Promise.race([queue.onIdle(), pause(LAST, undefined, { signal: late.signal }).catch(() => {})]);
      late.abort();
      const lost = queue.size + queue.pending;
      if (lost > 0)
        ending.logger.warn({ receiver, lost }, "the server stops before all webhooks were delivered");
      server = undefined;
    },
    close(): void {
      queue.clear();
      stop.abort();
    },
  };
}

export type Sender = ReturnType<typeof createSender>;
