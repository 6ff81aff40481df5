import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Logger } from "pino";
import type { LoadedConfig } from "./config/load.ts";
import { createGeneration, type Generation } from "./generation/generation.ts";
import { createShared } from "./generation/shared.ts";
import { createApp } from "./http/app.ts";
import { createLogger } from "./log.ts";

export interface ServerOptions {
  readonly config: LoadedConfig;
  /** Left out: by the configuration's `log`. */
  readonly log?: Logger;
}

/** A server of one configuration, not yet listening. */
export interface MediatapServer {
  readonly generation: Generation;
  /** Starts the plugins and listens; resolves with the address. */
  listen(port?: number, host?: string): Promise<{ readonly port: number; readonly url: string }>;
  /** Takes no new connections, lets what runs end (at most `limits.drain`), stops the plugins. */
  close(): Promise<void>;
}

/** Builds a server. Throws `ECONFIG` when the configuration is wrong. */
export async function createServer({
  config,
  log = createLogger(config.config.log),
}: ServerOptions): Promise<MediatapServer> {
  const generation = await createGeneration(config, { log, shared: createShared() });
  const { limits } = generation;
  let ready = true;
  const handle = createApp({ generation, log, isReady: () => ready }).callback();
  const http = createHttpServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: Math.min(limits.clientHeaders, limits.request),
      requestTimeout: limits.request,
      keepAliveTimeout: limits.clientKeepAlive,
      connectionsCheckingInterval: 5_000,
    },
    handle,
  );
  http.maxHeadersCount = limits.headers;
  http.maxConnections = limits.connections;

  return {
    generation,
    async listen(port = config.config.server?.port ?? 3000, host = config.config.server?.host) {
      await generation.start();
      await listening(http, port, host);
      const address = http.address() as AddressInfo;
      return { port: address.port, url: `http://localhost:${address.port}` };
    },
    async close() {
      ready = false;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(() => http.closeAllConnections(), limits.drain);
      if (http.listening) http.close(() => resolve());
      else resolve();
      http.closeIdleConnections();
      // Connections whose answer had begun before become idle with its end.
      const sweep = setInterval(() => http.closeIdleConnections(), 100);
      await promise;
      clearInterval(sweep);
      clearTimeout(timer);
      await generation.stop();
    },
  };
}

function listening(http: HttpServer, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once("error", reject);
    http.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      http.off("error", reject);
      resolve();
    });
  });
}
