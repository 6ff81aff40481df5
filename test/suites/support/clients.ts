import { Agent, request } from "node:http";

/** A client that asks again and again over one connection that stays open. */
export interface Client {
  readonly statuses: readonly number[];
  /** What ended otherwise than with an answer. */
  readonly failures: readonly Error[];
  /** Resolves when it has ended: told to, or because the server closed its connection with an answer. */
  readonly ended: Promise<void>;
  stop(): void;
}

export interface ClientOptions {
  /** Goes on over a new connection when the server closes one with its answer. @default true */
  readonly reconnect?: boolean;
}

export function client(
  port: number,
  pathOf: (turn: number) => string,
  { reconnect = true }: ClientOptions = {},
): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const statuses: number[] = [];
  const failures: Error[] = [];
  let going = true;

  const once = (path: string) =>
    new Promise<boolean>((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port, path, agent }, (res) => {
        res.on("error", reject);
        res.on("end", () => {
          statuses.push(res.statusCode ?? 0);
          resolve(res.headers.connection === "close");
        });
        res.resume();
      });
      sent.on("error", reject).end();
    });

  async function run(): Promise<void> {
    for (let turn = 0; going; turn++) {
      try {
        const closed = await once(pathOf(turn));
        if (closed && !reconnect) break;
      } catch (error) {
        failures.push(error as Error);
        break;
      }
    }
    agent.destroy();
  }

  const ended = run();
  return {
    statuses,
    failures,
    ended,
    stop() {
      going = false;
    },
  };
}
