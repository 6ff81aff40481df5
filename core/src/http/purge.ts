import { hash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type Router from "@koa/router";
import type Koa from "koa";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Generation } from "../generation/generation.ts";
import { maskUrl } from "../log.ts";
import type { Endpoint } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import { TAG } from "../model/tags.ts";
import { bansOfUrl, type PurgeOrder, scopeOf } from "./purge-wish.ts";
import { createRate } from "./rate.ts";
import { createClientIp } from "./request.ts";

/** Where the service has it. */
const PATH = "/v1/files/purge";

/** Milliseconds for which a wrong key waits for its answer, and wrong keys of one address in a minute. */
const SLOWED = 300;
const GUESSES = 10;
const MINUTE = 60_000;

const HELP = "See CACHING.md of the server's core.";

const text = z.string().min(1).max(8_192);
const wishSchema = z.union([
  z.strictObject({ url: text }),
  z.strictObject({ source: text }),
  z.strictObject({ prefix: text }),
  z.strictObject({ tag: z.string().regex(TAG) }),
  z.strictObject({ all: z.literal(true) }),
]);

/** What the answer to a request that is refused says, in the service's form. */
class Refused extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** The paths of purges; `undefined`: this server takes none, for want of a key or by its configuration. */
export function purgePaths({
  config,
  endpoints,
}: Pick<Generation, "config" | "endpoints">): string[] | undefined {
  const { management = {} } = config.config;
  if (management === false || endpoints.every(({ privateKeys }) => privateKeys.length === 0))
    return undefined;
  const { path = "/-/api", compatible = false } = management;
  return [`${path.replace(/\/+$/, "")}${PATH}`, ...(compatible ? [PATH] : [])];
}

/** Whether a request outside of `/-/` is one of the service's own paths. */
export function isPurge(url: string): boolean {
  return /^\/v1\/files\/purge(?:\/[0-9a-f]{1,64})?(?:\?|$)/.test(url);
}

/**
 * Purges over HTTP, in ImageKit's form: `POST …/v1/files/purge` with `{"url": …}`, authenticated by a private key as the
 * user's name, answers 201 with a `requestId`, whose state `GET …/v1/files/purge/<requestId>` tells.
 */
