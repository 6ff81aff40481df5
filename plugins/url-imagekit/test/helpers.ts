import assert from "node:assert/strict";
import type { AcceptClass, Endpoint, Exchange, Job, Plugin, Reply, Step } from "@mediatap/core";
import { DEFAULT_LIMITS, isMediaError, MediaError } from "@mediatap/core";
import type { Rgba } from "@mediatap/core/steps";
import { checkClaims } from "../../../core/src/request/access.ts";
import { parseChain, urlImagekit } from "../src/index.ts";

/** An endpoint with every rule at its default. */
export function endpointWith(changes: Partial<Endpoint> = {}): Endpoint {
  return {
    tenant: "",
    name: "default",
    prefix: "",
    address: { path: "" },
    hosts: [],
    fields: {},
    origins: ["photos"],
    languages: [],
    autoFormat: true,
    autoAvif: false,
    fidelity: "standard",
    quality: 80,
    otherWidths: "snap",
    enlarge: true,
    sanitizeSvg: false,
    autoVideo: false,
    videoQuality: 50,
    metadata: false,
    colorProfile: false,
    restrictUnsigned: "none",
    restrictUnnamed: false,
    blockedIps: [],
    blockedUserAgents: [],
    userAgentAccept: [],
    allowedFormats: [],
    cacheControl: "public, max-age=60",
    cors: "*",
    privateKeys: [],
    namedTransformations: {},
    originCacheControl: "restrict",
    staleWhileRevalidate: 0,
    staleIfError: 0,
    tags: [],
    cacheStatusKey: false,
    ignoreQuery: [],
    fingerprint: "f",
    ...changes,
  };
}

/** Names and their chains, all enabled. */
export function namedChains(chains: Record<string, string>): Endpoint["namedTransformations"] {
  return Object.fromEntries(
    Object.entries(chains).map(([name, transformation]) => [name, { transformation, enabled: true }]),
  );
}

export interface AskOptions {
  readonly endpoint?: Partial<Endpoint>;
  readonly accept?: AcceptClass;
  readonly headers?: Readonly<Record<string, string>>;
  /** The endpoint's prefix with a slash behind it. */
  readonly mount?: string;
}

/** An exchange as the core makes it for a URL after host and prefix; `read` lists the headers that were asked for. */
export function exchangeFor(url: string, options: AskOptions = {}): Exchange & { read: string[] } {
  const question = url.indexOf("?");
  const path = question < 0 ? url : url.slice(0, question);
  const read: string[] = [];
  return {
    endpoint: endpointWith(options.endpoint),
    target: { path, query: question < 0 ? "" : url.slice(question + 1), mount: options.mount ?? "" },
    accept: options.accept ?? "basic",
    claims: {},
    provenance: "real",
    request: {
      method: "GET",
      url: `/${options.mount ?? ""}${url}`,
      host: "localhost",
      ip: "127.0.0.1",
      isSecure: false,
      header(name: string) {
        read.push(name);
        return options.headers?.[name.toLowerCase()];
      },
    },
    read,
  } as Partial<Exchange> as Exchange & { read: string[] };
}

type Tap = (...args: never[]) => unknown;

/** The functions that a plugin taps, by hook. */
export function tapsOf(plugin: Plugin) {
  const taps = new Map<string, Tap>();
  const hook = (name: string) => ({ tap: (_: unknown, fn: Tap) => taps.set(name, fn) });
  const hooks = new Proxy(
    {},
    { get: (_, name: string) => ({ ...hook(name), for: (key: string) => hook(`${name}:${key}`) }) },
  );
  plugin.apply({ hooks, limitsOf: () => DEFAULT_LIMITS } as never);
  return {
    resolve: taps.get("resolve") as (exchange: Exchange, endpoint: Endpoint) => Job | undefined,
    admit: taps.get("admit") as (exchange: Exchange, job: Job) => void,
    link: taps.get("link:url-imagekit") as (job: Job, exchange: Exchange) => string | undefined,
    respond: taps.get("respond") as (reply: Reply, exchange: Exchange) => void,
  };
}

export const taps = tapsOf(urlImagekit());

/** The job of a URL. Throws `ENOENT`, as the core does, when the URL names no asset. */
export function jobOf(url: string, options: AskOptions = {}): Job {
  return resolved(exchangeFor(url, options));
}

/** The claims of a request. Throws what the core throws for them. */
export function admitted(url: string, options: AskOptions = {}): Exchange["claims"] {
  const exchange = exchangeFor(url, options);
  const job = resolved(exchange);
  taps.admit(exchange, job);
  checkClaims(exchange.endpoint, exchange.claims, job);
  return exchange.claims;
}

/** As `jobOf`, of an exchange. */
export function resolved(exchange: Exchange): Job {
  const job = taps.resolve(exchange, exchange.endpoint);
  if (!job) throw new MediaError("ENOENT", "No asset in the URL");
  return job;
}

/** Code of the error that `work` throws, or `undefined` if it throws none. */
export function codeThrown(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!isMediaError(error)) throw error;
    return error.code;
  }
}

export const RED: Rgba = { r: 255, g: 0, b: 0, alpha: 1 };
export const paint = (color: Rgba) => ({ kind: "color", color }) as const;
/** `w-300,h-200`, before its mode. */
export const square = { op: "resize", width: 300, height: 200 } as const;

export function stepsOf(chain: string): readonly Step[] {
  return parseChain(chain).steps;
}

/** A test a row: the chain is read as these steps. */
export function table(rows: readonly (readonly [chain: string, ...steps: Step[]])[]): void {
  for (const [chain, ...steps] of rows) it(`reads ${chain}`, () => assert.deepEqual(stepsOf(chain), steps));
}
