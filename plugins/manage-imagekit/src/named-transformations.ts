import { MediaError } from "@mediatap/core";
import { jsonSchemaOf, type StateObject } from "@mediatap/core/state";
import { z } from "zod";
import { assertRoom, checked, idOf, newId, type ObjectsOf, objectsIn, renamed } from "./objects.ts";

const fields = {
  name: z
    .string()
    .regex(/^(?!__proto__$)\w{1,200}$/, "Expected letters, digits and underscores")
    .meta({ title: "Name" }),
  transformation: z
    .string()
    .min(1)
    .max(10_000)
    .meta({ title: "Transformation", description: "Such as w-400,h-300." }),
  enabled: z.boolean().meta({ title: "Enabled" }),
};
const createSchema = z.strictObject({ ...fields, enabled: fields.enabled.default(true) });
const updateSchema = z.strictObject(fields).partial();

/** JSON Schema of requests that create a named transformation. */
export const namedTransformationSchema = () => z.toJSONSchema(createSchema, { io: "input" });

const responseSchema = z.object({
  id: z.string(),
  ...fields,
  createdAt: z.iso.datetime().optional(),
  readOnly: z.boolean().optional(),
});

interface Note {
  readonly id: string;
  readonly createdAt: string;
}

/** `namedTransformations`. */
export const NAMED_TRANSFORMATIONS: ObjectsOf = {
  kind: "namedTransformations",
  schemas: () => ({
    create: jsonSchemaOf(createSchema),
    update: jsonSchemaOf(updateSchema),
    response: jsonSchemaOf(responseSchema, "output"),
  }),
  path: "/v1/named-transformations",
  what: "named transformation",
  updateMethod: "PATCH",
  responseOf,
  create(json) {
    const { name, ...body } = checked(createSchema, json);
    const createdAt = new Date().toISOString();
    return {
      comment: `create the named transformation ${name}`,
      edit(draft) {
        const named = objectsIn(draft, "namedTransformations");
        assertFree(named, name);
        assertRoom(named, "named transformations");
        const ids = [...named].map(([name, object]) => idOf(name, object));
        const id = newId(name, ids, "named");
        draft.namedTransformations[name] = body;
        draft.notes.namedTransformations[name] = { id, createdAt } satisfies Note;
        return id;
      },
    };
  },
  update(id, json) {
    const body = checked(updateSchema, json);
    return {
      comment: `change the named transformation ${id}`,
      edit(draft, { name: before, object }) {
        const { name = before, ...changed } = body;
        if (name !== before) assertFree(objectsIn(draft, "namedTransformations"), name);
        const fields = { ...object.fields, ...changed };
        const { namedTransformations, notes } = draft;
        draft.namedTransformations = renamed(namedTransformations, before, name, fields);
        notes.namedTransformations = renamed(notes.namedTransformations, before, name, object.note);
      },
    };
  },
};

function assertFree(named: ReadonlyMap<string, StateObject>, name: string): void {
  if (!named.has(name)) return;
  throw new MediaError("EINVAL", `name: There is a named transformation ${name} already.`);
}

function responseOf(name: string, object: StateObject) {
  const { transformation, enabled = true } = object.fields;
  const { createdAt } = (object.note ?? {}) as Partial<Note>;
  return {
    id: idOf(name, object),
    name,
    transformation,
    enabled,
    ...(createdAt !== undefined && { createdAt }),
    ...(object.fromFile && { readOnly: true }),
  };
}
