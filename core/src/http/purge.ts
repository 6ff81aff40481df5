import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Endpoint } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import type { PurgeRule } from "../model/purge-rule.ts";
import { TAG } from "../model/tags.ts";
import type { CallRights, RouteRequest } from "../plugin.ts";
import { accountState, type RuntimeState } from "../state/account.ts";
import { maskUrl } from "../util/log.ts";
import { type PurgeOrder, type PurgeParts, rulesOfUrl, scopeOf } from "./purge-target.ts";
import type { Call } from "./runtime.ts";

const MINUTE_MS = 60_000;

/** Keys whose purges are counted. */
const MAX_COUNTED_KEYS = 10_000;

const EXPECTED = "Expected JSON with one of url, source, prefix, tag and all.";

const text = z.string().min(1).max(8_192);
const targetSchema = z.union([
  z.strictObject({ url: text }),
  z.strictObject({ source: text }),
  z.strictObject({ prefix: text }),
  z.strictObject({ tag: z.string().regex(TAG) }),
  z.strictObject({ all: z.literal(true) }),
]);

/** The calls that purge: `POST …/v1/purges` returns 201 with an `id`, whose state `GET …/v1/purges/<id>` returns. */
export const PURGE_CALLS: readonly Omit<Call, "plugin">[] = [
  {
    method: "POST",
    path: "/v1/purges",
    async handler(request, _, { purge }) {
      return { status: 201, body: await purge(await jsonOf(request)) };
    },
  },
  {
    method: "GET",
    path: "/v1/purges/:id",
    handler({ params: { id = "" } }, _, { purgeState }) {
      const state = purgeState(id);
      if (state === undefined) throw new MediaError("ENOENT", "There is no purge with this id");
      return { body: { state } };
    },
  },
];

/** What management calls may do, by the endpoints that their key is good for; `author`: who calls, for people. */
export function createRights(
  runtime: PurgeParts & { readonly state: RuntimeState | undefined },
): (endpoints: readonly Endpoint[], author: string) => CallRights {
  const { log, purges, config } = runtime;
  const { purgesPerMinute: limit = 600 } = config.config.management || {};
  const counts = new LRUCache<string, { count: number; readonly until: number }>({ max: MAX_COUNTED_KEYS });

  /** The purges of a key in the present minute. */
  function countOf(endpoints: readonly Endpoint[]) {
    const name = JSON.stringify(endpoints.map((endpoint) => [endpoint.tenant, endpoint.name]));
    const now = performance.now();
    const known = counts.get(name);
    if (known && known.until > now) return known;
    const begun = { count: 0, until: now + MINUTE_MS };
    counts.set(name, begun);
    return begun;
  }

  async function orderOf(body: unknown, endpoints: readonly Endpoint[]): Promise<PurgeOrder> {
    const { data: target } = targetSchema.safeParse(body);
    if (!target) throw new MediaError("EINVAL", EXPECTED);
    if ("url" in target) {
      const order = await rulesOfUrl(target, runtime, log);
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

  return (endpoints, author) => ({
    async purge(target) {
      if (++countOf(endpoints).count > limit) {
        const options = { status: 429, retryAfterSeconds: MINUTE_MS / 1000 };
        throw new MediaError("EBUSY", "Too many purges: try again later.", options);
      }
      const order = await orderOf(target, endpoints);
      const { id, done, heard } = purges.begin(order.purgeRules);
      const [{ kind, value } = { kind: "all", value: "" }] = order.purgeRules;
      log.info(
        { purge: id, tenant: order.tenant, kind, value: maskUrl(value.slice(0, 500)) },
        "a purge was requested",
      );
      done.catch((err: unknown) => log.error({ err, purge: id }, "a purge failed"));
      await heard;
      return { id };
    },
    purgeState(id) {
      const purge = purges.find(id);
      const isOwn = ({ tenant = "" }: PurgeRule) => endpoints.some((endpoint) => endpoint.tenant === tenant);
      // One response for both: whether another account's request exists is not visible.
      return purge?.purgeRules.every(isOwn) ? purge.state : undefined;
    },
    purgeRate: () => ({
      limit,
      interval: MINUTE_MS,
      reset: Math.ceil(countOf(endpoints).until - performance.now()),
    }),
    state() {
      const { state } = runtime;
      if (!state) {
        const text = "Nothing can be changed here: no plugin of the configuration keeps state.";
        throw new MediaError("EUNSUPPORTED", text, { status: 501 });
      }
      return accountState(state, accountOf(endpoints, runtime.endpoints, "it can change nothing"), author);
    },
  });
}

async function jsonOf(request: RouteRequest): Promise<unknown> {
  try {
    return JSON.parse(Buffer.from(await request.body()).toString("utf8"));
  } catch {
    throw new MediaError("EINVAL", EXPECTED);
  }
}

/** The account of a key that is good for all of it. Throws `EFORBIDDEN` otherwise. */
function accountOf(endpoints: readonly Endpoint[], all: readonly Endpoint[], otherwise: string): string {
  const tenant = endpoints[0]?.tenant ?? "";
  const whole = all.filter((endpoint) => endpoint.tenant === tenant);
  const isWhole = whole.every((endpoint) => endpoints.includes(endpoint));
  if (!isWhole || endpoints.some((endpoint) => endpoint.tenant !== tenant)) {
    throw new MediaError("EFORBIDDEN", `This key is not valid for the whole account: ${otherwise}.`);
  }
  return tenant;
}
