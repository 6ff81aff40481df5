import { hash } from "node:crypto";
import {
  type CallHandler,
  codeOf,
  type Endpoint,
  MediaError,
  type PluginApi,
  parseOptions,
  type RouteRequest,
} from "@mediatap/core";
import type { AccountDraft, AccountState, StateKind, StateObject } from "@mediatap/core/state";
import type { z } from "zod";
import { limited } from "./rate.ts";

/** Objects of one kind in an account. Each change checks all of them and builds a new runtime, for all accounts of the server. */
const MAX_OBJECTS = 250;

/** Characters of a field. */
export const MAX_TEXT = 2_000;

/** One change, and its name in the list of revisions. */
export interface Edit<T> {
  readonly comment: string;
  edit(draft: AccountDraft): T;
}

/** The form of objects of one kind in requests and responses. Edits throw `EINVAL` naming the field. */
export interface ObjectsOf {
  readonly kind: StateKind;
  /** Of the calls. */
  readonly path: string;
  /** One of them, for people: `URL endpoint`. */
  readonly what: string;
  readonly updateMethod: "PUT" | "PATCH";
  /** JSON Schemas of requests and responses. */
  schemas(): Record<"create" | "update" | "response", Readonly<Record<string, unknown>>>;
  /** Never a secret. `readOnly`: the configuration file defines it. */
  responseOf(name: string, object: StateObject): unknown;
  /** The edit returns the id. `endpoints`: those of the key. */
  create(body: unknown, endpoints: readonly Endpoint[]): Edit<string>;
  /** `entry`: the object with this id, which can be changed. */
  update(
    id: string,
    body: unknown,
    endpoints: readonly Endpoint[],
  ): { readonly comment: string; edit(draft: AccountDraft, entry: NamedObject): void };
  /** Throws if it is in use. */
  assertUnused?(draft: AccountDraft, entry: NamedObject): void;
}

/** A change of an object that exists. `ifMatch`: the `If-Match` of the request. */
export function updateOf(
  objects: ObjectsOf,
  { id, body, ifMatch }: { id: string; body: unknown; ifMatch: string | undefined },
  endpoints: readonly Endpoint[],
): Edit<void> {
  const { comment, edit } = objects.update(id, body, endpoints);
  return { comment, edit: (draft) => edit(draft, changeable(objects, draft, id, ifMatch)) };
}

export function deleteOf(
  objects: ObjectsOf,
  { id, ifMatch }: { id: string; ifMatch: string | undefined },
): Edit<void> {
  const { kind, what } = objects;
  return {
    comment: `delete the ${what} ${id}`,
    edit(draft) {
      objects.assertUnused?.(draft, findById(objectsIn(draft, kind), id, what));
      const { name } = changeable(objects, draft, id, ifMatch);
      delete draft[kind][name];
      delete draft.notes[kind][name];
    },
  };
}

/** Adds the calls that list, create, read, change and delete objects. */
export function addObjects({ manage }: Pick<PluginApi, "manage">, objects: ObjectsOf): void {
  const { kind, path, what, responseOf, updateMethod } = objects;
  const options = { atRoot: true };

  const reply = (status: number, state: AccountState, id: string) => {
    const { name, object } = findById(state.objects(kind), id, what);
    return { status, headers: { ETag: etagOf(name, object) }, body: responseOf(name, object) };
  };

  const list: CallHandler = (_request, _, rights) => ({
    body: [...rights.state().objects(kind)].map(([name, object]) => responseOf(name, object)),
  });
  const get: CallHandler = ({ params: { id = "" } }, _, rights) => reply(200, rights.state(), id);
  const create: CallHandler = async (request, endpoints, rights) => {
    const state = rights.state();
    const { comment, edit } = objects.create(await jsonOf(request), endpoints);
    return reply(201, state, await state.change(comment, edit));
  };
  const update: CallHandler = async (request, endpoints, rights) => {
    const { id = "" } = request.params;
    const state = rights.state();
    const ifMatch = request.header("if-match");
    const { comment, edit } = updateOf(objects, { id, body: await jsonOf(request), ifMatch }, endpoints);
    await state.change(comment, edit);
    return reply(200, state, id);
  };
  const del: CallHandler = async (request, _, rights) => {
    const { id = "" } = request.params;
    const { comment, edit } = deleteOf(objects, { id, ifMatch: request.header("if-match") });
    await rights.state().change(comment, edit);
    return { status: 204, body: undefined };
  };
  const reading = { ...options, role: "read" } as const;
  const one = /^[aeio]/i.test(what) ? `an ${what}` : `a ${what}`;
  manage("GET", path, list, {
    ...reading,
    describe: () => ({
      summary: `List ${what}s`,
      response: { type: "array", items: objects.schemas().response },
    }),
  });
  manage("POST", path, limited(create, "changeRate"), {
    ...options,
    describe: () => {
      const { create: body, response } = objects.schemas();
      return { summary: `Create ${one}`, body, status: 201, response };
    },
  });
  manage("GET", `${path}/:id`, get, {
    ...reading,
    describe: () => ({ summary: `Read ${one}`, response: objects.schemas().response }),
  });
  manage(updateMethod, `${path}/:id`, limited(update, "changeRate"), {
    ...options,
    describe: () => {
      const { update: body, response } = objects.schemas();
      return { summary: `Change ${one}`, body, response };
    },
  });
  manage("DELETE", `${path}/:id`, limited(del, "changeRate"), {
    ...options,
    describe: () => ({ summary: `Delete ${one}`, status: 204 }),
  });
}

