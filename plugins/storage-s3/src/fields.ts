import { canonicalFields, httpUrl, objectPrefix } from "@mediatap/core/storage";
import { z } from "zod";

/** Fields of an origin of type `S3`. */
export type S3Options = z.input<typeof s3>;
/** Fields of an origin of type `S3_COMPATIBLE`. */
export type S3CompatibleOptions = z.input<typeof s3Compatible>;
/** Fields of an origin of type `CLOUDINARY_BACKUP`. */
export type CloudinaryBackupOptions = z.input<typeof cloudinaryBackup>;

/** Fields of an origin, checked and with their defaults: those of `S3`, which has those of all types. */
export type Fields = z.output<typeof s3>;

/** The keys of the configuration; left out: the SDK finds others. */
export function keysOf({ accessKey, secretKey, sessionToken, useIAMRole }: Fields) {
  if (useIAMRole || accessKey === undefined || secretKey === undefined) return undefined;
  return {
    accessKeyId: accessKey,
    secretAccessKey: secretKey,
    ...(sessionToken !== undefined && { sessionToken }),
  };
}

const text = z.string().min(1);

const common = {
  /** Name or access point ARN. */
  bucket: z.string().regex(/^(?:[\w.-]{3,255}|arn:[\w:/.-]{1,500})$/, {
    error:
      "Expected the name of a bucket, without s3:// and slashes, of 3 to 255 letters, digits, dots, hyphens and underscores,",
  }),
  /** Begins each key. @default "" */
  prefix: objectPrefix,
  /** Code of the region; of Amazon's buckets the right one is found by itself. @default "us-east-1" */
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, { error: "Expected a region's code" })
    .default("us-east-1"),
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. @default false */
  s3ForcePathStyle: z.boolean().default(false),
  ...canonicalFields,
};

export const s3 = z
  .strictObject({
    ...common,
    /** Left out, with `secretKey`: what the SDK finds. */
    accessKey: text.optional(),
    secretKey: text.optional(),
    /** Of temporary keys. */
    sessionToken: text.optional(),
    /** Leave keys aside, and use those that the machine's role has. @default false */
    useIAMRole: z.boolean().optional(),
    /** Another address than Amazon's public ones. */
    endpoint: httpUrl.optional(),
    /** Agree to pay for requests, where the bucket's owner does not. @default false */
    requesterPays: z.boolean().optional(),
  })
  .refine(({ accessKey, secretKey }) => (accessKey === undefined) === (secretKey === undefined), {
    error: "Expected accessKey and secretKey together",
    path: ["accessKey"],
  })
  .refine(({ sessionToken, accessKey }) => sessionToken === undefined || accessKey !== undefined, {
    error: "Expected sessionToken only beside accessKey and secretKey",
    path: ["sessionToken"],
  });

const keys = { accessKey: text, secretKey: text };

export const s3Compatible = z.strictObject({ ...common, ...keys, endpoint: httpUrl });

export const cloudinaryBackup = z.strictObject({ ...common, ...keys, endpoint: httpUrl.optional() });
