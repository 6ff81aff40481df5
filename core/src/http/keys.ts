import { createHmac, hash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { attributed } from "../facade.ts";
import type { Endpoint } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import type { CallRights, KeyAccess, KeysApi } from "../plugin.ts";
import type { Call } from "./runtime.ts";

/** Milliseconds for which a wrong key waits for its answer, and wrong keys of one address in a minute. */
const WRONG_KEY_DELAY_MS = 300;
const MAX_WRONG_KEYS = 10;
const WRONG_KEY_WINDOW_MS = 60_000;

/** Derived from a private key, so that its id and the codes made with it reveal nothing about the signatures of URLs. */
const PURPOSE = "mediatap sign-in";

interface KeysParts {
  readonly endpoints: readonly Endpoint[];
  /** `author`: whose rights they are, for people. */
  readonly rightsOf: (endpoints: readonly Endpoint[], author: string) => CallRights;
  /** Of the management. */
  readonly calls: readonly Call[];
}

/** The private keys of a configuration, by their hashes: to find one takes the same time whatever it is. */
export function createKeys({ endpoints, rightsOf, calls }: KeysParts): KeysApi {
  const guesses = new LRUCache<string, number>({ max: 10_000, ttl: WRONG_KEY_WINDOW_MS, noUpdateTTL: true });
  const pairs = endpoints.flatMap((endpoint) => endpoint.privateKeys.map((key) => [key, endpoint] as const));
  const byHash = new Map<string, KeyAccess>();
  const byId = new Map<string, KeyAccess>();
  for (const [key, found] of Map.groupBy(pairs, ([key]) => key)) {
    const access = accessOf(
      key,
      found.map(([, endpoint]) => endpoint),
    );
    byHash.set(digest(key), access);
    byId.set(access.id, access);
  }

  function accessOf(key: string, endpoints: readonly Endpoint[]): KeyAccess {
    const secret = createHmac("sha256", key).update(PURPOSE).digest();
    const id = digest(secret).slice(0, 16);
    return {
      id,
      ...opened(endpoints, `key ${id}`),
      seal: (text) => createHmac("sha256", secret).update(text).digest("base64url"),
    };
  }

  function opened(endpoints: readonly Endpoint[], author: string) {
    const rights = rightsOf(endpoints, author);
    const call: KeyAccess["call"] = async (path, request) => {
      for (const { method, path: pattern, handler, plugin } of calls) {
        const params = method === request.method ? paramsOf(pattern, path) : undefined;
        if (!params) continue;
        const asked = { ...request, path, params };
        return await attributed("manage", plugin, () => handler(asked, endpoints, rights));
      }
      throw new MediaError("ENOENT", "There is no such call: is its plugin installed?");
    };
    return { endpoints, rights, call };
  }

  return {
    async open(key, ip) {
      const wrong = guesses.get(ip) ?? 0;
      if (wrong >= MAX_WRONG_KEYS) {
        const options = { status: 429, retryAfterSeconds: WRONG_KEY_WINDOW_MS / 1000 };
        throw new MediaError("EBUSY", "Too many requests with a wrong key.", options);
      }
      const access = key === "" ? undefined : byHash.get(digest(key));
      if (access) return access;
      guesses.set(ip, wrong + 1);
      await pause(WRONG_KEY_DELAY_MS);
      throw new MediaError("ESIGNATURE", "Your account cannot be authenticated.");
    },
    find: (id) => byId.get(id),
    all: () => opened(endpoints, "the local user"),
  };
}

/** What stands in a path for the `:names` of a pattern; `undefined`: it does not match. */
function paramsOf(pattern: string, path: string): Record<string, string> | undefined {
  const [names, values] = [pattern.split("/"), path.split("/")];
  const isMatch =
    names.length === values.length &&
    names.every((name, at) => (name.startsWith(":") ? values[at] !== "" : name === values[at]));
  if (!isMatch) return undefined;
  const pairs = names.flatMap((name, at) =>
    name.startsWith(":") ? [[name.slice(1), decoded(values[at] as string)]] : [],
  );
  return Object.fromEntries(pairs) as Record<string, string>;
}

/** As the router decodes a segment: what is no encoded text stays as it is. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function digest(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}
