import { z } from "zod";
import { extendedSchema, extensionsOf, withoutDefaults } from "../config/extensions.ts";
import { atSource, type LoadedConfig } from "../config/load.ts";
import { parseOptions } from "../config/options.ts";
import { namedOf } from "../config/resolve.ts";
import type { CheckedConfig } from "../config/schema.ts";
import { MediaError } from "../model/errors.ts";
import {
  type AccountContent,
  type Difference,
  type Fields,
  type Objects,
  STATE_KINDS,
  type StateKind,
} from "../plugin/account.ts";
import type { Revision } from "../plugin/state-store.ts";
import { isSealed, replaced, type Secrets } from "./secrets.ts";

/** The managed state: what lies on top of the configuration, by tenant; `""` is the server's own account. */
export interface ManagedState {
  accounts: Record<string, AccountContent>;
}

const newObjects = () => ({ origins: {}, endpoints: {}, namedTransformations: {} });

/** The content of an account; a new one if there is none. */
export function accountIn({ accounts }: ManagedState, tenant: string): AccountContent {
  const own = Object.hasOwn(accounts, tenant) ? accounts[tenant] : undefined;
  return own ?? { ...newObjects(), notes: newObjects() };
}

const byName = <T extends z.ZodType>(value: T) => z.record(z.string(), value).default({});
const byKind = <T extends z.ZodType>(value: T) => ({
  origins: byName(value),
  endpoints: byName(value),
  namedTransformations: byName(value),
});
const contentSchema = z.strictObject({
  accounts: byName(
    z.strictObject({
      ...byKind(byName(z.unknown())),
      notes: z.strictObject(byKind(z.unknown())).default(newObjects),
    }),
  ),
});

/** The managed state that a revision contains. Throws `ECONFIG`. */
export function stateOf(revision: Pick<Revision, "number" | "content"> | undefined): ManagedState {
  if (!revision) return { accounts: {} };
  const where = `revision ${revision.number} of the managed state`;
  try {
    return parseOptions(contentSchema, JSON.parse(revision.content), where);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new MediaError("ECONFIG", `${where}: Expected JSON: ${error.message}`, { cause: error });
  }
}

/** The content of a revision, with its secrets encrypted. */
export function contentOf({ accounts }: ManagedState, secrets: Secrets): string {
  // Each object on its own: the name of an object makes it no secret, even if it is `api-key`.
  const seal = (objects: Record<string, Fields>) =>
    Object.fromEntries(Object.entries(objects).map(([name, fields]) => [name, secrets.seal(fields)]));
  const sealed = Object.entries(accounts).map(([name, account]) => [
    name,
    { ...account, ...Object.fromEntries(STATE_KINDS.map((kind) => [kind, seal(account[kind])])) },
  ]);
  return JSON.stringify({ accounts: Object.fromEntries(sealed) });
}

/** What messages call a configuration with a revision on top of it. */
export function sourceWith({ source }: Pick<LoadedConfig, "source">, number: number): string {
  return `${source} with revision ${number} of the managed state`;
}

/** A configuration with the managed state on top of it, checked as the configuration is. Throws `ECONFIG` naming the field. */
export function withState(file: LoadedConfig, revision: Revision, secrets: Secrets): LoadedConfig {
  const source = sourceWith(file, revision.number);
  try {
    const { "": own, ...tenants } = secrets.open(stateOf(revision)).accounts;
    const fields = {
      ...(own && objectsOf(own)),
      ...(Object.keys(tenants).length > 0 && {
        tenants: Object.fromEntries(Object.entries(tenants).map(([name, of]) => [name, objectsOf(of)])),
      }),
    };
    const extensions = extensionsOf(file.plugins);
    const checked = parseOptions(extendedSchema(extensions), fields, "");
    return { ...file, source, config: onTop(file.config, withoutDefaults(checked, fields, extensions)) };
  } catch (error) {
    throw atSource(source, error);
  }
}

/** The objects of an account, without kinds that have none. */
function objectsOf(account: AccountContent): Partial<Objects> {
  const used = STATE_KINDS.filter((kind) => Object.keys(account[kind]).length > 0);
  return Object.fromEntries(used.map((kind) => [kind, account[kind]]));
}

function onTop(config: CheckedConfig, { tenants, ...own }: CheckedConfig): CheckedConfig {
  const changed = Object.entries(tenants ?? {}).map(([name, fields]) => {
    const tenant = config.tenants?.[name];
    if (tenant) return [name, { ...tenant, ...merged(`tenants.${name}.`, tenant, fields) }];
    throw new MediaError("ECONFIG", `tenants.${name}: the configuration has no such tenant any more`);
  });
  return {
    ...config,
    ...merged("", config, own),
    ...(changed.length > 0 && { tenants: { ...config.tenants, ...Object.fromEntries(changed) } }),
  };
}

type Account = Pick<CheckedConfig, StateKind>;

/** The kinds of which something is managed, with what the configuration has of them. */
function merged(at: string, account: Account, own: Account): Account {
  const kinds = STATE_KINDS.filter((kind) => own[kind] !== undefined).map((kind) => {
    const names = Object.keys(account[kind] ?? {});
    const taken = Object.keys(own[kind] ?? {}).find((name) => names.includes(name));
    if (taken === undefined) return [kind, { ...account[kind], ...own[kind] }];
    const text = "is in the configuration and in the managed state: rename one of the two";
    throw new MediaError("ECONFIG", `${at}${kind}.${taken}: ${text}`);
  });
  return Object.fromEntries(kinds) as Account;
}

/** Objects of an account that the configuration file defines; named transformations in their long form. */
export function fileObjects({ config }: LoadedConfig, tenant: string): Objects {
  const own = (tenant === "" ? config : config.tenants?.[tenant]) ?? {};
  const { origins = {}, endpoints = {} } = own;
  return { origins, endpoints, namedTransformations: namedOf(own) } as unknown as Objects;
}

/** Differences of objects, in the order of their paths; `tenant`: of this account only. Notes are not compared. */
export function differences(before: ManagedState, after: ManagedState, tenant?: string): Difference[] {
  const [old, now] = [leavesOf(before, tenant), leavesOf(after, tenant)];
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
  return paths
    .filter((path) => JSON.stringify(old.get(path)) !== JSON.stringify(now.get(path)))
    .map((path) => ({
      path,
      ...(old.has(path) && { before: maskSealed(old.get(path)) }),
      ...(now.has(path) && { after: maskSealed(now.get(path)) }),
    }));
}

function leavesOf({ accounts }: ManagedState, tenant?: string): Map<string, unknown> {
  const leaves = new Map<string, unknown>();
  const add = (path: string, value: unknown): void => {
    const isMap = value !== null && typeof value === "object" && !Array.isArray(value) && !isSealed(value);
    if (!isMap || Object.keys(value).length === 0) leaves.set(path, value);
    else for (const [name, field] of Object.entries(value)) add(`${path}.${name}`, field);
  };
  for (const [name, account] of Object.entries(accounts)) {
    if (tenant !== undefined && name !== tenant) continue;
    for (const kind of STATE_KINDS) {
      for (const [object, fields] of Object.entries(account[kind])) {
        add(`${name === "" ? "" : `tenants.${name}.`}${kind}.${object}`, fields);
      }
    }
  }
  return leaves;
}

/** Plain data with `***` for each encrypted value. */
export function maskSealed<T>(data: T): T {
  if (isSealed(data)) return "***" as T;
  return replaced(data, (_, value) => (isSealed(value) ? "***" : undefined));
}
