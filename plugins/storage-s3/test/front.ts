import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { freePort, passOn, type S3Service } from "@mediatap/test";
import type { Keyed } from "./places.ts";

/** Does something else with a request than to pass it on; `false`: it may pass. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Stands in front of a service: notes what it is asked, and misbehaves where told. */
export interface Front extends Keyed {
  readonly requests: readonly IncomingMessage[];
  /** Connections that were opened. */
  readonly connections: number;
  fault: Fault;
  /** Forgets the requests and connections so far. */
  forget(): void;
  close(): Promise<void>;
}

export async function startFront(service: S3Service): Promise<Front> {
  const { port, accessKey, secretKey } = service;
  const requests: IncomingMessage[] = [];
  let connections = 0;
  const pass = passOn(port);
  const server = createServer((request, response) => {
    requests.push(request);
    if (!front.fault(request, response)) pass(request, response);
  });
  server.on("connection", () => {
    connections += 1;
  });
  const own = await freePort();
  await new Promise<void>((resolve) => server.listen(own, "127.0.0.1", resolve));
  const front = {
    endpoint: `http://127.0.0.1:${own}`,
    accessKey,
    secretKey,
    requests,
    get connections() {
      return connections;
    },
    fault: (() => false) as Fault,
    forget() {
      requests.length = 0;
      connections = 0;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return front;
}

/** An error as S3 words it. */
export function refuse(response: ServerResponse, status: number, code: string, headers: object = {}): true {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>No.</Message></Error>`;
  response.writeHead(status, { "content-type": "application/xml", ...headers }).end(body);
  return true;
}

/** The first `times` requests meet a fault. */
export function first(times: number, fault: Fault): Fault {
  let left = times;
  return (request, response) => left-- > 0 && fault(request, response);
}

/** Lets a request pass, and ends its connection after so many bytes of the answer's body; or goes silent there. */
export function after(bytes: number, end: "die" | "stall" = "die"): Fault {
  return (_, response) => {
    const write = response.write.bind(response) as (chunk: Buffer, sent?: () => void) => boolean;
    let left = bytes;
    response.write = (chunk: Buffer) => {
      const part = chunk.subarray(0, left);
      left -= part.length;
      if (left > 0) return write(part);
      write(part, () => {
        if (end === "die") response.socket?.destroy();
      });
      response.write = () => false;
      return false;
    };
    return false;
  };
}
