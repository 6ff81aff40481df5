import { setTimeout as pause } from "node:timers/promises";
import ipaddr from "ipaddr.js";
import type { LoadedConfig } from "../config/load.ts";
import { MediaError } from "../model/errors.ts";
import type { ServerFlags } from "../plugin.ts";
import { runningServer } from "../server/management-client.ts";

/** What is to be forgotten, as the command line says it. */
export interface PurgeFlags extends ServerFlags {
  readonly source?: string;
  readonly prefix?: string;
  readonly tag?: string;
  readonly all?: boolean;
  readonly wait: boolean;
}

/** Milliseconds between two questions whether a purge is done. */
const POLL_INTERVAL_MS = 200;
const PATH = "/v1/purges";

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
  const targets = Object.entries({ url, source, prefix, tag, all }).filter(
    ([, value]) => value !== undefined,
  );
  if (targets.length !== 1) {
    throw new MediaError("ECONFIG", "Expected one of a URL, --source, --prefix, --tag and --all");
  }
  const named = flags.server ?? serverOf(url);
  if (flags.server === undefined && named !== undefined) assertConfidential(new URL(named));
  const server = runningServer({ ...flags, ...(named !== undefined && { server: named }) }, config);
  const asked = await server.call(PATH, { method: "POST", body: Object.fromEntries(targets) });
  const id = String(asked.id);
  for (;;) {
    const { state } = await server.call(`${PATH}/${id}`);
    if (state === "completed") return `${id}: completed by ${server.origin}`;
    if (!flags.wait) return `${id}: ${String(state)} at ${server.origin}`;
    await pause(POLL_INTERVAL_MS);
  }
}

/** The key must not cross the internet in clear because a URL was copied from a page. */
function assertConfidential({ protocol, hostname, origin }: URL): void {
  const address = hostname.replace(/^\[|\]$/g, "");
  const isPublic = ipaddr.isValid(address)
    ? ipaddr.process(address).range() === "unicast"
    : hostname.includes(".") && !/\.(?:localhost|local|internal)$/.test(hostname);
  if (protocol === "https:" || !isPublic) return;
  throw new MediaError(
    "ECONFIG",
    `the key would be sent to ${origin} without encryption; use its https URL, or --server for the server to ask`,
  );
}

/** The server that answers an absolute URL. */
export function serverOf(url: string | undefined): string | undefined {
  const parsed = url === undefined ? null : URL.parse(url);
  return parsed && /^https?:$/.test(parsed.protocol) ? parsed.origin : undefined;
}
