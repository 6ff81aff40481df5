import { hash } from "node:crypto";
import { stableJson } from "../model/canonical.ts";
import type { Endpoint, NamedTransformation } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../model/limits.ts";
import { didYouMean } from "../util/did-you-mean.ts";
import { defaultOf, type Extensions } from "./extensions.ts";
import { DEFAULT_RULES, rules } from "./rules.ts";
import type { CheckedConfig } from "./schema.ts";

/** Places, URL spaces and rules of the server itself (`tenant` is `""`) or of one of its tenants. */
interface Account {
  readonly tenant: string;
  /** Path of its fields in the configuration, with a dot behind it. */
  readonly at: string;
  readonly fields: AccountFields;
}

type TenantFields = NonNullable<CheckedConfig["tenants"]>[string];
type AccountFields = Omit<TenantFields, "limits">;
type EndpointFields = NonNullable<CheckedConfig["endpoints"]>[string];

/** An account that is found by host names, or by its name at the beginning of the path. */
export interface Tenant {
  readonly name: string;
  readonly hosts: readonly string[];
  /** Those that differ from the server's. */
  readonly limits: Partial<Limits>;
}

function accountsOf(config: CheckedConfig): Account[] {
  const tenants = Object.entries(config.tenants ?? {}).map(([tenant, fields]) => ({
    tenant,
    at: `tenants.${tenant}.`,
    // The top level's rules are the defaults of all tenants; its keys, origins and stored chains are its own.
    fields: { ...rulesIn(config), ...fields },
  }));
  return [{ tenant: "", at: "", fields: config }, ...tenants];
}

export function resolveTenants(config: CheckedConfig): Tenant[] {
  return Object.entries(config.tenants ?? {}).map(([name, { hosts = [], limits }]) => ({
    name,
    hosts: hosts.map((host) => host.toLowerCase()),
    limits: defined(limits ?? {}),
  }));
}

