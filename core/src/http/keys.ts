import { createHmac, hash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Endpoint } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import type { KeyInfo } from "../plugin/account-keys.ts";
import type { CallReply, KeyAccess, KeysApi, RouteRequest } from "../plugin/calls.ts";
import { attributed } from "../plugin/errors.ts";
import { createStoredKeys, KEY_RECORDS, type StoredKey } from "../state/api-keys.ts";
import { createAudit } from "../state/audit.ts";
import { recordsOf } from "../state/open.ts";
import { createSecrets } from "../state/secrets.ts";
import type { Bus } from "../util/bus.ts";
import { maskUrl } from "../util/log.ts";
import {
  type Activity,
  accountOfEntry,
  assertRole,
  type Caller,
  createCounts,
  createRights,
  type RightsParts,
} from "./rights.ts";
import type { Call } from "./routes.ts";
import { createWrongKeys } from "./wrong-keys.ts";

/** Milliseconds by which the response to a wrong key is delayed. */
const WRONG_KEY_DELAY_MS = 300;

/** Characters of a path in the audit log. */
const MAX_LOGGED = 500;

/** Derived from a key, so that its id and the codes made with it reveal nothing about the signatures of URLs. */
const PURPOSE = "mediatap sign-in";

interface KeysParts extends Omit<RightsParts, "storedKeys" | "configuredKeys" | "audit" | "counts"> {
  /** Of the management. */
  readonly calls: readonly Call[];
  readonly bus: Bus;
  /** As of `PluginApi`. */
  readonly shared: <T extends object>(key: string, create: () => T) => T;
}

/** Keys with what only the core does with them. */
export interface Keys extends KeysApi {
  open(key: string, ip: string): Promise<OpenKey>;
  find(id: string, ip: string): Promise<OpenKey | undefined>;
}

interface OpenKey extends KeyAccess {
  /** Answers a call with the rights of the key. Throws as `KeyAccess.call`. */
  answer(call: Call, request: RouteRequest): Promise<CallReply>;
}

interface ConfiguredKey {
  readonly id: string;
  readonly secret: Buffer;
  readonly endpoints: readonly Endpoint[];
}

/** Private keys of a configuration, by their hashes: to find one takes the same time whatever it is. */
function createConfiguredKeys(endpoints: readonly Endpoint[]) {
  const pairs = endpoints.flatMap((endpoint) => endpoint.privateKeys.map((key) => [key, endpoint] as const));
  const byHash = new Map<string, ConfiguredKey>();
  const byId = new Map<string, ConfiguredKey>();
  for (const [key, found] of Map.groupBy(pairs, ([key]) => key)) {
    const secret = createHmac("sha256", key).update(PURPOSE).digest();
    const id = digest(secret).slice(0, 16);
    const configured = { id, secret, endpoints: found.map(([, endpoint]) => endpoint) };
    byHash.set(digest(key), configured);
    byId.set(id, configured);
  }
  return {
    byHash,
    byId,
    /** Those that are good for an endpoint of a tenant. */
    of: (tenant: string): KeyInfo[] =>
      [...byId.values()]
        .filter((key) => key.endpoints.some((endpoint) => endpoint.tenant === tenant))
        .map(({ id }) => ({ id, name: id, role: "configure", readOnly: true })),
  };
}

/**
 * The keys of a server: those of its configuration, and those that calls have created. What is counted by key and address lasts longer
 * than a runtime.
 */
