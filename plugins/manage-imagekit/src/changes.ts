import { type CallHandler, type Endpoint, isMediaError, MediaError, type PluginApi } from "@mediatap/core";
import { type AccountDraft, describeCall } from "@mediatap/core/state";
import { z } from "zod";
import { ENDPOINTS, endpointSchema } from "./endpoints.ts";
import { NAMED_TRANSFORMATIONS, namedTransformationSchema } from "./named-transformations.ts";
import { bodyOf, deleteOf, type Edit, MAX_TEXT, type ObjectsOf, updateOf } from "./objects.ts";
import { ORIGINS, originSchemas } from "./origins.ts";
import { limited } from "./rate.ts";

const CHANGES = "/v1/accounts/changes";
const SCHEMAS = "/v1/accounts/schemas";

/** Changes in one call. */
const MAX_CHANGES = 100;

const KINDS = {
  origin: ORIGINS,
  urlEndpoint: ENDPOINTS,
  namedTransformation: NAMED_TRANSFORMATIONS,
} satisfies Record<string, ObjectsOf>;

const text = z.string().min(1).max(MAX_TEXT);
const change = z.strictObject({
  kind: z.enum(Object.keys(KINDS) as (keyof typeof KINDS)[]),
  action: z.enum(["create", "update", "delete"]),
  /** Of an object that exists; of a new one: any name, by which URL endpoints in the same call refer to it. */
  id: text,
  /** The object as the call for one object takes it. */
  value: z.unknown().optional(),
  ifMatch: text.optional(),
});
const schema = z.strictObject({
  changes: z.array(change).max(MAX_CHANGES),
  comment: z.string().max(1000).optional(),
  /** Reports what would differ, and what the origins respond, and changes nothing. */
  dryRun: z.boolean().default(false),
  /** An origin that a dry run also tests, optionally with a file. */
  test: z.strictObject({ origin: text, path: text.optional() }).optional(),
});

/** `ids` of applied changes; `changes` and `findings` of a dry run. */
const responseSchema = z.looseObject({ ids: z.record(z.string(), z.string()).optional() });

const fieldSchema = z.looseObject({ type: z.string() });
const schemasSchema = z.object({
  origins: z.record(z.string(), fieldSchema),
  urlEndpoint: fieldSchema,
  namedTransformation: fieldSchema,
});

type Change = z.output<typeof change>;

/** Adds the call that makes several changes as one revision, and the one that describes their fields. */
export function addChanges({ manage }: Pick<PluginApi, "manage">): void {
  manage("POST", CHANGES, limited(applyChanges, "changeRate"), {
    describe: describeCall("Make several changes as one revision, or try them", {
      body: schema,
      response: responseSchema,
    }),
  });
  manage(
    "GET",
    SCHEMAS,
    () => ({
      body: {
        origins: originSchemas(),
        urlEndpoint: endpointSchema(),
        namedTransformation: namedTransformationSchema(),
      },
    }),
    {
      role: "read",
      describe: describeCall("Describe the fields of what can be changed", { response: schemasSchema }),
    },
  );
}

const applyChanges: CallHandler = async (request, endpoints, rights) => {
  const { changes, comment, dryRun, test } = await bodyOf(request, schema);
  const state = rights.state();
  if (dryRun) {
    const examination = await state.examine((draft) => {
      const ids = editAll(draft, changes, endpoints);
      return test && { origin: ids.get(test.origin) ?? test.origin, path: test.path };
    });
    return { body: examination };
  }
  if (changes.length === 0) throw new MediaError("EINVAL", "changes: Expected at least one change");
  const suffix = changes.length === 1 ? "" : ` and ${changes.length - 1} more`;
  const summary = () =>
    atChange(0, () => editOf(changes[0] as Change, new Map(), endpoints).comment) + suffix;
  const ids = await state.change(comment || summary(), (draft) => editAll(draft, changes, endpoints));
  return { body: { ids: Object.fromEntries(ids) } };
};

/** Applies changes in their order. Returns the ids of new objects by their names in the call. */
function editAll(draft: AccountDraft, changes: readonly Change[], endpoints: readonly Endpoint[]) {
  const ids = new Map<string, string>();
  for (const [at, change] of changes.entries()) {
    const id = atChange(at, () => editOf(change, ids, endpoints).edit(draft));
    if (id !== undefined) ids.set(change.id, id);
  }
  return ids;
}

function editOf(
  { kind, action, id, value, ifMatch }: Change,
  ids: ReadonlyMap<string, string>,
  endpoints: readonly Endpoint[],
): Edit<string | undefined> {
  const objects = KINDS[kind];
  if (action === "delete") return voided(deleteOf(objects, { id, ifMatch }));
  const body = kind === "urlEndpoint" ? withIds(value, ids) : value;
  if (action === "create") return objects.create(body, endpoints);
  return voided(updateOf(objects, { id, body, ifMatch }, endpoints));
}

const voided = ({ comment, edit }: Edit<void>): Edit<undefined> => ({
  comment,
  edit: (draft) => void edit(draft),
});

/** A URL endpoint with the ids of origins that the same call has created. */
function withIds(value: unknown, ids: ReadonlyMap<string, string>): unknown {
  const { origins } = (value ?? {}) as { readonly origins?: unknown };
  if (!Array.isArray(origins)) return value;
  return { ...(value as object), origins: origins.map((origin) => ids.get(origin) ?? origin) };
}

/** Handles a change; errors contain its index. */
function atChange<T>(at: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isMediaError(error)) throw error;
    const { code, status, message } = error;
    throw new MediaError(code, `changes.${at}: ${message}`, { cause: error, status });
  }
}
