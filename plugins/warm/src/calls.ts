import {
  type Endpoint,
  type Job,
  MediaError,
  type PluginApi,
  parseOptions,
  type RouteRequest,
} from "@mediatap/core";
import { describeCall } from "@mediatap/core/state";
import { z } from "zod";
import { type Failure, failureOf, type Item, MAX_ERRORS, type Preview, type Queue } from "./batch.ts";

/** Path of the calls below that of the management API. */
export const PATH = "/v1/warm";

/** URLs of one call. */
const MAX_URLS = 10_000;

/** Batches in one response. */
const MAX_BATCHES = 50;

/** URLs whose caches are read at once. */
const PREVIEW_CONCURRENCY = 20;

/** Header of most browsers: the same as `mediatap explain` uses. */
const BROWSER = { accept: "image/avif,image/webp,*/*" };

const headers = z.record(z.string().regex(/^[\w-]{1,100}$/), z.string().max(1_000));
const schema = z.strictObject({
  urls: z.array(z.string().min(1).max(8_192)).min(1).max(MAX_URLS),
  /** Headers of the clients for which URLs are rendered. */
  clients: z.array(headers).min(1).max(10).default([BROWSER]),
  segments: z.int().min(0).max(10_000).optional(),
});

const errors = z.array(z.object({ url: z.string(), code: z.string(), message: z.string() }));
const progressSchema = z.object({ total: z.int(), done: z.int(), failed: z.int(), errors });
const previewSchema = z.object({
  total: z.int(),
  cached: z.int(),
  stale: z.int(),
  pending: z.int(),
  failed: z.int(),
  errors,
});
const batchSchema = progressSchema.extend({ id: z.string(), added: z.iso.datetime() });

/**
 * Adds `POST …/v1/warm`, which responds with 202 and an `id`, `POST …/v1/warm/preview`, which reports what it would do, and
 * `GET …/v1/warm/<id>` and `GET …/v1/warm`, which report the progress of one batch and of all. URLs need no signature: the key of
 * the call replaces it, for URLs of its own endpoints only.
 */
export function addCalls(
  { manage, jobs: { resolve, cached } }: Pick<PluginApi, "manage" | "jobs">,
  queue: Queue,
  segments: number,
): void {
  /** The items of a call, and the URLs that are refused. */
  async function itemsOf(request: RouteRequest, own: ReadonlySet<string>) {
    const target = parse(await request.body());
    const items: Item[] = [];
    const refused: Failure[] = [];
    const clients = target.clients.map(lowerCase);
    // Only the header `host` selects the endpoint.
    const hosts = [...new Map(clients.map((client) => [client.host, client])).values()];
    for (const url of new Set(target.urls)) {
      try {
        for (const client of hosts) assertOwn(await resolve(url, client), own);
        items.push({ url, clients, segments: target.segments ?? segments });
      } catch (error) {
        refused.push(failureOf(url, error));
      }
    }
    return { items, refused };
  }

  /** Whether caches contain a URL for all clients; a failure if rendering it would fail without an origin. */
  async function stateOf({ url, clients }: Item): Promise<"fresh" | "stale" | "miss" | Failure> {
    let state: "fresh" | "stale" = "fresh";
    try {
      for (const client of clients) {
        const found = await cached(await resolve(url, client));
        if (found === "miss") return found;
        if (found === "stale") state = found;
      }
      return state;
    } catch (error) {
      return failureOf(url, error);
    }
  }

  async function preview(items: readonly Item[], refused: readonly Failure[]): Promise<Preview> {
    const states: Awaited<ReturnType<typeof stateOf>>[] = [...refused];
    for (let at = 0; at < items.length; at += PREVIEW_CONCURRENCY) {
      states.push(...(await Promise.all(items.slice(at, at + PREVIEW_CONCURRENCY).map(stateOf))));
    }
    const failures = states.filter((state) => typeof state !== "string");
    const countOf = (wanted: string) => states.filter((state) => state === wanted).length;
    return {
      total: states.length,
      cached: countOf("fresh") + countOf("stale"),
      stale: countOf("stale"),
      pending: countOf("miss"),
      failed: failures.length,
      errors: failures.slice(0, MAX_ERRORS),
    };
  }

  manage(
    "POST",
    PATH,
    async (request, endpoints) => {
      const own = idsOf(endpoints);
      const { items, refused } = await itemsOf(request, own);
      const id = await queue.add({ endpoints: [...own], items, refused });
      return { status: 202, body: { id } };
    },
    {
      role: "operate",
      describe: describeCall("Render URLs before they are requested", {
        body: schema,
        status: 202,
        response: z.object({ id: z.string() }),
      }),
    },
  );

  manage(
    "POST",
    `${PATH}/preview`,
    async (request, endpoints) => {
      const { items, refused } = await itemsOf(request, idsOf(endpoints));
      return { body: await preview(items, refused) };
    },
    {
      role: "read",
      describe: describeCall("Report what rendering URLs would come to", {
        body: schema,
        response: previewSchema,
      }),
    },
  );

  manage(
    "GET",
    PATH,
    async (_, endpoints) => {
      const own = idsOf(endpoints);
      const all = await queue.list(MAX_BATCHES);
      const batches = all
        .filter(([, batch]) => batch.endpoints.every((id) => own.has(id)))
        .map(([id, { added, progress }]) => ({ id, added: new Date(added).toISOString(), ...progress }));
      return { body: { batches } };
    },
    {
      role: "read",
      describe: describeCall("List the last batches of URLs to render", {
        response: z.object({ batches: z.array(batchSchema) }),
      }),
    },
  );

  manage(
    "GET",
    `${PATH}/:id`,
    async ({ params }, endpoints) => {
      const found = await queue.progress(params.id ?? "");
      const own = idsOf(endpoints);
      if (!found?.endpoints.every((id) => own.has(id))) {
        throw new MediaError("ENOENT", "There is no batch with this id");
      }
      return { body: found.progress };
    },
    {
      role: "read",
      describe: describeCall("Progress of a batch", { response: progressSchema }),
    },
  );
}

/** Names of endpoints are unique within a tenant only. */
const idOf = (tenant: string, endpoint: string) => `${tenant}/${endpoint}`;

const idsOf = (endpoints: readonly Endpoint[]) =>
  new Set(endpoints.map(({ tenant, name }) => idOf(tenant, name)));

/** Problems of URLs of other endpoints are not reported to the caller. */
function assertOwn({ asset, problem }: Job, own: ReadonlySet<string>): void {
  if (!own.has(idOf(asset.tenant, asset.endpoint))) {
    throw new MediaError("EFORBIDDEN", "This key is not valid for the endpoint of the URL");
  }
  if (problem) throw new MediaError(problem.code, problem.message);
}

function parse(body: Uint8Array): z.output<typeof schema> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    throw new MediaError("EINVAL", "Expected JSON with urls");
  }
  try {
    return parseOptions(schema, value, "");
  } catch (error) {
    throw new MediaError("EINVAL", (error as Error).message);
  }
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
