import { z } from "zod";
import { MediaError } from "../model/errors.ts";
import type { CallHandler, RouteRequest } from "../plugin.ts";

/** Revisions in one response, unless fewer are asked for. */
const MAX_REVISIONS = 50;

const count = z.coerce.number().int().min(1);
const listSchema = z.strictObject({
  before: count.optional(),
  limit: count.max(MAX_REVISIONS).default(MAX_REVISIONS),
});
const rollbackSchema = z.strictObject({
  revision: z.int().min(0),
  comment: z.string().max(1000).optional(),
});

const list: CallHandler = async ({ query }, _, rights) => {
  const { data } = listSchema.safeParse(Object.fromEntries(query));
  if (!data) throw new MediaError("EINVAL", "Expected before and limit (at most 50) as numbers.");
  const { before, limit } = data;
  const revisions = await rights.state().revisions({ ...(before !== undefined && { before }), limit });
  return { body: { revisions } };
};

const rollback: CallHandler = async (request, _, rights) => {
  const { revision, comment } = await rollbackOf(request);
  await rights.state().rollback(revision, comment ?? `roll back to revision ${revision}`);
  return { body: {} };
};

async function rollbackOf(request: RouteRequest): Promise<z.output<typeof rollbackSchema>> {
  const expected = "Expected JSON with the number of a revision: { revision, comment? }.";
  try {
    return rollbackSchema.parse(JSON.parse(Buffer.from(await request.body()).toString("utf8")));
  } catch (cause) {
    throw new MediaError("EINVAL", expected, { cause });
  }
}

/** The calls about revisions: `GET …/v1/state/revisions` and `POST …/v1/state/rollback`. */
export const STATE_CALLS = [
  { method: "GET", path: "/v1/state/revisions", handler: list },
  { method: "POST", path: "/v1/state/rollback", handler: rollback },
] as const;
