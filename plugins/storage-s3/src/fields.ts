import { z } from "zod";

/** Fields of an origin of type `S3`. */
export type S3Options = z.input<typeof s3>;
/** Fields of an origin of type `S3_COMPATIBLE`. */
export type S3CompatibleOptions = z.input<typeof s3Compatible>;
/** Fields of an origin of type `CLOUDINARY_BACKUP`. */
export type CloudinaryBackupOptions = z.input<typeof cloudinaryBackup>;

/** Where the objects of an origin lie, and how to ask for them. */
export interface Place {
  readonly bucket: string;
  /** Without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  readonly requesterPays: boolean;
  /** Left out: what the environment, the SDK's files or the machine's role provide. */
  readonly keys:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
    | undefined;
  /** Base of canonical addresses. */
  readonly canonical: string | undefined;
}

const webUrl = z.string().refine(isPlainWebUrl, {
  error: "Expected an http or https URL without user, query and fragment",
});
const text = z.string().min(1);
const NEEDS_BASE = {
  error: "Expected baseUrlForCanonicalHeader beside includeCanonicalHeader",
  path: ["baseUrlForCanonicalHeader"],
};

const common = {
  /** Name or access point ARN. */
  bucket: z.string().regex(/^(?:[\w.-]{3,255}|arn:[\w:/.-]{1,500})$/, { error: "Expected a bucket's name" }),
  /** What all keys begin with. */
  prefix: z
    .string()
    .transform((prefix) => prefix.replace(/^\/+|\/+$/g, ""))
    .refine((prefix) => prefix === "" || isPlainPath(prefix), {
      error: "Expected a path without empty, . and .. segments",
    })
    .default(""),
  /** Code of the region; of S3 itself, another one is found by itself. */
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,32}$/, { error: "Expected a region's code" })
    .default("us-east-1"),
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. */
  s3ForcePathStyle: z.boolean().default(false),
  /** Name the canonical address of each file. */
  includeCanonicalHeader: z.boolean().default(false),
  /** Base of these addresses. */
  baseUrlForCanonicalHeader: webUrl.optional(),
};

export const s3 = z
  .strictObject({
    ...common,
    accessKey: text.optional(),
    secretKey: text.optional(),
    /** Of temporary keys. */
    sessionToken: text.optional(),
    /** Leave keys aside, and use those that the machine's role has. */
    useIAMRole: z.boolean().default(false),
    endpoint: webUrl.optional(),
    /** Agree to pay for requests, where the bucket's owner does not. */
    requesterPays: z.boolean().default(false),
  })
  .refine((fields) => (fields.accessKey === undefined) === (fields.secretKey === undefined), {
    error: "Expected accessKey and secretKey together",
    path: ["accessKey"],
  })
  .refine((fields) => fields.sessionToken === undefined || fields.accessKey !== undefined, {
    error: "Expected sessionToken only beside accessKey and secretKey",
    path: ["sessionToken"],
  })
  .refine(hasCanonicalBase, NEEDS_BASE)
  .transform((fields) => placeOf(fields.useIAMRole ? { ...fields, accessKey: undefined } : fields));

export const s3Compatible = z
  .strictObject({
    ...common,
    accessKey: text,
    secretKey: text,
    endpoint: webUrl,
  })
  .refine(hasCanonicalBase, NEEDS_BASE)
  .transform((fields) => placeOf(fields));

export const cloudinaryBackup = z
  .strictObject({ ...common, accessKey: text, secretKey: text, endpoint: webUrl.optional() })
  .refine(hasCanonicalBase, NEEDS_BASE)
  .transform((fields) => placeOf(fields));

interface Fields {
  readonly bucket: string;
  readonly prefix: string;
  readonly region: string;
  readonly accessKey?: string | undefined;
  readonly secretKey?: string | undefined;
  readonly sessionToken?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly requesterPays?: boolean;
  readonly s3ForcePathStyle: boolean;
  readonly includeCanonicalHeader: boolean;
  readonly baseUrlForCanonicalHeader?: string | undefined;
}

function placeOf(fields: Fields): Place {
  const { accessKey, secretKey, sessionToken } = fields;
  return {
    bucket: fields.bucket,
    prefix: fields.prefix,
    region: fields.region,
    endpoint: fields.endpoint,
    pathStyle: fields.s3ForcePathStyle,
    requesterPays: fields.requesterPays ?? false,
    keys:
      accessKey === undefined || secretKey === undefined
        ? undefined
        : {
            accessKeyId: accessKey,
            secretAccessKey: secretKey,
            ...(sessionToken === undefined ? {} : { sessionToken }),
          },
    canonical: fields.includeCanonicalHeader ? fields.baseUrlForCanonicalHeader : undefined,
  };
}

function hasCanonicalBase(fields: Fields): boolean {
  return !fields.includeCanonicalHeader || fields.baseUrlForCanonicalHeader !== undefined;
}

/** Whether every segment of a path names something below the last. */
export function isPlainPath(path: string): boolean {
  return path.isWellFormed() && !path.split("/").some((segment) => ["", ".", ".."].includes(segment));
}

function isPlainWebUrl(value: string): boolean {
  const url = URL.parse(value);
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && !/[?#\s\\]/.test(value);
}
