import { z } from "zod";
import { MediaError } from "../model/errors.ts";
import { TAG } from "../model/tags.ts";
import type { RouteRequest } from "../plugin/calls.ts";
import { describeCall } from "../util/json-schema.ts";
import type { Call } from "./routes.ts";

const text = z.string().min(1).max(8_192);

/** What is to be purged. */
export const purgeSchema = z.union([
  z.strictObject({ url: text.meta({ examples: ["/dogs.jpg"] }) }),
  z.strictObject({ source: text.meta({ examples: ["/dogs.jpg"] }) }),
  z.strictObject({ prefix: text.meta({ examples: ["/dogs/"] }) }),
  z.strictObject({
    tag: z
      .string()
      .regex(TAG)
      .meta({ examples: ["dogs"] }),
  }),
  z.strictObject({ all: z.literal(true) }),
]);

const countSchema = z.object({
  renditions: z.int(),
  bytes: z.int(),
  tiers: z.array(
    z.object({
      name: z.string(),
      tier: z.string(),
      renditions: z.int().optional(),
      bytes: z.int().optional(),
    }),
  ),
  isComplete: z.boolean(),
});

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
    describe: describeCall("Purge caches", {
      body: purgeSchema,
      status: 201,
      response: z.object({ id: z.string() }),
    }),
  },
  {
    method: "POST",
    path: "/v1/purges/preview",
    role: "read",
    async handler(request, _, { purgePreview }) {
      return { body: await purgePreview(await jsonOf(request)) };
    },
    describe: describeCall("Count what a purge would remove", { body: purgeSchema, response: countSchema }),
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
    describe: describeCall("State of a purge", {
      response: z.object({ state: z.enum(["pending", "completed"]) }),
    }),
  },
];

async function jsonOf(request: RouteRequest): Promise<unknown> {
  try {
    return JSON.parse(Buffer.from(await request.body()).toString("utf8"));
  } catch {
    throw new MediaError("EINVAL", EXPECTED_PURGE);
  }
}
