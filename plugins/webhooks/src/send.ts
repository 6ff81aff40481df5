import { setTimeout as pause } from "node:timers/promises";
import { type PluginApi, reasonOf } from "@mediatap/core";
import type { Fetcher } from "@mediatap/core/storage";
import PQueue from "p-queue";
import { createDeliveries, type Delivery, type Owner } from "./deliveries.ts";
import type { Event } from "./event.ts";
import { signatures } from "./sign.ts";

export interface SendOptions {
  readonly url: string;
  /** Its index among the receivers. */
  readonly index: number;
  readonly secrets: readonly string[];
  /** Retries of an event. */
  readonly retries: number;
  /** Milliseconds for a response. */
  readonly timeout: number;
  /** Events that can wait. */
  readonly waiting: number;
  /** Milliseconds before the first retry; the wait doubles with each. */
  readonly firstWait: number;
}

/** The server that sends; each runtime has its own fetcher. */
export type Server = Pick<PluginApi, "logger"> & { readonly fetcher: Fetcher };

/** Events that are sent to a receiver at once. */
const CONCURRENCY = 5;

/** Longest wait between two attempts, in milliseconds. */
const MAX_RETRY_WAIT_MS = 300_000;

/** Milliseconds that a server that stops waits for waiting events. */
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Sends events to one receiver, in order as long as none is retried. Any 2xx is success; everything else is
 * retried, except 410 (Gone). An event that is not delivered then is logged and dropped.
 */
export function createSender({ url, index, secrets, retries, timeout, waiting, firstWait }: SendOptions) {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const stop = new AbortController();
  /** Addresses of receivers can contain secrets: logs contain only the host. */
  const receiver = new URL(url).host;
  const deliveries = createDeliveries(receiver, index);
  let server: Server | undefined;
  let dropped = 0;

  async function deliver(event: Event, delivery: Delivery): Promise<void> {
    const body = JSON.stringify(event);
    for (let tries = 0; ; tries++) {
      const failure = await attempt(event.id, body);
      delivery.tries++;
      if (!failure) delivery.state = "delivered";
      if (!failure || stop.signal.aborted) return;
      // Details belong in the log.
      delivery.reason = /^status \d+$/.test(failure.reason)
        ? failure.reason
        : "the receiver could not be reached";
      delivery.state = "retrying";
      const fields = {
        event: event.id,
        type: event.type,
        receiver,
        reason: failure.reason,
        tries: tries + 1,
      };
      if (failure.final || tries >= retries) {
        delivery.state = "failed";
        server?.logger.warn(fields, "a webhook was not delivered and is dropped");
        return;
      }
      server?.logger.debug(fields, "a webhook was not delivered and will be retried");
      const backoff = Math.min(firstWait * 2 ** tries, MAX_RETRY_WAIT_MS) * (0.5 + Math.random() / 2);
      const wait = Math.min(Math.max(backoff, failure.after ?? 0), MAX_RETRY_WAIT_MS);
      await pause(wait, undefined, { signal: stop.signal });
    }
  }

  /** `after`: milliseconds of its `Retry-After`; `undefined`: the receiver has accepted the event. */
  async function attempt(
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
    /** Sets the server of the newest runtime. */
    use(next: Server): void {
      server = next;
    },
    send(event: Event, owner: Owner): void {
      const delivery = deliveries.add(event, owner);
      if (queue.size >= waiting) {
        delivery.state = "failed";
        delivery.reason = "too many events wait";
        // One line for many: an unreachable receiver must not fill the log.
        if (dropped++ % 1000 === 0)
          server?.logger.warn({ receiver, dropped }, "too many webhooks wait: new ones are dropped");
        return;
      }
      void queue.add(() => deliver(event, delivery)).catch(() => {});
    },
    /** The last deliveries. */
    deliveries: deliveries.list,
    /** Sends a failed event again. `false`: there is no such delivery. */
    retry(id: string): boolean {
      const entry = deliveries.failed(id);
      if (!entry) return false;
      entry.delivery.state = "waiting";
      void queue.add(() => deliver(entry.event, entry.delivery)).catch(() => {});
      return true;
    },
    /** A runtime ends. The newest one waits a moment for waiting events; then they are lost. */
    async detach(ending: Server): Promise<void> {
      if (server !== ending) return;
      const idleWait = new AbortController();
      await Promise.race([
        queue.onIdle(),
        pause(CLOSE_TIMEOUT_MS, undefined, { signal: idleWait.signal }).catch(() => {}),
      ]);
      idleWait.abort();
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
