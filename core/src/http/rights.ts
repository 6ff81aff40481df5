import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import type { Cache } from "../cache/cache.ts";
import type { Purges } from "../cache/purges.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Endpoint } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import type { PurgeRule } from "../model/purge-rule.ts";
import type { AccountState } from "../plugin/account.ts";
import type { AccountKeys, KeyInfo, KeyRole } from "../plugin/account-keys.ts";
import type { CallRights } from "../plugin/calls.ts";
import type { StateStore } from "../plugin/state-store.ts";
import { accountState, type RuntimeState } from "../state/account.ts";
import { infoOf, type StoredKeys } from "../state/api-keys.ts";
import { type Audit, readAudit } from "../state/audit.ts";
import { maskUrl } from "../util/log.ts";
import { EXPECTED_PURGE, purgeSchema } from "./purge-calls.ts";
import { type PurgeOrder, type PurgeParts, rulesOfUrl, scopeOf } from "./purge-target.ts";

const MINUTE_MS = 60_000;

/** Keys and accounts whose purges and changes are counted. */
const MAX_COUNTED = 10_000;

/** Characters of the value of a purge in logs. */
const MAX_LOGGED = 500;

/** Milliseconds for which a preview counts. */
const PREVIEW_TIMEOUT_MS = 5_000;

const ROLES: readonly KeyRole[] = ["read", "operate", "configure"];

/** Who makes a management call. */
export interface Caller {
  /** Of the key, and its name for people. */
  readonly id: string;
  readonly name: string;
  /** Of revisions, for people. */
  readonly author: string;
  readonly role: KeyRole;
  readonly address: string;
  /** Those that the key is good for. */
  readonly endpoints: readonly Endpoint[];
}

/** What a caller has done so far. */
export interface Activity {
  /** Its changes are in the audit log, or it has tried a change only. */
  isRecorded?: boolean;
  /** A purge of it is there; a call that changes more than caches has an entry of its own, too. */
  hasPurged?: boolean;
  /** As of `CallRights.note`. */
  note?: string;
}

type Counts = ReturnType<typeof createCounts>;

/** Counts purges and changes within the present minute: in the process, as a change makes another runtime. */
export function createCounts() {
  const counts = new LRUCache<string, { count: number; readonly until: number }>({ max: MAX_COUNTED });
  return (name: string) => {
    const now = performance.now();
    const known = counts.get(name);
    if (known && known.until > now) return known;
    const begun = { count: 0, until: now + MINUTE_MS };
    counts.set(name, begun);
    return begun;
  };
}

export interface RightsParts extends PurgeParts {
  readonly config: LoadedConfig;
  readonly endpoints: readonly Endpoint[];
  readonly purges: Purges;
  readonly log: Logger;
  readonly cache: Pick<Cache, "count">;
  readonly state: RuntimeState | undefined;
  readonly storedKeys: StoredKeys | undefined;
  readonly audit: Audit;
  readonly counts: Counts;
  /** Of the configuration, for the account of a tenant. */
  readonly configuredKeys: (tenant: string) => readonly KeyInfo[];
}

/** Throws `EFORBIDDEN` if the role of a caller is less than the one that is needed, and writes that to the audit log. `what`: for it. */
export async function assertRole(
  caller: Caller,
  needed: KeyRole,
  what: string,
  { audit, store }: { readonly audit: Audit; readonly store: StateStore | undefined },
): Promise<void> {
  const { id, name, role, address } = caller;
  if (ROLES.indexOf(role) >= ROLES.indexOf(needed)) return;
  const text = `${what}: it needs the role ${needed}`;
  await audit.refused(store, { tenant: accountOfEntry(caller), key: { id, name }, address, what: text });
  throw new MediaError(
    "EFORBIDDEN",
    `Expected a key with the role ${needed}: this one has the role ${role}.`,
  );
}

