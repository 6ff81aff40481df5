import { isIPv6 } from "node:net";
import type { LoadedConfig } from "../config/load.ts";
import { createLogger } from "../log.ts";
import { codeOf, MediaError } from "../model/errors.ts";
import { createServer } from "../server.ts";

export interface ServeFlags {
  readonly port?: number;
  readonly host?: string;
}

/** Serves until SIGTERM or SIGINT; then lets running requests end. A second signal ends at once. */
export async function serve(config: LoadedConfig, flags: ServeFlags): Promise<void> {
  const log = createLogger(config.config.log);
  const port = flags.port ?? environmentPort() ?? config.config.server?.port ?? 3000;
  const host = flags.host ?? (process.env.HOST || config.config.server?.host);
  const server = await createServer({ config, log });
  const listening = await server.listen(port, host).catch(async (error: unknown) => {
    await server.close();
    throw notListening(error, port, host);
  });
  log.info(`mediatap listens on ${addressOf(host, listening.port)}`);

  const { promise, resolve } = Promise.withResolvers<number>();
  const stop = (signal: string) => {
    for (const name of ["SIGTERM", "SIGINT"])
      process.removeAllListeners(name).on(name, () => process.exit(1));
    log.info(`${signal}: finishing what runs`);
    server.close().then(
      () => resolve(0),
      (error: unknown) => {
        log.error({ err: error }, "the server could not stop cleanly");
        resolve(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  process.on("unhandledRejection", (error) => crash(error, "a promise was rejected and nobody listened"));
  process.on("uncaughtException", (error) => crash(error, "an error was thrown and nobody caught it"));

  /** A defect: noted, then the server drains and ends as failed. */
  function crash(error: unknown, message: string) {
    log.fatal({ err: error }, message);
    server.close().finally(() => resolve(1));
  }

  const code = await promise;
  // Whatever a plugin left open must not keep the process.
  process.exit(code);
}

function environmentPort(): number | undefined {
  const text = process.env.PORT;
  if (text === undefined || text === "") return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535)
    throw new MediaError("ECONFIG", `PORT: Expected a number from 0 to 65535 but received '${text}'`);
  return Number(text);
}

/** What people can do about an address that cannot be listened on. */
function notListening(error: unknown, port: number, host: string | undefined): unknown {
  const message = {
    EADDRINUSE: `port ${port} is in use; --port chooses another`,
    EACCES: `port ${port} may not be used by this user; --port chooses another`,
    EADDRNOTAVAIL: `this machine has no address ${host}; --host chooses another`,
    ENOTFOUND: `this machine has no address ${host}; --host chooses another`,
  }[codeOf(error) ?? ""];
  return message === undefined ? error : new MediaError("ECONFIG", message, { cause: error });
}

function addressOf(host: string | undefined, port: number): string {
  const everywhere = host === undefined || host === "0.0.0.0" || host === "::";
  return `http://${everywhere ? "localhost" : isIPv6(host) ? `[${host}]` : host}:${port}`;
}
