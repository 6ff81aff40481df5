import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type { LookupFunction } from "node:net";
import { Readable } from "node:stream";
import type { NodeHttpHandler } from "@smithy/node-http-handler";

/** An error's XML is shorter than this; what comes after it is not read. */
const ERROR_BYTES = 64 * 1024;
/** Milliseconds for which an unused connection is kept: less than firewalls do, which then drop it without a word. */
const IDLE = 30_000;

export interface HandlerOptions {
  /** Milliseconds for a connection to open. */
  readonly connect: number;
  /** Milliseconds until the header of an answer is there. */
  readonly firstByte: number;
  /** Value of `x-req-from`. */
  readonly requestFrom: string;
  /** Resolves host names. @default the system's resolver */
  readonly lookup?: LookupFunction | undefined;
}

/** What the SDK makes its requests with: connections that are kept, and every wait bounded. */
export async function createHandler(options: HandlerOptions): Promise<NodeHttpHandler> {
  const { connect, firstByte, requestFrom, lookup } = options;
  const { NodeHttpHandler } = await import("@smithy/node-http-handler");
  // Not limited in number: a place in a queue would count as time to connect. Renders are limited by the core.
  const settings = { keepAlive: true, timeout: IDLE, ...(lookup && { lookup }) };
  const httpAgent = new HttpAgent(settings);
  const httpsAgent = new HttpsAgent(settings);

  class Handler extends NodeHttpHandler {
    override async handle(...[request, options]: Parameters<NodeHttpHandler["handle"]>) {
      request.headers["x-req-from"] = requestFrom;
      const answer = await super.handle(request, options).catch((error: unknown) => {
        // Where one connection is dead those that wait beside it are, too, most likely.
        for (const agent of [httpAgent, httpsAgent]) closeIdle(agent);
        throw error;
      });
      if (answer.response.statusCode >= 300) answer.response.body = cut(answer.response.body);
      return answer;
    }
  }

  return new Handler({
    httpAgent,
    httpsAgent,
    connectionTimeout: connect,
    requestTimeout: firstByte,
    throwOnRequestTimeout: true,
    // Bodies have a clock of their own, which stands still while the reader takes its time.
    socketTimeout: 0,
  });
}

function closeIdle({ freeSockets }: HttpAgent): void {
  for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
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
