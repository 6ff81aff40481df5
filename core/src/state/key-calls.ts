import { z } from "zod";
import { parseOptions } from "../config/options.ts";
import { codeOf, MediaError } from "../model/errors.ts";
import type { CallHandler, RouteRequest } from "../plugin/calls.ts";
import { describeCall } from "../util/json-schema.ts";

const PATH = "/v1/keys";

/** Seconds for which the old secret of a key may stay valid: a week. */
const MAX_GRACE_SECONDS = 604_800;

const createSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[^\p{Cc}]{1,100}$/u, "Expected 1 to 100 characters")
    .meta({ examples: ["CI", "Ada's laptop"] }),
  role: z.enum(["read", "operate", "configure"]),
});
const rotateSchema = z.strictObject({ graceSeconds: z.int().min(0).max(MAX_GRACE_SECONDS).default(0) });

const infoSchema = z.object({
  id: z.string(),
  ...createSchema.shape,
  createdAt: z.iso.datetime().optional(),
  rotatedAt: z.iso.datetime().optional(),
  readOnly: z.boolean().optional(),
});
const newSchema = infoSchema.extend({ secret: z.string() });

const list: CallHandler = async (_request, _, rights) => ({ body: { keys: await rights.keys().list() } });

const create: CallHandler = async (request, _, rights) => {
  const key = await bodyOf(request, createSchema);
  return { status: 201, body: await rights.keys().create(key) };
};

const rotate: CallHandler = async (request, _, rights) => {
  const { graceSeconds } = await bodyOf(request, rotateSchema, "{}");
  return { body: await rights.keys().rotate(request.params.id ?? "", graceSeconds) };
};

const revoke: CallHandler = async ({ params: { id = "" } }, _, rights) => {
  await rights.keys().revoke(id);
  return { status: 204, body: undefined };
};

/** The JSON of a request, checked. Throws `EINVAL` naming the field. */
async function bodyOf<S extends z.ZodType>(
  request: RouteRequest,
  schema: S,
  otherwise = "",
): Promise<z.output<S>> {
  const text = Buffer.from(await request.body()).toString("utf8");
  try {
    return parseOptions(schema, JSON.parse(text === "" ? otherwise : text), "");
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new MediaError("EINVAL", "Expected JSON as the body", { cause });
    if (codeOf(cause) !== "ECONFIG") throw cause;
    const message = (cause as Error).message.split("\n").join("; ");
    throw new MediaError("EINVAL", message.replace(/^configuration: /, ""), { cause });
  }
}

/** The calls about keys. */
export const KEY_CALLS = [
  {
    method: "GET",
    path: PATH,
    role: "read",
    handler: list,
    describe: describeCall("List keys", { response: z.object({ keys: z.array(infoSchema) }) }),
  },
  {
    method: "POST",
    path: PATH,
    role: "configure",
    handler: create,
    describe: describeCall("Create a key; the response contains its secret", {
      body: createSchema,
      status: 201,
      response: newSchema,
    }),
  },
  {
    method: "POST",
    path: `${PATH}/:id/rotate`,
    role: "configure",
    handler: rotate,
    describe: describeCall("Give a key another secret", { body: rotateSchema, response: newSchema }),
  },
  {
    method: "DELETE",
    path: `${PATH}/:id`,
    role: "configure",
    handler: revoke,
    describe: describeCall("Revoke a key", { status: 204 }),
  },
] as const;
