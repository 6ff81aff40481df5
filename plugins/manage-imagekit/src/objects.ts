import { hash } from "node:crypto";
import { codeOf, MediaError, parseOptions, type RouteRequest } from "@mediatap/core";
import type { AccountDraft, AccountState, StateKind, StateObject } from "@mediatap/core/state";
import type { z } from "zod";

/** Objects of one kind in an account. Each change checks all of them and builds a new runtime, for all accounts of the server. */
const MAX_OBJECTS = 250;

/** Characters of a field. */
export const MAX_TEXT = 2_000;

/** Throws `EINVAL` if no other object of a kind can be added. */
export function assertRoom(objects: ReadonlyMap<string, StateObject>, what: string): void {
  const managed = [...objects.values()].filter(({ fromFile }) => !fromFile);
  if (managed.length >= MAX_OBJECTS) {
    throw new MediaError("EINVAL", `Expected at most ${MAX_OBJECTS} ${what}.`);
  }
}

/** The JSON of a request, checked. Throws `EINVAL` naming the field. */
export async function bodyOf<S extends z.ZodType>(request: RouteRequest, schema: S): Promise<z.output<S>> {
  let body: unknown;
  try {
    body = JSON.parse(Buffer.from(await request.body()).toString("utf8"));
  } catch (cause) {
    throw new MediaError("EINVAL", "Expected JSON as the body of the request", { cause });
  }
  return checked(schema, body);
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

/** An id that reads like a name and that nothing else has: letters, digits, `_` and `-`. */
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

/** Changes with everything about an object, and reveals nothing of it. */
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
export interface Found {
  readonly name: string;
  readonly object: StateObject;
}

/** The id of an object that keeps it beside its name; without one, its name. */
export function idOf(name: string, { note }: StateObject): string {
  return (note as { readonly id?: string } | undefined)?.id ?? name;
}

/** Throws `ENOENT` if there is none; `what`: its kind, for people. */
export function findById(objects: ReadonlyMap<string, StateObject>, id: string, what: string): Found {
  const entry = [...objects].find(([name, object]) => idOf(name, object) === id);
  if (!entry) throw new MediaError("ENOENT", `There is no ${what} with this id.`);
  return { name: entry[0], object: entry[1] };
}

/** What `ifMatch` and the origin of an object forbid. Throws `EFORBIDDEN`, and `EINVAL` with status 409 for another `ETag`. */
export function assertChangeable({ name, object }: Found, what: string, request: RouteRequest): void {
  if (object.fromFile) {
    const text = `${what} is defined by the configuration file of the server and cannot be changed here.`;
    throw new MediaError("EFORBIDDEN", text);
  }
  const wanted = request.header("if-match");
  if (wanted === undefined || wanted.trim() === "*") return;
  const tags = wanted.split(",").map((tag) => tag.trim());
  if (tags.includes(etagOf(name, object))) return;
  throw new MediaError("EINVAL", `${what} was changed by somebody else: read it again.`, { status: 409 });
}

/** Removes an object. */
export function remove(draft: AccountDraft, kind: StateKind, name: string): void {
  delete draft[kind][name];
  delete draft.notes[kind][name];
}

/** A mapping with another key and value in the place of one. */
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

/** All objects of a kind, as clients see them, in the order in which they were made; those of the configuration file first. */
export function answers<T>(
  state: AccountState,
  kind: StateKind,
  answerOf: (name: string, object: StateObject) => T,
): T[] {
  return [...state.objects(kind)].map(([name, object]) => answerOf(name, object));
}