export function createKeys({ calls, bus, shared, ...parts }: KeysParts): Keys {
  const { endpoints, log, state } = parts;
  const store = state?.store;
  const configured = createConfiguredKeys(endpoints);
  const stored = store && createStoredKeys(recordsOf(store, KEY_RECORDS));
  const audit = shared("core:audit", () => createAudit(log));
  const counts = shared("core:counts", createCounts);
  const wrongKeys = shared("core:wrong-keys", () => createWrongKeys(bus));
  const secrets = createSecrets();
  const rightsOf = createRights({
    ...parts,
    ...{ audit, counts, storedKeys: stored, configuredKeys: configured.of },
  });

  function accessOf(caller: Caller, secret: Buffer): OpenKey {
    const { id, name } = caller;
    return {
      id,
      name,
      ...opened(caller),
      seal: (text) => createHmac("sha256", secret).update(text).digest("base64url"),
    };
  }

  function opened(caller: Caller) {
    const answer: OpenKey["answer"] = async (call, request) => {
      const { method, path, handler, plugin, role } = call;
      const activity: Activity = {};
      const rights = rightsOf(caller, activity);
      const line = `${method} ${filled(path, request.params)}`;
      await assertRole(caller, role, line, { audit, store });
      const reply = await attributed("manage", plugin, () => handler(request, caller.endpoints, rights));
      const isRecorded = activity.isRecorded || (role === "operate" && activity.hasPurged);
      if (role !== "read" && !isRecorded && (reply.status ?? 200) < 400) {
        const { id, name, address } = caller;
        const tenant = accountOfEntry(caller);
        await audit.changed(store, { tenant, key: { id, name }, address, what: activity.note ?? line });
      }
      return reply;
    };
    const call: KeyAccess["call"] = async (path, request) => {
      for (const call of calls) {
        const params = call.method === request.method ? paramsOf(call.path, path) : undefined;
        if (!params) continue;
        return await answer(call, { ...request, path, params });
      }
      throw new MediaError("ENOENT", "There is no such call: is its plugin installed?");
    };
    return { endpoints: caller.endpoints, rights: rightsOf(caller, {}), call, answer };
  }

  function configuredAccess({ id, secret, endpoints }: ConfiguredKey, address: string): OpenKey {
    return accessOf({ id, name: id, author: `key ${id}`, role: "configure", address, endpoints }, secret);
  }

  /** `undefined`: its account is not there any more. */
  function storedAccess(key: StoredKey, address: string): OpenKey | undefined {
    const { id, name, role, tenant, version } = key;
    const own = endpointsOf(tenant);
    if (!own) return undefined;
    const secret = secrets.derive(`${PURPOSE} ${id} ${version}`);
    return accessOf({ id, name, author: `key ${name}`, role, address, endpoints: own }, secret);
  }

  /** All of an account; `undefined`: there is no such account. */
  function endpointsOf(tenant: string): readonly Endpoint[] | undefined {
    const own = endpoints.filter((endpoint) => endpoint.tenant === tenant);
    return own.length === 0 ? undefined : own;
  }

  async function access(key: string, address: string): Promise<OpenKey | undefined> {
    const own = key === "" ? undefined : configured.byHash.get(digest(key));
    if (own) return configuredAccess(own, address);
    const found = await stored?.verify(key);
    return found && storedAccess(found, address);
  }

  return {
    async open(key, ip) {
      const seconds = wrongKeys.blockedFor(ip);
      if (seconds !== undefined) {
        const options = { status: 429, retryAfterSeconds: seconds };
        throw new MediaError("EBUSY", "Too many requests with a wrong key.", options);
      }
      const found = await access(key, ip);
      if (found) return found;
      // Any page can make a browser send a request without a key.
      if (key !== "") wrongKeys.add(ip);
      await Promise.all([
        audit.refused(store, { tenant: "", address: ip, what: key === "" ? "no key" : "a wrong key" }),
        pause(WRONG_KEY_DELAY_MS),
      ]);
      throw new MediaError("ESIGNATURE", "Your account cannot be authenticated.");
    },
    async find(id, ip) {
      const own = configured.byId.get(id);
      if (own) return configuredAccess(own, ip);
      const found = await stored?.find(id);
      return found && storedAccess(found, ip);
    },
    all(ip) {
      const name = "the local user";
      return opened({ id: "local", name, author: name, role: "configure", address: ip, endpoints });
    },
    person({ id, name, role, tenant }, address) {
      const own = endpointsOf(tenant);
      return own && opened({ id, name, author: name, role, address, endpoints: own });
    },
  };
}

/** A pattern with the parameters of a request. */
function filled(pattern: string, params: Readonly<Record<string, string>>): string {
  const path = pattern.replace(/:(\w+)/g, (_, name: string) => params[name] ?? "");
  return maskUrl(path.slice(0, MAX_LOGGED));
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
