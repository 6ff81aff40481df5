import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { LookupFunction } from "node:net";
import { Readable } from "node:stream";
import type { Limits } from "@mediatap/core";
import type { NodeHttpHandler } from "@smithy/node-http-handler";

/** An error's XML is shorter than this; what comes after it is not read. */
const ERROR_BYTES = 64 * 1024;

export interface HandlerOptions {
  readonly limits: Limits;
  /** Value of `x-req-from`. */
  readonly requestFrom: string;
  /** Resolves host names. @default the system's resolver */
  readonly lookup?: LookupFunction;
}

/** What the SDK makes its requests with: connections that are kept, and every wait bounded. */
export async function createHandler({
  limits,
  requestFrom,
  lookup,
}: HandlerOptions): Promise<NodeHttpHandler> {
  const { NodeHttpHandler } = await import("@smithy/node-http-handler");
  // Not limited in number: a place in a queue would count as time to connect. Flights are limited by the core.
  const agent = { keepAlive: true, ...(lookup && { lookup }) };

  class Handler extends NodeHttpHandler {
    override async handle(...[request, options]: Parameters<NodeHttpHandler["handle"]>) {
      request.headers["x-req-from"] = requestFrom;
      const answer = await super.handle(request, options);
      if (answer.response.statusCode >= 300) answer.response.body = cut(answer.response.body);
      return answer;
    }
  }

  return new Handler({
    httpAgent: new HttpAgent(agent),
    httpsAgent: new HttpsAgent(agent),
    connectionTimeout: limits.originConnect,
    requestTimeout: limits.originFirstByte,
    throwOnRequestTimeout: true,
    // Bodies have a clock of their own, which stands still while the reader takes its time.
    socketTimeout: 0,
  });
}

/** A body, up to the length of an error's. */
function cut(body: Readable): Readable {
  return Readable.from(first(body));
}

async function* first(body: Readable): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    yield chunk;
    length += chunk.length;
    if (length > ERROR_BYTES) return;
  }
}
