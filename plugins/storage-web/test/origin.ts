import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A web server on the loopback address, which notes what it was asked. */
export interface Origin {
  readonly url: string;
  readonly requests: IncomingMessage[];
  /** Connections opened so far. */
  readonly connections: () => number;
  close(): Promise<void>;
}

export async function createOrigin(answer: RequestListener): Promise<Origin> {
  const requests: IncomingMessage[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  server.on("connection", () => connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export interface File {
  readonly bytes: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers as a good web server does: from a map of decoded paths, with validators and ranges. */
export function serveFiles(files: ReadonlyMap<string, File>): RequestListener {
  return (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname).replace("/media/", "");
    const file = files.get(path);
    if (!file) return void response.writeHead(404, { "content-type": "text/plain" }).end("not here");
    const etag = `"${createHash("sha256").update(file.bytes).digest("base64url")}"`;
    const headers = {
      etag,
      "last-modified": "Tue, 05 Mar 2024 10:00:00 GMT",
      "content-type": "application/octet-stream",
      ...file.headers,
    };
    const since = Date.parse(request.headers["if-modified-since"] ?? "");
    const same =
      request.headers["if-none-match"] === undefined
        ? since >= Date.parse(headers["last-modified"])
        : request.headers["if-none-match"] === etag;
    if (same) return void response.writeHead(304, headers).end();
    sendRange(request, response, file.bytes, headers);
  };
}

/** Sends bytes or the range of them that was asked for. */
export function sendRange(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  headers: Record<string, string>,
): void {
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const ifRange = request.headers["if-range"];
  if (!range || (ifRange !== undefined && ifRange !== headers.etag)) {
    response.writeHead(200, { ...headers, "content-length": bytes.length }).end(bytes);
    return;
  }
  const start = Number(range[1]);
  const end = Math.min(Number(range[2]), bytes.length - 1);
  if (start > end) {
    response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
    return;
  }
  const part = bytes.subarray(start, end + 1);
  response.writeHead(206, {
    ...headers,
    "content-length": part.length,
    "content-range": `bytes ${start}-${end}/${bytes.length}`,
  });
  response.end(part);
}
