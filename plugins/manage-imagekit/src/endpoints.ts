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
  MAX_TEXT,
  newId,
  objectsIn,
  remove,
  renamed,
} from "./objects.ts";

const PATH = "/v1/accounts/url-endpoints";

/** Name and id of the endpoint without a prefix. */
const DEFAULT = "default";

const rewriter = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("CLOUDINARY"),
    preserveAssetDeliveryTypes: z.boolean().default(false),
  }),
  z.strictObject({ type: z.literal("IMGIX") }),
  z.strictObject({ type: z.literal("AKAMAI") }),
]);

/** Origins of an endpoint. */
const MAX_ORIGINS = 100;

const schema = z.strictObject({
  description: z.string().max(1000),
  origins: z
    .array(z.string().max(MAX_TEXT))
    .min(1, "Expected the id of at least one origin")
    .max(MAX_ORIGINS),
  urlPrefix: z
    .string()
    .regex(/^(?!-$)[A-Za-z0-9-]{0,100}$/, "Expected up to 100 letters, digits and hyphens")
    .refine((name) => name !== DEFAULT, "Expected an empty text for the default endpoint")
    .default(""),
  urlRewriter: rewriter.optional(),
});

interface Note {
  readonly id: string;
  readonly description: string;
  /** Stored, and not applied. */
  readonly urlRewriter?: z.output<typeof rewriter>;
}

/** Adds the calls of `accounts.urlEndpoints`. */
export function addEndpoints({ manage }: Pick<PluginApi, "manage">): void {
  manage("GET", PATH, list, { atRoot: true });
  manage("POST", PATH, create, { atRoot: true });
  manage("GET", `${PATH}/:id`, get, { atRoot: true });
  manage("PUT", `${PATH}/:id`, update, { atRoot: true });
  manage("DELETE", `${PATH}/:id`, del, { atRoot: true });
}

const list: CallHandler = (_request, _, rights) => ({ body: answers(rights.state(), "endpoints", answerOf) });

const get: CallHandler = ({ params: { id = "" } }, _, rights) => reply(200, rights.state(), id);

const create: CallHandler = async (request, _, rights) => {
  const state = rights.state();
  const { urlPrefix, ...body } = await bodyOf(request, schema);
  const id = await state.change(`create the URL endpoint ${urlPrefix || DEFAULT}`, (draft) => {
    const endpoints = objectsIn(draft, "endpoints");
    const name = urlPrefix || DEFAULT;
    assertFree(endpoints, name);
    assertRoom(endpoints, "URL endpoints");
    const id = newId(
      name,
      [...endpoints].map(([name, object]) => idOf(name, object)),
      "endpoint",
    );
    draft.endpoints[name] = { origins: body.origins };
    draft.notes.endpoints[name] = noteOf(id, body);
    return id;
  });
  return reply(201, state, id);
};

const update: CallHandler = async (request, _, rights) => {
  const { id = "" } = request.params;
  const state = rights.state();
  const { urlPrefix, ...body } = await bodyOf(request, schema);
  await state.change(`change the URL endpoint ${id}`, (draft) => {
    const endpoints = objectsIn(draft, "endpoints");
    const found = findById(endpoints, id, "URL endpoint");
    assertChangeable(found, "The URL endpoint", request);
    const name = urlPrefix || DEFAULT;
    if (name !== found.name) {
      if (found.name === DEFAULT || name === DEFAULT) {
        throw new MediaError(
          "EINVAL",
          "urlPrefix: Expected the prefix of the default endpoint to stay empty",
        );
      }
      assertFree(endpoints, name);
    }
    const { origins: _, ...more } = found.object.fields;
    draft.endpoints = renamed(draft.endpoints, found.name, name, { ...more, origins: body.origins });
    draft.notes.endpoints = renamed(draft.notes.endpoints, found.name, name, noteOf(id, body));
  });
  return reply(200, state, id);
};

const del: CallHandler = async (request, _, rights) => {
  const { id = "" } = request.params;
  await rights.state().change(`delete the URL endpoint ${id}`, (draft) => {
    const found = findById(objectsIn(draft, "endpoints"), id, "URL endpoint");
    if (found.name === DEFAULT) {
      throw new MediaError("EINVAL", "The default URL endpoint cannot be deleted.");
    }
    assertChangeable(found, "The URL endpoint", request);
    remove(draft, "endpoints", found.name);
  });
  return { status: 204, body: undefined };
};

type Body = Omit<z.output<typeof schema>, "urlPrefix">;

function noteOf(id: string, { description, urlRewriter }: Body): Note {
  return { id, description, ...(urlRewriter && { urlRewriter }) };
}

function assertFree(endpoints: ReadonlyMap<string, StateObject>, name: string): void {
  if (!endpoints.has(name)) return;
  const what = name === DEFAULT ? "default URL endpoint" : `URL endpoint with the prefix ${name}`;
  throw new MediaError("EINVAL", `urlPrefix: There is a ${what} already.`);
}

function reply(status: number, state: AccountState, id: string) {
  const { name, object } = findById(state.objects("endpoints"), id, "URL endpoint");
  return { status, headers: { ETag: etagOf(name, object) }, body: answerOf(name, object) };
}

function answerOf(name: string, object: StateObject) {
  const { description = "", urlRewriter } = (object.note ?? {}) as Partial<Note>;
  return {
    id: idOf(name, object),
    description,
    origins: object.fields.origins ?? [],
    urlPrefix: name === DEFAULT ? "" : name,
    ...(urlRewriter && { urlRewriter }),
    ...(object.fromFile && { readOnly: true }),
  };
}
