import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { inputErrors } from "../process/input-errors.ts";
import { temp } from "../process/temp.ts";
import { type BlockFile, Blocks } from "./blocks.ts";
import { Downloads } from "./downloads.ts";

interface Served {
  readonly file: BlockFile;
  readonly url: string;
  /** Ends with the last use of the URL. */
  readonly closed: AbortController;
}

/** A URL that is valid until it is disposed. */
export interface LoopbackUrl extends Disposable {
  readonly url: string;
}

/**
 * Serves ranges of files at origins to programs on this machine, under unguessable URLs. Listens on a free port of
 * 127.0.0.1 from the first file on.
 */
class Loopback {
  readonly blocks = new Blocks(temp());
  readonly downloads = new Downloads(temp());
  readonly #served = new Map<string, Served>();
  #server: Promise<Server> | undefined;

  async open(file: BlockFile): Promise<LoopbackUrl> {
    this.#server ??= this.#listen();
    const { port } = (await this.#server).address() as AddressInfo;
    const path = `/${randomBytes(24).toString("base64url")}`;
    const url = `http://127.0.0.1:${port}${path}`;
    const closed = new AbortController();
    this.#served.set(path, { file, url, closed });
    return {
      url,
      [Symbol.dispose]: () => {
        this.#served.delete(path);
        inputErrors.delete(url);
        closed.abort();
      },
    };
  }

  async close(): Promise<void> {
    this.blocks.close();
    this.downloads.close();
    const server = await this.#server?.catch(() => undefined);
    server?.closeAllConnections();
    server?.close();
  }

  async #listen(): Promise<Server> {
    const { createServer } = process.getBuiltinModule("node:http");
    const server = createServer((request, response) => this.#respond(request, response));
    server.unref();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return server;
  }

  #respond(request: IncomingMessage, response: ServerResponse): void {
    const served = this.#served.get(request.url ?? "");
    if (!served || request.method !== "GET") {
      response.writeHead(404, { connection: "close" }).end();
      return;
    }
    const { file, url, closed } = served;
    const range = /^bytes=(\d{1,15})-(\d{1,15})?$/.exec(request.headers.range ?? "");
    const start = Number(range?.[1] ?? 0);
    const end = Math.min(file.size - 1, Number(range?.[2] ?? file.size - 1));
    const headers = {
      "accept-ranges": "bytes",
      "content-type": "application/octet-stream",
      connection: "close",
    };
    if (start > end) {
      response.writeHead(416, { ...headers, "content-range": `bytes */${file.size}` }).end();
      return;
    }
    response.writeHead(range ? 206 : 200, {
      ...headers,
      ...(range && { "content-range": `bytes ${start}-${end}/${file.size}` }),
      "content-length": end - start + 1,
    });
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const signal = AbortSignal.any([gone.signal, closed.signal]);
    pipeline(this.blocks.read(file, { start, end }, signal), response).catch((error: unknown) => {
      if (!signal.aborted && !inputErrors.has(url)) inputErrors.set(url, error);
    });
  }
}

let current: Loopback | undefined;

/** The server of this process; created for its first user. */
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
