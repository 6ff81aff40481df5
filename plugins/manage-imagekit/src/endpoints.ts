import { MediaError } from "@mediatap/core";
import { jsonSchemaOf, type StateObject } from "@mediatap/core/state";
import { z } from "zod";
import { assertRoom, checked, idOf, MAX_TEXT, newId, type ObjectsOf, objectsIn, renamed } from "./objects.ts";

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
  urlPrefix: z
    .string()
    .regex(/^(?!-$)[A-Za-z0-9-]{0,100}$/, "Expected up to 100 letters, digits and hyphens")
    .refine((name) => name !== DEFAULT, "Expected an empty text for the default endpoint")
    .default("")
    .meta({ title: "URL prefix", description: "First segment of its URLs; empty for the default endpoint." }),
  description: z.string().max(1000).meta({ title: "Description" }),
  origins: z
    .array(z.string().max(MAX_TEXT))
    .min(1, "Expected the id of at least one origin")
    .max(MAX_ORIGINS)
    .meta({ title: "Origins", description: "In the order in which they are asked for a file." }),
  urlRewriter: rewriter
    .optional()
    .meta({ title: "URL rewriter", description: "Another product whose URLs are taken, too." }),
});

/** JSON Schema of requests about a URL endpoint. */
export const endpointSchema = () => z.toJSONSchema(schema, { io: "input" });

const responseSchema = z.object({
  id: z.string(),
  description: z.string(),
  origins: z.array(z.string()),
  urlPrefix: z.string(),
  urlRewriter: rewriter.optional(),
  readOnly: z.boolean().optional(),
});

interface Note {
  readonly id: string;
  readonly description: string;
}

/** `accounts.urlEndpoints`. */
export const ENDPOINTS: ObjectsOf = {
  kind: "endpoints",
  schemas: () => ({
    create: jsonSchemaOf(schema),
    update: jsonSchemaOf(schema),
    response: jsonSchemaOf(responseSchema, "output"),
  }),
  path: "/v1/accounts/url-endpoints",
  what: "URL endpoint",
  updateMethod: "PUT",
  responseOf,
  create(json) {
    const { urlPrefix, ...body } = checked(schema, json);
    const name = urlPrefix || DEFAULT;
    return {
      comment: `create the URL endpoint ${name}`,
      edit(draft) {
        const endpoints = objectsIn(draft, "endpoints");
        assertFree(endpoints, name);
        assertRoom(endpoints, "URL endpoints");
        const ids = [...endpoints].map(([name, object]) => idOf(name, object));
        const id = newId(name, ids, "endpoint");
        draft.endpoints[name] = fieldsOf(body);
        draft.notes.endpoints[name] = { id, description: body.description } satisfies Note;
        return id;
      },
    };
  },
  update(id, json) {
    const { urlPrefix, ...body } = checked(schema, json);
    const name = urlPrefix || DEFAULT;
    return {
      comment: `change the URL endpoint ${id}`,
      edit(draft, entry) {
        if (name !== entry.name) {
          if (entry.name === DEFAULT || name === DEFAULT) {
            throw new MediaError(
              "EINVAL",
              "urlPrefix: Expected the prefix of the default endpoint to stay empty",
            );
          }
          assertFree(objectsIn(draft, "endpoints"), name);
        }
        const { origins: _, urlRewriter: __, ...more } = entry.object.fields;
        draft.endpoints = renamed(draft.endpoints, entry.name, name, { ...more, ...fieldsOf(body) });
        draft.notes.endpoints = renamed(draft.notes.endpoints, entry.name, name, {
          id,
          description: body.description,
        } satisfies Note);
      },
    };
  },
  assertUnused(_, { name }) {
    if (name !== DEFAULT) return;
    throw new MediaError("EINVAL", "The default URL endpoint cannot be deleted.");
  },
};

type Body = Omit<z.output<typeof schema>, "urlPrefix">;

/** Of the configuration. The rewriter is a field of the URL language. */
const fieldsOf = ({ origins, urlRewriter }: Body) => ({ origins, ...(urlRewriter && { urlRewriter }) });

function assertFree(endpoints: ReadonlyMap<string, StateObject>, name: string): void {
  if (!endpoints.has(name)) return;
  const what = name === DEFAULT ? "default URL endpoint" : `URL endpoint with the prefix ${name}`;
  throw new MediaError("EINVAL", `urlPrefix: There is a ${what} already.`);
}

function responseOf(name: string, object: StateObject) {
  const { description = "" } = (object.note ?? {}) as Partial<Note>;
  const { origins = [], urlRewriter } = object.fields;
  return {
    id: idOf(name, object),
    description,
    origins,
    urlPrefix: name === DEFAULT ? "" : name,
    ...(urlRewriter !== undefined && { urlRewriter }),
    ...(object.fromFile && { readOnly: true }),
  };
}
