import { setTimeout as pause } from "node:timers/promises";
import ipaddr from "ipaddr.js";
import type { LoadedConfig } from "../config/load.ts";
import { MediaError } from "../model/errors.ts";
import type { PurgeCount } from "../plugin/cache-state.ts";
import type { ServerFlags } from "../plugin/plugin.ts";
import { runningServer } from "../server/management-client.ts";

/** What is to be purged, by the command line. */
export interface PurgeFlags extends ServerFlags {
  readonly config?: string;
  readonly source?: string;
  readonly prefix?: string;
  readonly tag?: string;
  readonly all?: boolean;
  readonly wait: boolean;
  readonly dryRun?: boolean;
}

/** Milliseconds between two requests for the state of a purge. */
const POLL_INTERVAL_MS = 200;
const PATH = "/v1/purges";

/**
 * Purges caches of a running server; resolves with what to print. `load`: the configuration, which is read if flags and URL do not name
 * both the server and its key. Throws in plain words if the server refuses or does not respond.
 */
export async function purgeAt(
  url: string | undefined,
  flags: PurgeFlags,
  load: () => Promise<LoadedConfig>,
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
  const isNeeded = flags.config !== undefined || named === undefined || flags.key === undefined;
  const config = isNeeded
    ? await load().catch((error: unknown) => {
        // One that nobody named may be missing.
        if (flags.config !== undefined) throw error;
        return undefined;
      })
    : undefined;
  const server = runningServer({ ...flags, ...(named !== undefined && { server: named }) }, config);
  const request = { method: "POST", body: Object.fromEntries(targets) } as const;
  if (flags.dryRun) return previewText(await server.call(`${PATH}/preview`, request));
  const purge = await server.call(PATH, request);
  const id = String(purge.id);
  for (;;) {
    const { state } = await server.call(`${PATH}/${id}`);
    if (state === "completed") return `${id}: completed by ${server.origin}`;
    if (!flags.wait) return `${id}: ${String(state)} at ${server.origin}`;
    await pause(POLL_INTERVAL_MS);
  }
}

/** What a purge would remove, for people. */
function previewText(preview: Record<string, unknown>): string {
  const { renditions, bytes, isComplete, tiers } = preview as unknown as PurgeCount;
  const unknown = tiers.filter((tier) => tier.renditions === undefined).map(({ name }) => name);
  const more = unknown.length > 0 ? `; ${unknown.join(", ")} cannot be counted` : "";
  const number = `${isComplete || more ? "" : "at least "}${renditions.toLocaleString("en")}`;
  return `would remove ${number} renditions (${(bytes / 1e6).toFixed(1)} MB)${more}`;
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

/** The server of an absolute URL. */
function serverOf(url: string | undefined): string | undefined {
  const parsed = url === undefined ? null : URL.parse(url);
  return parsed && /^https?:$/.test(parsed.protocol) ? parsed.origin : undefined;
}
