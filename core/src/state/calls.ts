import { z } from "zod";
import { MediaError } from "../model/errors.ts";
import type { CallHandler, RouteRequest } from "../plugin/calls.ts";
import { describeCall } from "../util/json-schema.ts";
import { auditEntrySchema } from "./audit.ts";

/** Revisions in one response, unless fewer are asked for. */
const MAX_REVISIONS = 50;

/** Entries of the audit log in one response, unless fewer are asked for. */
const MAX_ENTRIES = 100;

const count = z.coerce.number().int().min(1);
const listSchema = z.strictObject({
  before: count.optional(),
  limit: count.max(MAX_REVISIONS).default(MAX_REVISIONS),
});
const auditSchema = z.strictObject({
  before: z
    .string()
    .regex(/^\d{13}-[0-9a-f]{8}$/)
    .optional(),
  limit: count.max(MAX_ENTRIES).default(MAX_ENTRIES),
});
const rollbackSchema = z.strictObject({
  revision: z
    .int()
    .min(0)
    .meta({ examples: [0] }),
  comment: z.string().max(1000).optional(),
});

const list: CallHandler = async ({ query }, _, rights) => {
  const { data } = listSchema.safeParse(Object.fromEntries(query));
  if (!data) throw new MediaError("EINVAL", "Expected before and limit (at most 50) as numbers.");
  return { body: { revisions: await rights.state().revisions(data) } };
};

const rollback: CallHandler = async (request, _, rights) => {
  const { revision, comment } = await rollbackOf(request);
  const written = await rights.state().rollback(revision, comment ?? `roll back to revision ${revision}`);
  return { body: { revision: written } };
};

async function rollbackOf(request: RouteRequest): Promise<z.output<typeof rollbackSchema>> {
  const expected = "Expected JSON with the number of a revision: { revision, comment? }.";
  try {
    return rollbackSchema.parse(JSON.parse(Buffer.from(await request.body()).toString("utf8")));
  } catch (cause) {
    throw new MediaError("EINVAL", expected, { cause });
  }
}

const audit: CallHandler = async ({ query }, _, rights) => {
  const { data } = auditSchema.safeParse(Object.fromEntries(query));
  if (!data) {
    throw new MediaError("EINVAL", "Expected the id of an entry as before, and a number up to 100 as limit.");
  }
  return { body: { entries: await rights.audit(data) } };
};

const revisionSchema = z.object({
  number: z.int(),
  time: z.int(),
  author: z.string(),
  comment: z.string(),
  changes: z.array(
    z.object({ path: z.string(), before: z.unknown().optional(), after: z.unknown().optional() }),
  ),
});

/** The calls about revisions, `GET …/v1/state/revisions` and `POST …/v1/state/rollback`, and the audit log, `GET …/v1/audit`. */
export const STATE_CALLS = [
  {
    method: "GET",
    path: "/v1/audit",
    role: "read",
    handler: audit,
    describe: describeCall("List changes and refused keys, newest first", {
      query: auditSchema,
      response: z.object({ entries: z.array(auditEntrySchema) }),
    }),
  },
  {
    method: "GET",
    path: "/v1/state/revisions",
    role: "read",
    handler: list,
    describe: describeCall("List revisions of the account, newest first", {
      query: listSchema,
      response: z.object({ revisions: z.array(revisionSchema) }),
    }),
  },
  {
    method: "POST",
    path: "/v1/state/rollback",
    role: "configure",
    handler: rollback,
    describe: describeCall("Make the account as it was in an older revision", {
      body: rollbackSchema,
      response: z.object({ revision: z.int() }),
    }),
  },
] as const;