interface ResolvedOrigin {
  /** Its name, behind its tenant's. */
  readonly name: string;
  /** Path of its fields in the configuration. */
  readonly at: string;
  readonly type: string;
  readonly hedge?: number;
  /** Hash over what tells where its files lie. */
  readonly fingerprint: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export function resolveOrigins(config: CheckedConfig): ResolvedOrigin[] {
  return accountsOf(config).flatMap(({ tenant, at, fields }) =>
    Object.entries(fields.origins ?? {}).map(([name, { type, hedge, ...options }]) => ({
      name: within(tenant, name),
      at: `${at}origins.${name}`,
      type,
      options,
      fingerprint: fingerprintOf(addressOf({ type, ...options })),
      ...(hedge === undefined ? {} : { hedge }),
    })),
  );
}

/** Every endpoint with all its rules: its own, else its account's, else the default. Throws `ECONFIG` naming the field. */
export function resolveEndpoints(
  config: CheckedConfig,
  added: Extensions["endpointFields"] = {},
): Endpoint[] {
  const accounts = accountsOf(config);
  const endpoints = accounts.flatMap(({ tenant, at, fields }) => {
    const own = Object.entries(fields.endpoints ?? {});
    // The server's own account may be empty where there are tenants.
    if (own.length === 0 && (tenant !== "" || accounts.length === 1)) throw noEndpoint(at, fields);
    return own.map(([name, endpoint]) => {
      const place = `${at}endpoints.${name}`;
      assertOrigins(place, fields, endpoint);
      const resolved = {
        ...endpointOf(tenant, name, fields, endpoint),
        fields: addedFields(place, added, [endpoint, fields, config]),
      };
      assertKey(place, resolved, config);
      return resolved;
    });
  });
  assertDistinctHosts(endpoints, resolveTenants(config));
  assertDistinctPrefixes(endpoints, resolveTenants(config));
  return endpoints;
}

function noEndpoint(at: string, { origins }: AccountFields): MediaError {
  const example = `endpoints: { default: { origins: ["${Object.keys(origins ?? {})[0] ?? "photos"}"] } }`;
  return new MediaError("ECONFIG", `${at}endpoints: Expected at least one endpoint, for instance ${example}`);
}

function assertOrigins(at: string, account: AccountFields, own: EndpointFields): void {
  const names = Object.keys(account.origins ?? {});
  const library = own.library ?? account.library;
  const used = [...own.origins.entries(), ["library", library] as const];
  for (const [field, origin] of used) {
    if (origin === undefined || names.includes(origin)) continue;
    const where = typeof field === "number" ? `origins.${field}` : field;
    throw new MediaError("ECONFIG", `${at}.${where}: unknown origin '${origin}'${didYouMean(origin, names)}`);
  }
}

/** Without a key every request would be refused. */
function assertKey(at: string, endpoint: Endpoint, config: CheckedConfig): void {
  const { tenant, name, restrictUnsigned, privateKeys } = endpoint;
  if (restrictUnsigned === "none" || privateKeys.length > 0) return;
  const account = tenant === "" ? config : config.tenants?.[tenant];
  const own = account?.endpoints?.[name]?.restrictUnsigned !== undefined;
  const tenants = tenant !== "" && account?.restrictUnsigned !== undefined;
  const field = `${own ? `${at}.` : tenants ? `tenants.${tenant}.` : ""}restrictUnsigned`;
  throw new MediaError(
    "ECONFIG",
    `${field}: Expected a privateKey for ${at}, too: without a key no signature can be verified`,
  );
}

/** Keys below this many bytes can be guessed. */
export const MIN_KEY_BYTES = 16;

/** Paths of the fields with keys that are too short to be safe. */
export function weakKeys(config: CheckedConfig): string[] {
  const owners = accountsOf(config).flatMap(({ at, fields }) => [
    [at, fields] as const,
    ...Object.entries(fields.endpoints ?? {}).map(([name, own]) => [`${at}endpoints.${name}.`, own] as const),
  ]);
  return owners.flatMap(([at, { privateKey, privateKeys = [] }]) =>
    [["privateKey", privateKey] as const, ...privateKeys.map((key, i) => [`privateKeys.${i}`, key] as const)]
      .filter(([, key]) => key !== undefined && Buffer.byteLength(key) < MIN_KEY_BYTES)
      .map(([field]) => `${at}${field}`),
  );
}

const CREDENTIALS = new Set(
  "accessKey secretKey sasToken accountKey privateKey username password clientSecret headers".split(" "),
);

/** What plugins have added to an endpoint: its own values, else its account's, else the server's, else the default. */
function addedFields(
  at: string,
  added: Extensions["endpointFields"],
  owners: readonly object[],
): Endpoint["fields"] {
  const values = Object.entries(added).map(([name, schema]) => {
    const owner = owners.find((one) => (one as Record<string, unknown>)[name] !== undefined);
    if (owner) return [name, (owner as Record<string, unknown>)[name]];
    return [name, defaultOf(schema, `${at}.${name}`)];
  });
  return defined(Object.fromEntries(values)) as Endpoint["fields"];
}

function endpointOf(
  tenant: string,
  name: string,
  account: AccountFields,
  own: EndpointFields,
): Omit<Endpoint, "fields"> {
  const library = own.library ?? account.library;
  const order = [...(library ? [library] : []), ...own.origins];
  const prefix = name === "default" ? "" : name;
  const hosts = (own.hosts ?? []).map((host) => host.toLowerCase());
  return {
    tenant,
    name,
    prefix,
    hosts,
    address: servedAt(tenant, prefix, hosts, account.hosts),
    origins: own.origins.map((origin) => within(tenant, origin)),
    ...(library === undefined ? {} : { library: within(tenant, library) }),
    ...DEFAULT_RULES,
    ...(rulesIn(account) as Partial<Rules>),
    ...(rulesIn(own) as Partial<Rules>),
    ...ascending(own.widths ?? account.widths),
    privateKeys: keysOf(own) ?? keysOf(account) ?? [],
    namedTransformations: namedOf(account),
    fingerprint: fingerprintOf(order.map((origin) => [origin, addressOf(account.origins?.[origin])])),
  };
}

function servedAt(
  tenant: string,
  prefix: string,
  [host]: readonly string[],
  [tenantHost]: readonly string[] = [],
): Endpoint["address"] {
  if (host !== undefined) return { host, path: "" };
  const own = prefix === "" ? "" : `${prefix}/`;
  if (tenantHost !== undefined) return { host: tenantHost.toLowerCase(), path: own };
  return { path: tenant === "" ? own : `${tenant}/${own}` };
}

/** A name that no other tenant has. */
function within(tenant: string, name: string): string {
  return tenant === "" ? name : `${tenant}/${name}`;
}

const { library: _, privateKey: __, privateKeys: ___, ...inherited } = rules;
const RULES = Object.keys(inherited) as (keyof typeof inherited)[];

type Rules = Pick<Endpoint, (typeof RULES)[number]>;

/** The rules that an endpoint or an account sets itself. */
function rulesIn(owner: AccountFields | EndpointFields): Partial<AccountFields> {
  return defined(Object.fromEntries(RULES.map((name) => [name, owner[name]])));
}

const ascending = (widths: number[] | undefined): Pick<Endpoint, "widths"> =>
  widths ? { widths: [...new Set(widths)].sort((a, b) => a - b) } : {};

function keysOf({ privateKey, privateKeys = [] }: AccountFields | EndpointFields) {
  const keys = [...(privateKey === undefined ? [] : [privateKey]), ...privateKeys];
  return keys.length > 0 ? keys : undefined;
}

/** The named transformations of an account in their long form. */
export function namedOf({
  namedTransformations = {},
}: Pick<AccountFields, "namedTransformations">): Record<string, NamedTransformation> {
  const entries = Object.entries(namedTransformations).map(([name, value]) => [
    name,
    typeof value === "string" ? { transformation: value, enabled: true } : value,
  ]);
  return Object.fromEntries(entries);
}

const fingerprintOf = (value: unknown) => hash("sha256", stableJson(value), "base64url");

/** What tells where an origin's files lie; credentials may change without losing what was made. */
function addressOf(origin: object = {}): unknown {
  return Object.fromEntries(Object.entries(origin).filter(([name]) => !CREDENTIALS.has(name)));
}

function assertDistinctHosts(endpoints: readonly Endpoint[], tenants: readonly Tenant[]): void {
  const seen = new Map<string, string>();
  const named = [
    ...tenants.map(({ name, hosts }) => ({ at: `tenants.${name}`, what: `the tenant ${name}`, hosts })),
    ...endpoints.map(({ tenant, name, hosts }) => ({
      at: `${tenant === "" ? "" : `tenants.${tenant}.`}endpoints.${name}`,
      what: `the endpoint ${name}`,
      hosts,
    })),
  ];
  for (const { at, what, hosts } of named) {
    for (const host of hosts) {
      const other = seen.get(host);
      if (other !== undefined) {
        throw new MediaError("ECONFIG", `${at}.hosts: '${host}' belongs to ${other} already`);
      }
      seen.set(host, what);
    }
  }
}

/** A tenant that is found by the first segment of the path must not share it with an endpoint. */
function assertDistinctPrefixes(endpoints: readonly Endpoint[], tenants: readonly Tenant[]): void {
  const taken = new Set(endpoints.filter(({ tenant }) => tenant === "").map(({ prefix }) => prefix));
  const double = tenants.find(({ name, hosts }) => hosts.length === 0 && taken.has(name));
  if (double === undefined) return;
  const { name } = double;
  throw new MediaError(
    "ECONFIG",
    `tenants.${name}: paths that begin with /${name}/ belong to the endpoint ${name} already; give the tenant hosts`,
  );
}

export function resolveLimits(config: CheckedConfig): Limits {
  return { ...DEFAULT_LIMITS, ...defined(config.limits ?? {}) };
}

/** Fields without those that are undefined. */
function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