/** Throws `EINVAL` if no other object of a kind can be added. */
export function assertRoom(objects: ReadonlyMap<string, StateObject>, what: string): void {
  const managed = [...objects.values()].filter(({ fromFile }) => !fromFile);
  if (managed.length >= MAX_OBJECTS) {
    throw new MediaError("EINVAL", `Expected at most ${MAX_OBJECTS} ${what}.`);
  }
}

/** The JSON of a request. Throws `EINVAL`. */
export async function jsonOf(request: RouteRequest): Promise<unknown> {
  try {
    return JSON.parse(Buffer.from(await request.body()).toString("utf8"));
  } catch (cause) {
    throw new MediaError("EINVAL", "Expected JSON as the body of the request", { cause });
  }
}

/** The JSON of a request, checked. Throws `EINVAL` naming the field. */
export async function bodyOf<S extends z.ZodType>(request: RouteRequest, schema: S): Promise<z.output<S>> {
  return checked(schema, await jsonOf(request));
}

/** A checked value. Throws `EINVAL` naming the field. */
export function checked<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  try {
    return parseOptions(schema, value, "");
  } catch (cause) {
    if (codeOf(cause) !== "ECONFIG") throw cause;
    const message = (cause as Error).message.split("\n").join("; ");
    throw new MediaError("EINVAL", message.replace(/^configuration: /, ""), { cause });
  }
}

/** A unique id that reads like a name: letters, digits, `_` and `-`. */
export function newId(name: string, taken: Iterable<string>, otherwise: string): string {
  const ids = new Set(taken);
  const base =
    name
      .replace(/[^\w]+/g, "-")
      .replace(/^[-_]+|-+$/g, "")
      .slice(0, 50) || otherwise;
  for (let count = 1; ; count++) {
    const id = count === 1 ? base : `${base}-${count}`;
    if (!ids.has(id)) return id;
  }
}

/** Changes with each change of an object, and reveals nothing of it. */
export function etagOf(name: string, { fields, note }: Pick<StateObject, "fields" | "note">): string {
  return `"${hash("sha256", JSON.stringify([name, fields, note]), "base64url").slice(0, 27)}"`;
}

/** The objects of a kind in a draft, those of the configuration file included. */
export function objectsIn(draft: AccountDraft, kind: StateKind): ReadonlyMap<string, StateObject> {
  return new Map<string, StateObject>([
    ...Object.entries(draft.file[kind]).map(([name, fields]) => [name, { fields, fromFile: true }] as const),
    ...Object.entries(draft[kind]).map(
      ([name, fields]) => [name, { fields, fromFile: false, note: draft.notes[kind][name] }] as const,
    ),
  ]);
}

/** An object and its name in the configuration, by the id that clients know. */
export interface NamedObject {
  readonly name: string;
  readonly object: StateObject;
}

/** The id of an object that keeps it beside its name; without one, its name. */
export function idOf(name: string, { note }: StateObject): string {
  return (note as { readonly id?: string } | undefined)?.id ?? name;
}

/** Throws `ENOENT` if there is none; `what`: its kind, for people. */
export function findById(objects: ReadonlyMap<string, StateObject>, id: string, what: string): NamedObject {
  const entry = [...objects].find(([name, object]) => idOf(name, object) === id);
  if (!entry) throw new MediaError("ENOENT", `There is no ${what} with this id.`);
  return { name: entry[0], object: entry[1] };
}

/**
 * The object with an id. Throws `EFORBIDDEN` if the configuration file defines it, and `EINVAL` with status 409 if `ifMatch` has another
 * `ETag`.
 */
function changeable(
  { kind, what }: ObjectsOf,
  draft: AccountDraft,
  id: string,
  ifMatch: string | undefined,
): NamedObject {
  const entry = findById(objectsIn(draft, kind), id, what);
  const { name, object } = entry;
  if (object.fromFile) {
    const text = `The ${what} is defined by the configuration file of the server and cannot be changed here.`;
    throw new MediaError("EFORBIDDEN", text);
  }
  if (ifMatch === undefined || ifMatch.trim() === "*") return entry;
  const tags = ifMatch.split(",").map((tag) => tag.trim());
  if (tags.includes(etagOf(name, object))) return entry;
  throw new MediaError("EINVAL", `The ${what} was changed by somebody else: read it again.`, { status: 409 });
}

/** A mapping with one key and value replaced. */
export function renamed<T>(
  mapping: Readonly<Record<string, T>>,
  from: string,
  to: string,
  value: NoInfer<T>,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(mapping).map(([name, old]) => (name === from ? [to, value] : [name, old])),
  );
}
