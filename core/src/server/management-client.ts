import type { LoadedConfig } from "../config/load.ts";
import { MediaError } from "../model/errors.ts";
import type { RunningServer, ServerFlags } from "../plugin/plugin.ts";

const TIMEOUT_MS = 30_000;

/**
 * A running server, and the key to its management: by flags of the command line, else by the environment, else as the
 * configuration of this machine sets. Throws `ECONFIG` if none is known.
 */
export function runningServer(flags: ServerFlags, config: LoadedConfig | undefined): RunningServer {
  const calls = addressOf(flags.server, config);
  const authorization = `Basic ${Buffer.from(`${keyOf(flags.key, config)}:`).toString("base64")}`;
  return {
    origin: new URL(calls).origin,
    call(path, { method = "GET", body } = {}) {
      if (body === undefined) return ask(`${calls}${path}`, { method, headers: { authorization } });
      const headers = { authorization, "content-type": "application/json" };
      return ask(`${calls}${path}`, { method, headers, body: JSON.stringify(body) });
    },
  };
}

async function ask(address: string, init: RequestInit): Promise<Record<string, unknown>> {
  const { origin } = new URL(address);
  const response = await fetch(address, {
    ...init,
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw new MediaError("ECONFIG", `no server answers at ${origin}; --server names another`, { cause });
  });
  const json = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return json;
  const why = typeof json.message === "string" ? `: ${json.message}` : "";
  const hint =
    response.status === 404 && why === ""
      ? ": are such calls switched off there, or is no key configured? --server names another server"
      : "";
  throw new MediaError("ECONFIG", `${origin} answered ${response.status}${why}${hint}`);
}

/** Where calls lie: at `--server`, else at the server of the configuration on this machine. */
function addressOf(server: string | undefined, config: LoadedConfig | undefined): string {
  const port = Number(process.env.PORT) || config?.config.server?.port || 3000;
  const base = server ?? `http://localhost:${port}`;
  if (!URL.canParse(base)) throw new MediaError("ECONFIG", `--server: Expected a URL but received '${base}'`);
  const { path = "/-/api" } = config?.config.management || {};
  const { origin, pathname } = new URL(base);
  return `${origin}${pathname === "/" ? path.replace(/\/+$/, "") : pathname.replace(/\/+$/, "")}`;
}

function keyOf(key: string | undefined, config: LoadedConfig | undefined): string {
  const { privateKey, privateKeys = [] } = config?.config ?? {};
  const found = key ?? (process.env.MEDIATAP_PRIVATE_KEY || privateKey || privateKeys[0]);
  if (found) return found;
  throw new MediaError("ECONFIG", "no key: --key, MEDIATAP_PRIVATE_KEY or the configuration's privateKey");
}