export function addPurgeRoutes(router: Router, generation: Generation): void {
  const paths = purgePaths(generation);
  if (!paths) return;
  const { log, purges, config } = generation;
  const management = config.config.management || {};
  const keys = keysOf(generation.endpoints);
  const clientIp = createClientIp(config.config.trustedProxies ?? []);
  const guesses = new LRUCache<string, number>({ max: 10_000, ttl: MINUTE, noUpdateTTL: true });
  const rate = createRate(management.purgesPerMinute ?? 600);

  async function authenticate(ctx: Koa.Context): Promise<readonly Endpoint[]> {
    const ip = clientIp(ctx.req);
    const wrong = guesses.get(ip) ?? 0;
    if (wrong >= GUESSES) {
      throw new Refused(429, "Too many requests with a wrong key.", { "retry-after": "60" });
    }
    const [, encoded = ""] = /^basic ([\w+/=-]{1,2000})$/i.exec(ctx.get("authorization")) ?? [];
    const [user = ""] = Buffer.from(encoded, "base64").toString("utf8").split(":", 1);
    const endpoints = user === "" ? undefined : keys.get(digest(user));
    if (endpoints) return endpoints;
    guesses.set(ip, wrong + 1);
    await pause(SLOWED);
    throw new Refused(401, "Your account cannot be authenticated.", {
      "www-authenticate": 'Basic realm="mediatap", charset="UTF-8"',
    });
  }

  async function begin(ctx: Koa.Context): Promise<void> {
    const endpoints = await authenticate(ctx);
    const { over, headers } = rate(digest(endpoints.map(({ tenant, name }) => `${tenant}/${name}`).join()));
    ctx.set(headers);
    if (over) throw new Refused(429, "Too many purges: try again later.", { "retry-after": "60" });
    const order = await orderOf(await ctx.state.body(), endpoints);
    const { id, done } = purges.begin(order.bans);
    const [{ kind, value } = { kind: "all", value: "" }] = order.bans;
    log.info(
      { purge: id, tenant: order.tenant, kind, value: maskUrl(value.slice(0, 500)) },
      "a purge was asked for",
    );
    done.catch((err: unknown) => log.error({ err, purge: id }, "a purge failed"));
    ctx.status = 201;
    ctx.body = { requestId: id };
  }

  async function orderOf(body: Uint8Array, endpoints: readonly Endpoint[]): Promise<PurgeOrder> {
    const wish = parseWish(body);
    if ("url" in wish) {
      const order = await bansOfUrl(wish, generation, log);
      if (!endpoints.some(({ tenant, name }) => tenant === order.tenant && name === order.endpoint)) {
        throw new Refused(403, "This key is not one of the URL's endpoint.");
      }
      return order;
    }
    const tenant = accountOf(endpoints, generation);
    const scope = scopeOf(tenant, generation);
    const [kind, value] = Object.entries(wish)[0] as ["source" | "prefix" | "tag" | "all", string | true];
    return {
      tenant,
      endpoint: "",
      bans: [{ kind, value: value === true ? "" : value.replace(/^\//, ""), ...scope }],
    };
  }

  async function tell(ctx: Koa.Context): Promise<void> {
    await authenticate(ctx);
    const status = purges.state(ctx.params.id);
    if (!status) throw new Refused(400, "No request found for this requestId.");
    ctx.body = { status };
  }

  const answered = (work: (ctx: Koa.Context) => Promise<void>) => async (ctx: unknown) => {
    const { status, message, headers } = await work(ctx as Koa.Context).then(
      () => ({ status: 0, message: "", headers: {} }),
      refusal,
    );
    if (status === 0) return;
    const reply = ctx as Koa.Context;
    reply.status = status;
    reply.set(headers);
    reply.body = { message, help: HELP };
  };
  for (const path of paths) {
    router.post(path, answered(begin));
    router.get(`${path}/:id`, answered(tell));
  }
}

/** Refusals are answered; all else is the server's failure. */
function refusal(error: unknown): Pick<Refused, "status" | "message" | "headers"> {
  if (error instanceof Refused) return error;
  if (error instanceof MediaError && error.status < 500) {
    return { status: error.status, message: error.message, headers: {} };
  }
  throw error;
}

function parseWish(body: Uint8Array): z.output<typeof wishSchema> {
  try {
    return wishSchema.parse(JSON.parse(Buffer.from(body).toString("utf8")));
  } catch {
    throw new Refused(400, "Expected JSON with one of url, source, prefix, tag and all.");
  }
}

/** The account of a key that is good for all of it: what is purged beyond a URL is not one endpoint's. */
function accountOf(endpoints: readonly Endpoint[], generation: Generation): string {
  const tenant = endpoints[0]?.tenant ?? "";
  const whole = generation.endpoints.filter((endpoint) => endpoint.tenant === tenant);
  const isWhole = whole.every((endpoint) => endpoints.includes(endpoint));
  if (!isWhole || endpoints.some((endpoint) => endpoint.tenant !== tenant)) {
    throw new Refused(403, "This key is not one of a whole account: it purges by URL only.");
  }
  return tenant;
}

/** Which endpoints a key is good for, by the key's hash: to find one tells nothing by the time that it takes. */
function keysOf(endpoints: readonly Endpoint[]): ReadonlyMap<string, Endpoint[]> {
  const pairs = endpoints.flatMap((endpoint) =>
    endpoint.privateKeys.map((key) => [digest(key), endpoint] as const),
  );
  const groups = Map.groupBy(pairs, ([key]) => key);
  return new Map([...groups].map(([key, found]) => [key, found.map(([, endpoint]) => endpoint)]));
}

function digest(text: string): string {
  return hash("sha256", text, "hex");
}
