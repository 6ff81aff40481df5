import { setTimeout as pause } from "node:timers/promises";
import type { LoadedConfig } from "../config/load.ts";
import { MediaError } from "../model/errors.ts";

/** What is to be forgotten, as the command line says it. */
export interface PurgeFlags {
  readonly source?: string;
  readonly prefix?: string;
  readonly tag?: string;
  readonly all?: boolean;
  readonly server?: string;
  readonly key?: string;
  readonly wait: boolean;
}

/** Milliseconds between two questions whether a purge is done, and for an answer at most. */
const PACE = 200;
const PATIENCE = 30_000;

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
  const calls = addressOf(flags.server, config);
  const authorization = `Basic ${Buffer.from(`${keyOf(flags.key, config)}:`).toString("base64")}`;
  const asked = await ask(calls, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify(Object.fromEntries(wishes)),
  });
  const id = String(asked.requestId);
  for (;;) {
    const { status } = await ask(`${calls}/${id}`, { headers: { authorization } });
    if (status === "Completed") return `${id}: completed`;
    if (!flags.wait) return `${id}: ${String(status).toLowerCase()}`;
    await pause(PACE);
  }
}

async function ask(address: string, init: RequestInit): Promise<Record<string, unknown>> {
  const answer = await fetch(address, {
    ...init,
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE),
  }).catch((cause: unknown) => {
    throw new MediaError(
      "ECONFIG",
      `no server answers at ${new URL(address).origin}; --server names another`,
      {
        cause,
      },
    );
  });
  const said = (await answer.json().catch(() => ({}))) as Record<string, unknown>;
  if (answer.ok) return said;
  const why = typeof said.message === "string" ? `: ${said.message}` : "";
  const hint = answer.status === 404 ? " (are purges switched off there, or is no key configured?)" : "";
  throw new MediaError("ECONFIG", `the server answered ${answer.status}${why}${hint}`);
}

/** Where the calls of purges lie: at `--server`, else at the server of the configuration on this machine. */
function addressOf(server: string | undefined, config: LoadedConfig | undefined): string {
  const port = Number(process.env.PORT) || config?.config.server?.port || 3000;
  const base = server ?? `http://localhost:${port}`;
  if (!URL.canParse(base)) throw new MediaError("ECONFIG", `--server: Expected a URL but received '${base}'`);
  const { path = "/-/api" } = config?.config.management || {};
  const { origin, pathname } = new URL(base);
  return `${origin}${pathname === "/" ? path.replace(/\/+$/, "") : pathname.replace(/\/+$/, "")}/v1/files/purge`;
}

function keyOf(key: string | undefined, config: LoadedConfig | undefined): string {
  const { privateKey, privateKeys = [] } = config?.config ?? {};
  const found = key ?? (process.env.MEDIATAP_PRIVATE_KEY || privateKey || privateKeys[0]);
  if (found) return found;
  throw new MediaError("ECONFIG", "no key: --key, MEDIATAP_PRIVATE_KEY or the configuration's privateKey");
}
