import type { Server as HttpServer } from "node:http";
import { Server as NetServer } from "node:net";
import { setTimeout as pause, setImmediate as read } from "node:timers/promises";

/** What a server is doing, as its end wants to know it. */
export interface Traffic {
  /** Requests that have not ended. */
  running: number;
  connections: number;
  /** When the last request came or ended, of `performance.now()`. */
  last: number;
  /** The server ends. */
  isDraining: boolean;
}

export interface DrainOptions {
  /** Milliseconds for which new connections are still taken as long as requests keep coming. */
  readonly accept: number;
  /** Milliseconds for which a connection must be idle before it is closed: its next request may be on its way. */
  readonly quiet: number;
  /** Milliseconds after which whatever still runs is cut off. */
  readonly limit: number;
}

/** How often it is looked whether all is quiet, in milliseconds. */
const POLL_INTERVAL_MS = 20;

/**
 * Ends a server without losing a request: a load balancer needs a moment to notice that it is not ready any more, and
 * clients notice with their next response, which closes its connection; so for a moment there may be none.
 */
export async function drain(http: HttpServer, traffic: Traffic, options: DrainOptions): Promise<void> {
  const { accept, quiet, limit } = options;
  const begun = performance.now();
  const timer = setTimeout(() => http.closeAllConnections(), limit);
  const since = (moment: number) => performance.now() - moment;
  const isQuiet = () => {
    // Without connections there is no client to wait for.
    const last = traffic.connections > 0 ? Math.max(traffic.last, begun) : traffic.last;
    return traffic.running === 0 && since(last) >= quiet;
  };
  try {
    const acceptMs = Math.min(accept, limit);
    if (acceptMs > 0) {
      do await wait();
      while (!isQuiet() && since(begun) < acceptMs);
      if (isQuiet()) http.closeIdleConnections();
    }
    const stopped = performance.now();
    let open = true;
    const end = closed(http, quiet === 0).finally(() => {
      open = false;
    });
    while (open) {
      await Promise.race([end, wait()]);
      if (since(stopped) >= quiet) http.closeIdleConnections();
    }
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits until it is time to look again, and what came meanwhile has been read: a process that could not run for a while has
 * connections to take first, then their requests.
 */
async function wait(): Promise<void> {
  await pause(POLL_INTERVAL_MS);
  await read();
  await read();
}

/** Takes no new connections; resolves with the end of the last one. */
function closed(http: HttpServer, atOnce: boolean): Promise<void> {
  if (!http.listening) return Promise.resolve();
  return new Promise((resolve) => {
    if (atOnce) http.close(() => resolve());
    // The HTTP server's own method would close idle connections as well.
    else NetServer.prototype.close.call(http, () => resolve());
  });
}
