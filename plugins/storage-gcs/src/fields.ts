import { createPrivateKey } from "node:crypto";
import { parseOptions } from "@mediatap/core";
import { canonicalFields, httpUrl, type OriginConfig, objectPrefix } from "@mediatap/core/storage";
import { z } from "zod";

const schema = z
  .strictObject({
    /** Name of the bucket; those of Firebase are buckets like any other (`shop.firebasestorage.app`). */
    bucket: z.string().regex(/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/, {
      error:
        "Expected the name of a bucket, without gs:// and slashes, of 3 to 222 lower-case letters, digits, dots, hyphens and underscores,",
    }),
    /** `client_email` of the service account's key file. Left out: application default credentials. */
    clientEmail: z
      .string()
      .regex(/^[^\s@]+@[^\s@]+$/, { error: "Expected the e-mail address of a service account" })
      .optional(),
    /** `private_key` of the key file, in PEM; its line breaks may be written `\n`, as environment files have them. */
    privateKey: z
      .string()
      .transform((text) => text.replaceAll("\\n", "\n"))
      .refine(isPrivateKey, { error: "Expected a private RSA key in PEM" })
      .optional(),
    /** Begins each object's name. @default "" */
    prefix: objectPrefix,
    /** Ask without credentials: a public bucket, or an emulator. @default false */
    anonymous: z.boolean().default(false),
    /** Address of the service: an emulator's, or that of a private or regional endpoint. */
    endpoint: httpUrl.default("https://storage.googleapis.com"),
    /** `token_uri` of the key file: where a service account's signature is exchanged for a token. */
    tokenUri: httpUrl.default("https://oauth2.googleapis.com/token"),
    ...canonicalFields,
  })
  .refine(({ clientEmail, privateKey }) => (clientEmail === undefined) === (privateKey === undefined), {
    error: "Expected clientEmail and privateKey together",
    path: ["clientEmail"],
  })
  .refine(({ anonymous, privateKey }) => !anonymous || privateKey === undefined, {
    error: "Expected anonymous or privateKey, not both,",
    path: ["anonymous"],
  });

/** Fields of an origin of type `GCS`. */
export type GcsOptions = z.input<typeof schema>;

/** The fields, checked and with their defaults. */
export type Fields = z.output<typeof schema>;

/** Throws `ECONFIG`. */
export function fieldsOf({ name, options }: OriginConfig): Fields {
  return parseOptions(schema, options, `origins.${name}`);
}

function isPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}
