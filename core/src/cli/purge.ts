import { setTimeout as pause } from "node:timers/promises";
import type { LoadedConfig } from "../config/load.ts";
import { MediaError } from "../model/errors.ts";
import type { ServerFlags } from "../plugin.ts";
import { runningServer } from "../running.ts";

/** What is to be forgotten, as the command line says it. */
export interface PurgeFlags extends ServerFlags {
  readonly source?: string;
  readonly prefix?: string;
  readonly tag?: string;
  readonly all?: boolean;
  readonly wait: boolean;
}

/** Milliseconds between two questions whether a purge is done. */
const PACE = 200;
const PATH = "/v1/files/purge";

/**
 * Asks a running server to forget something; resolves with what to print. `config`: where a server of this machine and
 * its key are configured. Throws in plain words where the server refuses or does not answer.
 */
export async function purgeAt(
  url: string | undefined,
  flags: PurgeFlags,
  config: LoadedConfig | undefined,
): Promise<string> {
  const { source, prefix, tag, all } = flags;
  const wishes = Object.entries({ url, source, prefix, tag, all }).filter(([, value]) => value !== undefined);
  if (wishes.length !== 1) {
    throw new MediaError("ECONFIG", "Expected one of a URL, --source, --prefix, --tag and --all");
  }
  const server = runningServer(flags, config);
  const asked = await server.call(PATH, { method: "POST", body: Object.fromEntries(wishes) });
  const id = String(asked.requestId);
  for (;;) {
    const { status } = await server.call(`${PATH}/${id}`);
    if (status === "Completed") return `${id}: completed`;
    if (!flags.wait) return `${id}: ${String(status).toLowerCase()}`;
    await pause(PACE);
  }
}
