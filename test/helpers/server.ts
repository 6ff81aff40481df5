import { request } from "node:http";
import type { MediatapConfig } from "@mediatap/core";
import { createServer, loadConfig, type MediatapServer, type ServerOptions } from "@mediatap/core/server";

/** Key of servers in tests: a plugin that keeps state needs one as soon as there is a management API. */
process.env.MEDIATAP_STATE_KEY ??= Buffer.alloc(32, "test").toString("base64");

type Logger = NonNullable<ServerOptions["log"]>;

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  /** Lower-case names; repeated ones joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly text: string;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** A server under test, listening on a free port of the loopback interface. */
export interface TestServer {
  readonly url: string;
  readonly port: number;
  readonly server: MediatapServer;
  /** Sends a request with the path exactly as written. */
  ask(path: string, options?: AskOptions): Promise<Answer>;
  close(): Promise<void>;
}

export interface StartOptions {
  /** Folder at which relative paths of the configuration start. @default process.cwd() */
  readonly base?: string;
  /** @default any that is free */
  readonly port?: number;
  /** Left out: nothing is logged. */
  readonly log?: Logger;
}

/**
 * Time limits, in milliseconds, that end good work only on a machine that is very busy. What a test says of a limit is
 * stronger.
 */
const WIDE_LIMITS: NonNullable<MediatapConfig["limits"]> = {
  originFirstByte: 60_000,
  originIdle: 60_000,
  originTotal: 100_000,
  imageWork: 100_000,
  videoSegment: 100_000,
  queueWait: 100_000,
  videoQueueWait: 100_000,
  request: 110_000,
  clientHeaders: 60_000,
  clientWriteIdle: 100_000,
};

/** Starts a server of a configuration, with wide time limits where it sets none. */
export async function startServer(
  config: MediatapConfig,
  { base = process.cwd(), port: wanted = 0, log }: StartOptions = {},
): Promise<TestServer> {
  const limits = { ...WIDE_LIMITS, ...config.limits };
  const loaded = await loadConfig({ log: { level: "silent" }, ...config, limits }, { source: "test", base });
  const server = await createServer({ config: loaded, ...(log ? { log } : {}) });
  const { port } = await server.listen(wanted, "127.0.0.1");
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    server,
    ask: (path, options) => ask(port, path, options),
    close: () => server.close(),
  };
}

/** One request to the loopback interface; nothing about the path is normalised. */
export function ask(
  port: number,
  path: string,
  { method = "GET", headers = {}, body, signal }: AskOptions = {},
) {
  return new Promise<Answer>((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port, path, method, headers, agent: false, ...(signal ? { signal } : {}) },
      (res) => {
        const chunks: Buffer[] = [];
        res.on("data", (chunk: Buffer) => chunks.push(chunk));
        res.on("error", reject);
        res.on("end", () => {
          const body = Buffer.concat(chunks);
          const flat = Object.entries(res.headers).map(([name, value]) => [name, [value].flat().join(", ")]);
          resolve({
            status: res.statusCode ?? 0,
            headers: Object.fromEntries(flat),
            body,
            get text() {
              return body.toString("utf8");
            },
          });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}
