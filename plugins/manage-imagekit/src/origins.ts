import { type Endpoint, MediaError } from "@mediatap/core";
import { jsonSchemaOf, type StateObject } from "@mediatap/core/state";
import { z } from "zod";
import { assertRoom, checked, MAX_TEXT, newId, type ObjectsOf, objectsIn } from "./objects.ts";

const text = z.string().min(1).max(MAX_TEXT);
/** A secret; an update without it does not change the stored one. */
const secret = (title: string) => z.string().max(10_000).optional().meta({ title, writeOnly: true });

const common = {
  name: text.max(200).meta({ title: "Name" }),
  includeCanonicalHeader: z.boolean().default(false).meta({
    title: "Canonical header",
    description: "Responses name the address that search engines should know the file by.",
  }),
  baseUrlForCanonicalHeader: z.string().max(MAX_TEXT).optional().meta({
    title: "Base URL of the canonical header",
  }),
};
const bucket = text.meta({ title: "Bucket" });
const prefix = z.string().max(MAX_TEXT).default("").meta({
  title: "Prefix",
  description: "Folder in which all files lie, such as images/2026.",
});
const keys = { accessKey: secret("Access key"), secretKey: secret("Secret key") };

/** The form of an origin of a type in a request; the storage plugin of the type checks the values. */
interface Type {
  /** For people. */
  readonly title: string;
  readonly fields: z.ZodObject;
  /** Fields that are secret, and needed. */
  readonly secrets: readonly string[];
  /** The field that contains the server to which secrets are sent. Left out: they are not sent, or always to the same server. */
  readonly recipient?: string;
  /** Fields of responses, with their defaults. */
  readonly shown: Readonly<Record<string, unknown>>;
}

const s3: Type = {
  title: "Amazon S3",
  fields: z.strictObject({
    bucket,
    prefix,
    useIAMRole: z.boolean().optional().meta({
      title: "Use the IAM role of the machine",
      description: "In place of keys.",
    }),
    ...keys,
  }),
  secrets: ["accessKey", "secretKey"],
  shown: { bucket: "", prefix: "", useIAMRole: false },
};

const TYPES: Readonly<Record<string, Type>> = {
  S3: s3,
  CLOUDINARY_BACKUP: { ...s3, title: "Cloudinary backup" },
  S3_COMPATIBLE: {
    title: "S3-compatible storage",
    fields: z.strictObject({
      endpoint: text.meta({ title: "Endpoint", description: "Such as https://s3.example.com." }),
      bucket,
      prefix,
      s3ForcePathStyle: z.boolean().default(false).meta({
        title: "Bucket in the path",
        description: "The bucket is part of the path instead of the host name.",
      }),
      ...keys,
    }),
    secrets: ["accessKey", "secretKey"],
    shown: { bucket: "", endpoint: "", prefix: "", s3ForcePathStyle: false },
  },
  WEB_FOLDER: {
    title: "Web server",
    fields: z.strictObject({
      baseUrl: text.meta({ title: "Base URL", description: "Such as https://www.example.com/media." }),
      forwardHostHeaderToOrigin: z.boolean().default(false).meta({
        title: "Forward the host name",
        description: "The web server is asked by the host name that the client asked.",
      }),
    }),
    secrets: [],
    shown: { baseUrl: "", forwardHostHeaderToOrigin: false },
  },
  WEB_PROXY: { title: "Web proxy", fields: z.strictObject({}), secrets: [], shown: {} },
  GCS: {
    title: "Google Cloud Storage",
    fields: z.strictObject({
      bucket,
      prefix,
      clientEmail: text.meta({ title: "Client email" }),
      privateKey: secret("Private key"),
    }),
    secrets: ["privateKey"],
    shown: { bucket: "", clientEmail: "", prefix: "" },
  },
  AZURE_BLOB: {
    title: "Azure Blob Storage",
    fields: z.strictObject({
      accountName: text.meta({ title: "Account name" }),
      container: text.meta({ title: "Container" }),
      prefix,
      sasToken: secret("SAS token"),
    }),
    secrets: ["sasToken"],
    recipient: "accountName",
    shown: { accountName: "", container: "", prefix: "" },
  },
  AKENEO_PIM: {
    title: "Akeneo PIM",
    fields: z.strictObject({
      baseUrl: text.meta({ title: "Base URL" }),
      clientId: text.meta({ title: "Client ID" }),
      clientSecret: secret("Client secret"),
      username: text.meta({ title: "User name" }),
      password: secret("Password"),
    }),
    secrets: ["clientSecret", "password"],
    recipient: "baseUrl",
    shown: { baseUrl: "" },
  },
};

const typeSchema = z.looseObject({ type: z.enum(Object.keys(TYPES)) });

const responseSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  type: z.string(),
  includeCanonicalHeader: z.boolean(),
  baseUrlForCanonicalHeader: z.string().optional(),
  readOnly: z.boolean().optional(),
});

interface Note {
  readonly name: string;
}

/** `accounts.origins`. */
export const ORIGINS: ObjectsOf = {
  kind: "origins",
  schemas() {
    const oneOf = Object.values(originSchemas()).map(({ $schema: _, ...schema }) => schema);
    return { create: { oneOf }, update: { oneOf }, response: jsonSchemaOf(responseSchema, "output") };
  },
  path: "/v1/accounts/origins",
  what: "origin",
  updateMethod: "PUT",
  responseOf,
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
    // Objects of the configuration file are refused with that reason.
    if (!user || object.fromFile) return;
    const text = `The origin is used by the URL endpoint ${user[0]}: remove it there first.`;
    throw new MediaError("EINVAL", text, { status: 409 });
  },
};

/** Schemas of requests about an origin, by type: JSON Schema. */
export function originSchemas(): Record<string, Record<string, unknown>> {
  const { name, ...others } = common;
  const entries = Object.entries(TYPES).map(([type, { title, fields }]) => {
    const whole = z.strictObject({ type: z.literal(type), name, ...fields.shape, ...others });
    return [type, z.toJSONSchema(whole.meta({ title }), { io: "input" })];
  });
  return Object.fromEntries(entries);
}

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

function responseOf(id: string, { fields, fromFile, note }: StateObject) {
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
