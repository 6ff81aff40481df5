import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { DEFAULT_LIMITS } from "../../../src/model/limits.ts";
import { createFetcher, type FetcherOptions } from "../../../src/origin/client/create.ts";
import type { FetchOptions } from "../../../src/plugin/fetcher.ts";

/** A server that notes what reaches it. */
export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly requests: IncomingMessage[];
  readonly sockets: Set<Socket>;
  /** Connections so far, closed ones too. */
  readonly connections: () => number;
}

export async function serve(answer: RequestListener, host = "127.0.0.1"): Promise<Server> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  return listen(server, host, requests);
}

/** A server that sends bytes of its own once a request has come, whatever HTTP says. */
export async function serveRaw(answer: (socket: Socket, count: number) => void): Promise<Server> {
  let count = 0;
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", () => answer(socket, count++));
  });
  return listen(server, "127.0.0.1", []);
}

async function listen(
  server: ReturnType<typeof createTcpServer>,
  host: string,
  requests: IncomingMessage[],
): Promise<Server> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on("connection", (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    sockets,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A fetcher with `limits` over the defaults. */
export function fetcherWith({
  limits,
  ...options
}: Partial<Omit<FetcherOptions, "limits">> & { limits?: Partial<FetcherOptions["limits"]> } = {}) {
  const fetcher = createFetcher({ limits: { ...DEFAULT_LIMITS, ...limits }, ...options });
  return {
    fetch: (url: string, request: Partial<FetchOptions> = {}) =>
      fetcher.fetch(url, { signal: new AbortController().signal, ...request }),
    [Symbol.asyncDispose]: () => fetcher.close(),
  };
}