/** The account whose audit log an entry about a caller belongs to: of a key for several accounts, the server's own. */
export function accountOfEntry({ endpoints }: Pick<Caller, "endpoints">): string {
  const [tenant = "", other] = new Set(endpoints.map(({ tenant }) => tenant));
  return other === undefined ? tenant : "";
}

/** What a management call may do. */
export function createRights(runtime: RightsParts): (caller: Caller, activity: Activity) => CallRights {
  const { log, purges, config, counts, audit, state, cache } = runtime;
  let counting: Promise<unknown> = Promise.resolve();
  const { purgesPerMinute = 600, changesPerMinute = 300 } = config.config.management || {};

  const purgesOf = (endpoints: readonly Endpoint[]) =>
    counts(JSON.stringify(["purge", ...endpoints.map(({ tenant, name }) => [tenant, name])]));

  const changesOf = (tenant: string) => counts(JSON.stringify(["change", tenant]));
  function countChange(tenant: string): void {
    const counted = changesOf(tenant);
    if (++counted.count <= changesPerMinute) return;
    const retryAfterSeconds = Math.ceil(rateOf(changesPerMinute, counted).reset / 1000);
    throw new MediaError("EBUSY", "Too many changes: try again later.", { status: 429, retryAfterSeconds });
  }
  const rateOf = (limit: number, { until }: { readonly until: number }) => ({
    limit,
    interval: MINUTE_MS,
    reset: Math.ceil(until - performance.now()),
  });

  async function orderOf(body: unknown, endpoints: readonly Endpoint[]): Promise<PurgeOrder> {
    const { data: target } = purgeSchema.safeParse(body);
    if (!target) throw new MediaError("EINVAL", EXPECTED_PURGE);
    if ("url" in target) {
      const order = await rulesOfUrl(target.url, runtime);
      if (!endpoints.some(({ tenant, name }) => tenant === order.tenant && name === order.endpoint)) {
        throw new MediaError("EFORBIDDEN", "This key is not valid for the endpoint of the URL.");
      }
      return order;
    }
    const tenant = accountOf(endpoints, runtime.endpoints, "it can purge only URLs");
    const scope = scopeOf(tenant, runtime);
    const [kind, value] = Object.entries(target)[0] as ["source" | "prefix" | "tag" | "all", string | true];
    return {
      tenant,
      endpoint: "",
      purgeRules: [{ kind, value: value === true ? "" : value.replace(/^\//, ""), ...scope }],
    };
  }

  return (caller, activity) => {
    const { id, name, role, endpoints, address } = caller;

    async function record(what: string, tenant: string): Promise<void> {
      await audit.changed(state?.store, { tenant, key: { id, name }, address, what });
    }

    /** The state, and the account of it that the key is good for. */
    function own(otherwise: string): { state: RuntimeState; tenant: string } {
      if (!state) {
        const text = "Nothing can be changed here: no plugin of the configuration keeps state.";
        throw new MediaError("EUNSUPPORTED", text, { status: 501 });
      }
      return { state, tenant: accountOf(endpoints, runtime.endpoints, otherwise) };
    }

    /** A change of the state. `what`: for the audit log. */
    async function change<T>(
      tenant: string,
      work: () => Promise<T>,
      what: string | ((result: T) => string),
    ): Promise<T> {
      await assertRole(caller, "configure", "a change", { audit, store: state?.store });
      countChange(tenant);
      const result = await work();
      activity.isRecorded = true;
      await record(typeof what === "string" ? what : what(result), tenant);
      return result;
    }

    return {
      role,
      note(what) {
        activity.note = what;
      },
      async purge(target) {
        await assertRole(caller, "operate", "a purge", { audit, store: state?.store });
        if (++purgesOf(endpoints).count > purgesPerMinute) {
          const options = { status: 429, retryAfterSeconds: MINUTE_MS / 1000 };
          throw new MediaError("EBUSY", "Too many purges: try again later.", options);
        }
        const order = await orderOf(target, endpoints);
        const { id, done, heard } = purges.begin(order.purgeRules);
        const [rule = { kind: "all", value: "" }] = order.purgeRules;
        const [kind, value] = [rule.kind, maskUrl(rule.value.slice(0, MAX_LOGGED))];
        log.info({ purge: id, tenant: order.tenant, kind, value }, "a purge was requested");
        done.catch((err: unknown) => log.error({ err, purge: id }, "a purge failed"));
        await heard;
        activity.hasPurged = true;
        await record(`purge ${kind === "all" ? "all" : `the ${kind} ${value}`}`, order.tenant);
        return { id };
      },
      async purgePreview(target) {
        const { purgeRules } = await orderOf(target, endpoints);
        // One at a time: each reads everything that there is.
        const counted = counting.then(() => cache.count(purgeRules, AbortSignal.timeout(PREVIEW_TIMEOUT_MS)));
        counting = counted.catch(() => {});
        return await counted;
      },
      purgeState(id) {
        const purge = purges.find(id);
        const isOwn = ({ tenant = "" }: PurgeRule) =>
          endpoints.some((endpoint) => endpoint.tenant === tenant);
        // One response for both: whether another account's request exists is not visible.
        return purge?.purgeRules.every(isOwn) ? purge.state : undefined;
      },
      purgeRate: () => rateOf(purgesPerMinute, purgesOf(endpoints)),
      changeRate: () => rateOf(changesPerMinute, changesOf(accountOfEntry(caller))),
      countChange: () => countChange(accountOfEntry(caller)),
      state(): AccountState {
        const { state, tenant } = own("it can change nothing");
        const account = accountState(state, tenant, caller.author);
        return {
          ...account,
          change: (comment, edit) => change(tenant, () => account.change(comment, edit), comment),
          async examine(edit) {
            // It sends requests to origins that nobody has configured.
            await assertRole(caller, "configure", "a test", { audit, store: state.store });
            activity.isRecorded = true;
            return await account.examine(edit);
          },
          rollback: (number, comment) => change(tenant, () => account.rollback(number, comment), comment),
        };
      },
      keys(): AccountKeys {
        const { tenant } = own("it can manage no keys");
        const stored = runtime.storedKeys as StoredKeys;
        const configured = runtime.configuredKeys(tenant);
        const assertStored = (id: string) => {
          if (!configured.some((key) => key.id === id)) return;
          const text = "The key is in the configuration file of the server and cannot be changed here.";
          throw new MediaError("EFORBIDDEN", text);
        };
        return {
          list: async () => [...configured, ...(await stored.all(tenant)).map(infoOf)],
          create: (key) =>
            change(
              tenant,
              () => stored.create(tenant, key),
              ({ id, name, role }) => `create the key ${name} (${id}) with the role ${role}`,
            ),
          rotate(id, graceSeconds) {
            assertStored(id);
            return change(
              tenant,
              () => stored.rotate(tenant, id, graceSeconds),
              ({ name }) => `rotate the key ${name} (${id})`,
            );
          },
          async revoke(id) {
            assertStored(id);
            const work = () => stored.revoke(tenant, id);
            await change(tenant, work, (name) => `revoke the key ${name} (${id})`);
          },
        };
      },
      audit: async (options) => {
        const { state, tenant } = own("it cannot read the audit log");
        return await readAudit(state.store, tenant, options);
      },
    };
  };
}
/** The account of a key that is good for all of it. Throws `EFORBIDDEN` otherwise. */
function accountOf(endpoints: readonly Endpoint[], all: readonly Endpoint[], otherwise: string): string {
  const tenant = endpoints[0]?.tenant ?? "";
  const ofAccount = all.filter((endpoint) => endpoint.tenant === tenant);
  const coversAccount = ofAccount.every((endpoint) => endpoints.includes(endpoint));
  if (!coversAccount || endpoints.some((endpoint) => endpoint.tenant !== tenant)) {
    throw new MediaError("EFORBIDDEN", `This key is not valid for the whole account: ${otherwise}.`);
  }
  return tenant;
}
