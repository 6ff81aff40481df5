import { hash } from "node:crypto";
import { stableJson } from "../model/canonical.ts";
import type { Endpoint, NamedTransformation } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import { DEFAULT_LIMITS, type Limits } from "../model/limits.ts";
import { didYouMean } from "../options.ts";
import { type CheckedConfig, DEFAULT_RULES } from "./schema.ts";

/** Every endpoint with all its rules: its own, else the top level's, else the default. Throws `ECONFIG` naming the field. */
export function resolveEndpoints(config: CheckedConfig): Endpoint[] {
  const names = Object.keys(config.origins ?? {});
  if (Object.keys(config.endpoints ?? {}).length === 0) {
    const example = `endpoints: { default: { origins: ["${names[0] ?? "photos"}"] } }`;
    throw new MediaError("ECONFIG", `endpoints: Expected at least one endpoint, for instance ${example}`);
  }
  const endpoints = Object.entries(config.endpoints ?? {}).map(([name, own]) => {
    for (const [at, origin] of [
      ...own.origins.entries(),
      ["library", own.library ?? config.library] as const,
    ]) {
      if (origin !== undefined && !names.includes(origin)) {
        const where = typeof at === "number" ? `origins.${at}` : at;
        throw new MediaError(
          "ECONFIG",
          `endpoints.${name}.${where}: unknown origin '${origin}'${didYouMean(origin, names)}`,
        );
      }
    }
    return endpointOf(name, config, own);
  });
  assertDistinctHosts(endpoints);
  return endpoints;
}

const CREDENTIALS = new Set(
  "accessKey secretKey sasToken accountKey privateKey username password clientSecret headers".split(" "),
);

type EndpointFields = NonNullable<CheckedConfig["endpoints"]>[string];

function endpointOf(name: string, config: CheckedConfig, own: EndpointFields): Endpoint {
  const library = own.library ?? config.library;
  const referrer = own.referrer ?? config.referrer;
  const order = [...(library ? [library] : []), ...own.origins];
  return {
    tenant: "",
    name,
    prefix: name === "default" ? "" : name,
    hosts: (own.hosts ?? []).map((host) => host.toLowerCase()),
    origins: own.origins,
    ...(library === undefined ? {} : { library }),
    ...rulesOf(config, own),
    ...(referrer === undefined ? {} : { referrer }),
    privateKeys: keysOf(own) ?? keysOf(config) ?? [],
    namedTransformations: namedOf(config),
    fingerprint: hash(
      "sha256",
      stableJson(order.map((origin) => [origin, addressOf(config, origin)])),
      "base64url",
    ),
  };
}

type Rules = Pick<Endpoint, keyof typeof DEFAULT_RULES>;

function rulesOf(config: CheckedConfig, own: EndpointFields): Rules {
  const names = Object.keys(DEFAULT_RULES) as (keyof Rules)[];
  return Object.fromEntries(
    names.map((name) => [name, own[name] ?? config[name] ?? DEFAULT_RULES[name]]),
  ) as unknown as Rules;
}

function keysOf({
  privateKey,
  privateKeys,
}: {
  privateKey?: string | undefined;
  privateKeys?: string[] | undefined;
}) {
  const keys = [...(privateKey === undefined ? [] : [privateKey]), ...(privateKeys ?? [])];
  return keys.length > 0 ? keys : undefined;
}

function namedOf({ namedTransformations = {} }: CheckedConfig): Record<string, NamedTransformation> {
  const entries = Object.entries(namedTransformations).map(([name, value]) => [
    name,
    typeof value === "string" ? { transformation: value, enabled: true } : value,
  ]);
  return Object.fromEntries(entries);
}

/** What tells where an origin's files lie; credentials may change without losing what was made. */
function addressOf(config: CheckedConfig, origin: string): unknown {
  const fields = Object.entries(config.origins?.[origin] ?? {});
  return Object.fromEntries(fields.filter(([name]) => !CREDENTIALS.has(name)));
}

function assertDistinctHosts(endpoints: readonly Endpoint[]): void {
  const seen = new Map<string, string>();
  for (const { name, hosts } of endpoints) {
    for (const host of hosts) {
      const other = seen.get(host);
      if (other !== undefined) {
        throw new MediaError(
          "ECONFIG",
          `endpoints.${name}.hosts: '${host}' belongs to the endpoint ${other} already`,
        );
      }
      seen.set(host, name);
    }
  }
}

export function resolveLimits(config: CheckedConfig): Limits {
  const own = Object.entries(config.limits ?? {}).filter(([, value]) => value !== undefined);
  return { ...DEFAULT_LIMITS, ...Object.fromEntries(own) };
}
