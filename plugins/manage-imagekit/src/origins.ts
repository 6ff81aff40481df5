import { type Endpoint, MediaError } from "@mediatap/core";
import type { StateObject } from "@mediatap/core/state";
import { z } from "zod";
import { assertRoom, checked, MAX_TEXT, newId, type ObjectsOf, objectsIn } from "./objects.ts";

const text = z.string().min(1).max(MAX_TEXT);
/** A secret; an update that leaves it out keeps the one that is stored. */
const secret = z.string().max(10_000);

const common = {
  name: text.max(200),
  includeCanonicalHeader: z.boolean().default(false),
  baseUrlForCanonicalHeader: z.string().max(MAX_TEXT).optional(),
};
const prefix = z.string().max(MAX_TEXT).default("");
const keys = { accessKey: secret.optional(), secretKey: secret.optional() };

/** How an origin of a type is written in a request; the storage plugin of the type checks the rest. */
interface Type {
  readonly fields: z.ZodObject;
  /** Fields that are secret, and needed. */
  readonly secrets: readonly string[];
  /** The field that decides which server the secrets are sent to. Left out: they are not sent, or always to the same one. */
  readonly recipient?: string;
  /** Fields of answers, with what they are if they were left out. */
  readonly shown: Readonly<Record<string, unknown>>;
}

const s3: Type = {
  fields: z.strictObject({ bucket: text, prefix, useIAMRole: z.boolean().optional(), ...keys }),
  secrets: ["accessKey", "secretKey"],
  shown: { bucket: "", prefix: "", useIAMRole: false },
};

const TYPES: Readonly<Record<string, Type>> = {
  S3: s3,
  CLOUDINARY_BACKUP: s3,
  S3_COMPATIBLE: {
    fields: z.strictObject({
      ...{ bucket: text, endpoint: text, prefix, s3ForcePathStyle: z.boolean().default(false) },
      ...keys,
    }),
    secrets: ["accessKey", "secretKey"],
    shown: { bucket: "", endpoint: "", prefix: "", s3ForcePathStyle: false },
  },
  WEB_FOLDER: {
    fields: z.strictObject({ baseUrl: text, forwardHostHeaderToOrigin: z.boolean().default(false) }),
    secrets: [],
    shown: { baseUrl: "", forwardHostHeaderToOrigin: false },
  },
  WEB_PROXY: { fields: z.strictObject({}), secrets: [], shown: {} },
  GCS: {
    fields: z.strictObject({ bucket: text, clientEmail: text, prefix, privateKey: secret.optional() }),
    secrets: ["privateKey"],
    shown: { bucket: "", clientEmail: "", prefix: "" },
  },
  AZURE_BLOB: {
    fields: z.strictObject({ accountName: text, container: text, prefix, sasToken: secret.optional() }),
    secrets: ["sasToken"],
    recipient: "accountName",
    shown: { accountName: "", container: "", prefix: "" },
  },
  AKENEO_PIM: {
    fields: z.strictObject({
      ...{ baseUrl: text, clientId: text, username: text },
      ...{ clientSecret: secret.optional(), password: secret.optional() },
    }),
    secrets: ["clientSecret", "password"],
    recipient: "baseUrl",
    shown: { baseUrl: "" },
  },
};

const typeSchema = z.looseObject({ type: z.enum(Object.keys(TYPES)) });

interface Note {
  readonly name: string;
}

/** `accounts.origins`. */
export const ORIGINS: ObjectsOf = {
  kind: "origins",
  path: "/v1/accounts/origins",
  what: "origin",
  updateMethod: "PUT",
  answerOf,
  create(json, endpoints) {
    const { body, name } = originIn(json, endpoints);
    return {
      comment: `create the origin ${name}`,
      edit(draft) {
        const origins = objectsIn(draft, "origins");
        assertRoom(origins, "origins");
        const id = newId(name, origins.keys(), "origin");
        draft.origins[id] = fieldsOf(body, undefined);
        draft.notes.origins[id] = { name } satisfies Note;
        return id;
      },
    };
  },
  update(id, json, endpoints) {
    const { body, name } = originIn(json, endpoints);
    return {
      comment: `change the origin ${name}`,
      edit(draft, { object }) {
        draft.origins[id] = fieldsOf(body, object);
        draft.notes.origins[id] = { name } satisfies Note;
      },
    };
  },
  assertUnused(draft, { name: id, object }) {
    const user = [...objectsIn(draft, "endpoints")].find(([, { fields }]) =>
      [fields.library, ...((fields.origins ?? []) as unknown[])].includes(id),
    );
    // What the configuration file defines is refused for that reason.
    if (!user || object.fromFile) return;
    const text = `The origin is used by the URL endpoint ${user[0]}: remove it there first.`;
    throw new MediaError("EINVAL", text, { status: 409 });
  },
};

function originIn(json: unknown, endpoints: readonly Endpoint[]) {
  const body = checked(typeSchema, json);
  assertRole(body, endpoints);
  const { name } = checked(z.looseObject(common), body);
  return { body, name };
}

/** The role of the machine opens what belongs to the server, and perhaps to other tenants. */
function assertRole(
  { useIAMRole = false }: z.output<typeof typeSchema>,
  endpoints: readonly Endpoint[],
): void {
  if (useIAMRole === false || endpoints.every(({ tenant }) => tenant === "")) return;
  throw new MediaError(
    "EFORBIDDEN",
    "useIAMRole: only the server's own account can use the role of its machine.",
  );
}

/**
 * The fields of the configuration; secrets that were left out are those of the object before it, if it has the same type and sends them to
 * the same server: otherwise a key could read stored secrets by a server of its own.
 */
function fieldsOf(
  body: z.output<typeof typeSchema>,
  before: StateObject | undefined,
): Readonly<Record<string, unknown>> {
  const { type } = body;
  const { fields: schema, secrets, recipient } = TYPES[type] as Type;
  const { name: _, ...fields } = checked(schema.extend({ ...common, type: z.literal(type) }), body);
  // Both keys are empty if the role of the machine is used.
  const isByRole = fields.useIAMRole === true;
  const isKept =
    before?.fields.type === type &&
    (recipient === undefined || before.fields[recipient] === fields[recipient as keyof typeof fields]);
  const own = secrets.map((secret) => {
    const old = isKept ? before.fields[secret] : undefined;
    const value = isByRole ? undefined : (fields[secret] ?? old);
    // Without it the identity of the machine would be used.
    if (!value && !isByRole) {
      const received = value === undefined ? "it is missing" : "received ''";
      throw new MediaError("EINVAL", `${secret}: Expected string but ${received}`);
    }
    return [secret, value] as const;
  });
  const all = Object.entries({ ...fields, ...Object.fromEntries(own) });
  return Object.fromEntries(
    all.filter(([, value]) => value !== undefined && value !== false && value !== ""),
  );
}

function answerOf(id: string, { fields, fromFile, note }: StateObject) {
  const type = String(fields.type);
  const { name = id } = (note ?? {}) as Partial<Note>;
  const shown = Object.entries(TYPES[type]?.shown ?? {}).map(([field, empty]) => [
    field,
    fields[field] ?? empty,
  ]);
  const { includeCanonicalHeader = false, baseUrlForCanonicalHeader } = fields;
  return {
    id,
    name,
    type,
    ...Object.fromEntries(shown),
    includeCanonicalHeader,
    ...(baseUrlForCanonicalHeader !== undefined && { baseUrlForCanonicalHeader }),
    ...(fromFile && { readOnly: true }),
  };
}
