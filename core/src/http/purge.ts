import { MediaError } from "../model/errors.ts";
import type { RouteRequest } from "../plugin.ts";
import type { Call } from "./runtime.ts";

export const EXPECTED_PURGE = "Expected JSON with one of url, source, prefix, tag and all.";

/**
 * The calls that purge: `POST …/v1/purges` returns 201 with an `id`, whose state `GET …/v1/purges/<id>` returns. `POST …/v1/purges/preview`
 * returns what a purge would remove.
 */
export const PURGE_CALLS: readonly Omit<Call, "plugin">[] = [
  {
    method: "POST",
    path: "/v1/purges",
    role: "operate",
    async handler(request, _, { purge }) {
      return { status: 201, body: await purge(await jsonOf(request)) };
    },
  },
  {
    method: "POST",
    path: "/v1/purges/preview",
    role: "read",
    async handler(request, _, { purgePreview }) {
      return { body: await purgePreview(await jsonOf(request)) };
    },
  },
  {
    method: "GET",
    path: "/v1/purges/:id",
    role: "read",
    handler({ params: { id = "" } }, _, { purgeState }) {
      const state = purgeState(id);
      if (state === undefined) throw new MediaError("ENOENT", "There is no purge with this id");
      return { body: { state } };
    },
  },
];

async function jsonOf(request: RouteRequest): Promise<unknown> {
  try {
    return JSON.parse(Buffer.from(await request.body()).toString("utf8"));
  } catch {
    throw new MediaError("EINVAL", EXPECTED_PURGE);
  }
}
