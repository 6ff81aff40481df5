import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { Event } from "../src/event.ts";

export interface Call {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: Event;
}

/** A receiver of webhooks; `answers`: what the next calls are answered with, then 204. */
export async function startReceiver(port = 0) {
  const calls: Call[] = [];
  const answers: { status: number; headers?: Record<string, string> }[] = [];
  let waiting: (() => void)[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    calls.push({ headers: request.headers, body, event: JSON.parse(body) });
    const { status, headers = {} } = answers.shift() ?? { status: 204 };
    response.writeHead(status, headers).end();
    for (const wake of waiting.splice(0)) wake();
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const { port: used } = server.address() as AddressInfo;
  return {
    calls,
    answers,
    port: used,
    url: `http://127.0.0.1:${used}/hooks/token-in-the-path`,
    /** Resolves once so many calls have come. */
    async received(count: number): Promise<readonly Call[]> {
      while (calls.length < count) await new Promise<void>((wake) => waiting.push(wake));
      return calls;
    },
    async close() {
      waiting = [];
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
