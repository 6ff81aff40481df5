import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A file of a web origin, or a way to answer for it. */
export type OriginFile =
  | { readonly bytes: Uint8Array; readonly headers?: OutgoingHttpHeaders }
  | { readonly answer: RequestListener };

/** A web server on the loopback address that notes what it was asked, and misbehaves where a test says so. */
export interface WebOrigin {
  readonly url: string;
  readonly port: number;
  /** What it serves, by decoded path without a leading slash; may change at any time. */
  readonly files: Map<string, OriginFile>;
  readonly requests: readonly IncomingMessage[];
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  /** Requests for a path, conditional ones and `HEAD` included. */
  count(path: string): number;
  /** Resolves with the response under way for a path, once somebody has asked for it. */
  asked(path: string): Promise<{ readonly request: IncomingMessage; readonly response: ServerResponse }>;
  /** Closes the port: from now on connections are refused. */
  close(): Promise<void>;
}

export async function startOrigin(
  files: Readonly<Record<string, OriginFile | Uint8Array>> = {},
): Promise<WebOrigin> {
  const known = new Map(
    Object.entries(files).map(([path, file]) => [path, file instanceof Uint8Array ? { bytes: file } : file]),
  );
  const requests: IncomingMessage[] = [];
  const sockets = new Set<Socket>();
  const waiting: { path: string; resolve: (value: never) => void }[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    const path = pathOf(request);
    for (const waiter of waiting.filter((w) => w.path === path)) {
      waiting.splice(waiting.indexOf(waiter), 1);
      waiter.resolve({ request, response } as never);
    }
    const file = known.get(path);
    if (!file) response.writeHead(404, { "content-type": "text/plain" }).end("not here");
    else if ("answer" in file) file.answer(request, response);
    else serve(request, response, file.bytes, file.headers);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    files: known,
    requests,
    sockets,
    count: (path) => requests.filter((request) => pathOf(request) === path).length,
    asked: (path) => new Promise((resolve) => waiting.push({ path, resolve })),
    async close() {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function pathOf(request: IncomingMessage): string {
  return decodeURIComponent((request.url ?? "/").split("?", 1)[0] ?? "").slice(1);
}

/** As a good web server answers: validators, conditions, one range. */
function serve(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  own: OutgoingHttpHeaders = {},
): void {
  const etag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 20)}"`;
  const headers: OutgoingHttpHeaders = {
    etag,
    "last-modified": "Tue, 05 Mar 2024 10:00:00 GMT",
    "content-type": "application/octet-stream",
    ...own,
  };
  const held = request.headers["if-none-match"];
  if (held !== undefined && held === headers.etag) {
    response.writeHead(304, headers).end();
    return;
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  if (range && Number(range[1]) < bytes.length) {
    const part = bytes.subarray(Number(range[1]), Number(range[2]) + 1);
    response.writeHead(206, {
      ...headers,
      "content-length": part.length,
      "content-range": `bytes ${range[1]}-${Number(range[1]) + part.length - 1}/${bytes.length}`,
    });
    response.end(part);
    return;
  }
  response.writeHead(200, { "content-length": bytes.length, ...headers });
  response.end(request.method === "HEAD" ? undefined : bytes);
}
