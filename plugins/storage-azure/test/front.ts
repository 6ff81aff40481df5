import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
  request as send,
} from "node:http";
import type { AddressInfo } from "node:net";

/** Stands in front of Azurite, and misbehaves where a test says so. */
export interface Front {
  readonly url: string;
  readonly requests: IncomingMessage[];
  /** Bytes of bodies that went through to who asked. */
  bytes: number;
  /** Answers a request in another way if it returns true. */
  fault: ((...[request, response]: Parameters<RequestListener>) => boolean) | undefined;
  /** The connection of the next body that is longer ends after so many bytes, and after `first`. */
  cut: { readonly after: number; readonly first?: () => Promise<unknown> } | undefined;
  /** Tokens of Entra ID that open the account: Azurite, which knows none over HTTP, gets a signature instead. */
  readonly tokens: Map<string, string>;
  close(): Promise<void>;
}

export async function startFront(port: number): Promise<Front> {
  const server = createServer((request, response) => {
    front.requests.push(request);
    if (front.fault?.(request, response)) return;
    const { authorization = "", ...headers } = request.headers;
    let path = request.url ?? "/";
    if (authorization.startsWith("Bearer ")) {
      const signature = front.tokens.get(authorization.slice("Bearer ".length));
      if (signature === undefined) return void refuse(response);
      path += path.includes("?") ? signature.replace("?", "&") : signature;
    } else if (authorization !== "") headers.authorization = authorization;
    const to = { host: "127.0.0.1", port, method: request.method ?? "GET", path, headers, agent: false };
    const sent = send(to, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      pass(answer, response).catch(() => response.destroy());
    });
    sent.on("error", () => response.destroy());
    request.pipe(sent);
  });

  async function pass(answer: IncomingMessage, response: ServerResponse): Promise<void> {
    let length = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      const { cut } = front;
      const left = (cut?.after ?? Number.POSITIVE_INFINITY) - length;
      length += chunk.length;
      front.bytes += chunk.length;
      if (cut && chunk.length > left) {
        front.cut = undefined;
        await new Promise((resolve) => response.write(chunk.subarray(0, left), resolve));
        await cut.first?.();
        response.destroy();
        return;
      }
      if (!response.write(chunk)) await room(response);
      if (response.destroyed) return void answer.destroy();
    }
    response.end();
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const front: Front = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    bytes: 0,
    fault: undefined,
    cut: undefined,
    tokens: new Map(),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return front;
}

/** Waits until more may be written, or nothing any more. */
function room(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
    if (response.destroyed) done();
  });
}

/** Azure's answer to a token that has ended, or is none. */
function refuse(response: ServerResponse): void {
  const code = "InvalidAuthenticationInfo";
  response.writeHead(401, { "x-ms-error-code": code, "www-authenticate": "Bearer" });
  response.end(`<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code></Error>`);
}
