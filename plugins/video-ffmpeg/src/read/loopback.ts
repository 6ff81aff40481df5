import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Watched, watch } from "../process/input-errors.ts";
import { BLOCK, type BlockFile, Blocks } from "./blocks.ts";
import { Wholes } from "./copies.ts";

/** A file under an address of ours. */
export interface Address {
  readonly url: string;
  /** From now on nobody reads it any more. */
  close(): void;
}

interface Served {
  readonly file: BlockFile;
  readonly watched: Watched;
  readonly responses: Set<ServerResponse>;
}

/**
 * Serves files at origins to programs on this machine, by range, under addresses that cannot be guessed and live only as long
 * as somebody holds them. Listens on 127.0.0.1, on a port of its own, from the first file on.
 */
export class Loopback {
  /** Parts of files that have been read. */
  readonly blocks = new Blocks();
  /** Files that can only be had whole. */
  readonly wholes = new Wholes();
  readonly #served = new Map<string, Served>();
  #server: Promise<Server> | undefined;

  async open(file: BlockFile): Promise<Address> {
    this.#server ??= this.#listen();
    const { port } = (await this.#server).address() as AddressInfo;
    const token = randomBytes(24).toString("base64url");
    const url = `http://127.0.0.1:${port}/${token}`;
    const served: Served = { file, watched: watch(url), responses: new Set() };
    this.#served.set(token, served);
    return {
      url,
      close: () => {
        this.#served.delete(token);
        served.watched.forget();
        for (const response of served.responses) response.destroy();
      },
    };
  }

  async close(): Promise<void> {
    this.blocks.close();
    this.wholes.close();
    const server = await this.#server?.catch(() => undefined);
    server?.closeAllConnections();
    server?.close();
  }

  async #listen(): Promise<Server> {
    const server = createServer((request, response) => this.#answer(request, response));
    server.unref();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return server;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const served = this.#served.get((request.url ?? "").slice(1));
    if (!served || request.method !== "GET") {
      response.writeHead(404, { connection: "close" }).end();
      return;
    }
    const { size } = served.file;
    const asked = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(request.headers.range ?? "");
    const start = Number(asked?.[1] ?? 0);
    const end = Math.min(size - 1, Number(asked?.[2] ?? size - 1));
    const common = {
      "accept-ranges": "bytes",
      "content-type": "application/octet-stream",
      connection: "close",
    };
    if (start > end) {
      response.writeHead(416, { ...common, "content-range": `bytes */${size}` }).end();
      return;
    }
    const range = asked && { "content-range": `bytes ${start}-${end}/${size}` };
    response.writeHead(asked ? 206 : 200, { ...common, ...range, "content-length": end - start + 1 });
    served.responses.add(response);
    response.once("close", () => served.responses.delete(response));
    this.#send(served.file, response, start, end).catch((error: unknown) => {
      if (!response.destroyed) served.watched.note(error);
      response.destroy();
    });
  }

  async #send(file: BlockFile, response: ServerResponse, start: number, end: number): Promise<void> {
    const reader = this.blocks.reader(file);
    response.once("close", reader.leave);
    for (let at = start; at <= end && !response.destroyed; ) {
      const index = Math.floor(at / BLOCK);
      const block = await reader.read(index);
      const part = block.subarray(at - index * BLOCK, end + 1 - index * BLOCK);
      at += part.length;
      if (!response.write(part) && !response.destroyed) await roomIn(response);
    }
    response.end();
  }
}

/** Waits until more can be written, or nobody reads. */
function roomIn(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

let current: Loopback | undefined;

/** The one of this process; made when it is first asked for. */
export function loopback(): Loopback {
  current ??= new Loopback();
  return current;
}

/** Closes it, with all that it keeps. */
export async function closeLoopback(): Promise<void> {
  const closing = current;
  current = undefined;
  await closing?.close();
}
