import { type CallHandler, MediaError, type PluginApi } from "@mediatap/core";
import type { AccountState, StateObject } from "@mediatap/core/state";
import { z } from "zod";
import {
  answers,
  assertChangeable,
  assertRoom,
  bodyOf,
  etagOf,
  findById,
  idOf,
  newId,
  objectsIn,
  remove,
  renamed,
} from "./objects.ts";

const PATH = "/v1/named-transformations";

const fields = {
  name: z.string().regex(/^(?!__proto__$)\w{1,200}$/, "Expected letters, digits and underscores"),
  transformation: z.string().min(1).max(10_000),
  enabled: z.boolean(),
};
const createSchema = z.strictObject({ ...fields, enabled: fields.enabled.default(true) });
const updateSchema = z.strictObject(fields).partial();

interface Note {
  readonly id: string;
  readonly createdAt: string;
}

/** Adds the calls of `namedTransformations`. */
export function addNamedTransformations({ manage }: Pick<PluginApi, "manage">): void {
  manage("GET", PATH, list, { atRoot: true });
  manage("POST", PATH, create, { atRoot: true });
  manage("GET", `${PATH}/:id`, get, { atRoot: true });
  manage("PATCH", `${PATH}/:id`, update, { atRoot: true });
  manage("DELETE", `${PATH}/:id`, del, { atRoot: true });
}

const list: CallHandler = (_request, _, rights) => ({
  body: answers(rights.state(), "namedTransformations", answerOf),
});

const get: CallHandler = ({ params: { id = "" } }, _, rights) => reply(200, rights.state(), id);

const create: CallHandler = async (request, _, rights) => {
  const state = rights.state();
  const { name, ...body } = await bodyOf(request, createSchema);
  const createdAt = new Date().toISOString();
  const id = await state.change(`create the named transformation ${name}`, (draft) => {
    const named = objectsIn(draft, "namedTransformations");
    assertFree(named, name);
    assertRoom(named, "named transformations");
    const id = newId(
      name,
      [...named].map(([name, object]) => idOf(name, object)),
      "named",
    );
    draft.namedTransformations[name] = body;
    draft.notes.namedTransformations[name] = { id, createdAt } satisfies Note;
    return id;
  });
  return reply(201, state, id);
};

const update: CallHandler = async (request, _, rights) => {
  const { id = "" } = request.params;
  const state = rights.state();
  const body = await bodyOf(request, updateSchema);
  await state.change(`change the named transformation ${id}`, (draft) => {
    const named = objectsIn(draft, "namedTransformations");
    const found = findById(named, id, "named transformation");
    assertChangeable(found, "The named transformation", request);
    const { name = found.name, ...changed } = body;
    if (name !== found.name) assertFree(named, name);
    const fields = { ...found.object.fields, ...changed };
    draft.namedTransformations = renamed(draft.namedTransformations, found.name, name, fields);
    draft.notes.namedTransformations = renamed(
      draft.notes.namedTransformations,
      found.name,
      name,
      found.object.note,
    );
  });
  return reply(200, state, id);
};

const del: CallHandler = async (request, _, rights) => {
  const { id = "" } = request.params;
  await rights.state().change(`delete the named transformation ${id}`, (draft) => {
    const found = findById(objectsIn(draft, "namedTransformations"), id, "named transformation");
    assertChangeable(found, "The named transformation", request);
    remove(draft, "namedTransformations", found.name);
  });
  return { status: 204, body: undefined };
};

function assertFree(named: ReadonlyMap<string, StateObject>, name: string): void {
  if (!named.has(name)) return;
  throw new MediaError("EINVAL", `name: There is a named transformation ${name} already.`);
}

function reply(status: number, state: AccountState, id: string) {
  const { name, object } = findById(state.objects("namedTransformations"), id, "named transformation");
  return { status, headers: { ETag: etagOf(name, object) }, body: answerOf(name, object) };
}

function answerOf(name: string, object: StateObject) {
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
