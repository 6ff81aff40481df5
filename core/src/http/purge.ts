import type Router from "@koa/router";
import type Koa from "koa";
import { z } from "zod";
import type { Endpoint } from "../model/endpoint.ts";
import type { PurgeRule } from "../model/purge-rule.ts";
import { TAG } from "../model/tags.ts";
import { maskUrl } from "../util/log.ts";
import { digest, type Management, managementPath, Refused } from "./management.ts";
import { bansOfUrl, type PurgeOrder, scopeOf } from "./purge-target.ts";
import { createRate } from "./rate.ts";
import type { Runtime } from "./runtime.ts";

/** Where the service has it. */
const PATH = "/v1/files/purge";

/** ImageKit's own words. */
const UNKNOWN = "No request found for this requestId.";

const HELP = "See CACHING.md of the server's core.";

const text = z.string().min(1).max(8_192);
const targetSchema = z.union([
  z.strictObject({ url: text }),
  z.strictObject({ source: text }),
  z.strictObject({ prefix: text }),
  z.strictObject({ tag: z.string().regex(TAG) }),
  z.strictObject({ all: z.literal(true) }),
]);

/** The paths of purges; `undefined`: this server takes none, for want of a key or by its configuration. */
export function purgePaths(runtime: Pick<Runtime, "config" | "endpoints">): string[] | undefined {
  const path = managementPath(runtime);
  if (path === undefined) return undefined;
  const { compatible = false } = runtime.config.config.management || {};
  return [`${path}${PATH}`, ...(compatible ? [PATH] : [])];
}

/** Whether a request outside of `/-/` is one of the service's own paths. */
export function isPurge(url: string): boolean {
  return /^\/v1\/files\/purge(?:\/[0-9a-f]{1,64})?(?:\?|$)/.test(url);
}

/**
 * Purges over HTTP, in ImageKit's form: `POST …/v1/files/purge` with `{"url": …}`, authenticated by a private key as the
 * user's name, answers 201 with a `requestId`, whose state `GET …/v1/files/purge/<requestId>` tells.
 */
export function addPurgeRoutes(
  router: Router,
  runtime: Runtime,
  { authenticate, answered }: Management,
): void {
  const paths = purgePaths(runtime);
  if (!paths) return;
  const { log, purges, config } = runtime;
  const management = config.config.management || {};
  const rate = createRate(management.purgesPerMinute ?? 600);

  async function begin(ctx: Koa.Context): Promise<void> {
    const endpoints = await authenticate(ctx);
    const { over, headers } = rate(digest(endpoints.map(({ tenant, name }) => `${tenant}/${name}`).join()));
    ctx.set(headers);
    if (over) throw new Refused(429, "Too many purges: try again later.", { "retry-after": "60" });
    const order = await orderOf(await ctx.state.body(), endpoints);
    const { id, done, heard } = purges.begin(order.bans);
    const [{ kind, value } = { kind: "all", value: "" }] = order.bans;
    log.info(
      { purge: id, tenant: order.tenant, kind, value: maskUrl(value.slice(0, 500)) },
      "a purge was requested",
    );
    done.catch((err: unknown) => log.error({ err, purge: id }, "a purge failed"));
    await heard;
    ctx.status = 201;
    ctx.body = { requestId: id };
  }

  async function orderOf(body: Uint8Array, endpoints: readonly Endpoint[]): Promise<PurgeOrder> {
    const target = parseTarget(body);
    if ("url" in target) {
      const order = await bansOfUrl(target, runtime, log);
      if (!endpoints.some(({ tenant, name }) => tenant === order.tenant && name === order.endpoint)) {
        throw new Refused(403, "This key is not valid for the endpoint of the URL.");
      }
      return order;
    }
    const tenant = accountOf(endpoints, runtime);
    const scope = scopeOf(tenant, runtime);
    const [kind, value] = Object.entries(target)[0] as ["source" | "prefix" | "tag" | "all", string | true];
    return {
      tenant,
      endpoint: "",
      bans: [{ kind, value: value === true ? "" : value.replace(/^\//, ""), ...scope }],
    };
  }

  async function tell(ctx: Koa.Context): Promise<void> {
    const endpoints = await authenticate(ctx);
    const purge = purges.find(ctx.params.id);
    const isOwn = ({ tenant = "" }: PurgeRule) => endpoints.some((endpoint) => endpoint.tenant === tenant);
    // One response for both: whether another account's request exists is not visible.
    if (!purge?.bans.every(isOwn)) throw new Refused(400, UNKNOWN);
    ctx.body = { status: purge.state };
  }

  for (const path of paths) {
    router.post(path, answered(HELP, begin));
    router.get(`${path}/:id`, answered(HELP, tell));
  }
}

function parseTarget(body: Uint8Array): z.output<typeof targetSchema> {
  try {
    return targetSchema.parse(JSON.parse(Buffer.from(body).toString("utf8")));
  } catch {
    throw new Refused(400, "Expected JSON with one of url, source, prefix, tag and all.");
  }
}

/** The account of a key that is good for all of it: what is purged beyond a URL is not one endpoint's. */
function accountOf(endpoints: readonly Endpoint[], runtime: Runtime): string {
  const tenant = endpoints[0]?.tenant ?? "";
  const whole = runtime.endpoints.filter((endpoint) => endpoint.tenant === tenant);
  const isWhole = whole.every((endpoint) => endpoints.includes(endpoint));
  if (!isWhole || endpoints.some((endpoint) => endpoint.tenant !== tenant)) {
    throw new Refused(403, "This key is not valid for the whole account: it can purge only URLs.");
  }
  return tenant;
}
