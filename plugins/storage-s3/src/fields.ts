import { canonicalFields, objectPrefix } from "@mediatap/core";
import { z } from "zod";

/** Fields of an origin of type `S3`. */
export type S3Options = z.input<typeof s3>;
/** Fields of an origin of type `S3_COMPATIBLE`. */
export type S3CompatibleOptions = z.input<typeof s3Compatible>;
/** Fields of an origin of type `CLOUDINARY_BACKUP`. */
export type CloudinaryBackupOptions = z.input<typeof cloudinaryBackup>;

/** Where the objects of an origin lie, and how to ask for them: what the fields of all types come to. */
export interface Place {
  readonly bucket: string;
  /** What all keys begin with, its slash included. */
  readonly prefix: string;
  readonly region: string;
  /** Left out: Amazon's, by the region. */
  readonly endpoint: string | undefined;
  readonly pathStyle: boolean;
  readonly requesterPays: boolean;
  /** Left out: what the environment, the SDK's files or the machine's role provide. */
  readonly keys:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
    | undefined;
  readonly includeCanonicalHeader: boolean;
  readonly baseUrlForCanonicalHeader?: string | undefined;
}

const address = z
  .string()
  .refine((text) => /^https?:$/.test(URL.parse(text)?.protocol ?? "") && !/[?#\s\\@]/.test(text), {
    error: "Expected an http or https URL without user, query and fragment",
  });
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
    useIAMRole: z.boolean().default(false),
    /** Another address than Amazon's public ones. */
    endpoint: address.optional(),
    /** Agree to pay for requests, where the bucket's owner does not. @default false */
    requesterPays: z.boolean().default(false),
  })
  .refine(({ accessKey, secretKey }) => (accessKey === undefined) === (secretKey === undefined), {
    error: "Expected accessKey and secretKey together",
    path: ["accessKey"],
  })
  .refine(({ sessionToken, accessKey }) => sessionToken === undefined || accessKey !== undefined, {
    error: "Expected sessionToken only beside accessKey and secretKey",
    path: ["sessionToken"],
  })
  .transform(({ useIAMRole, ...fields }) =>
    placeOf(useIAMRole ? { ...fields, accessKey: undefined } : fields),
  );

export const s3Compatible = z
  .strictObject({ ...common, accessKey: text, secretKey: text, endpoint: address })
  .transform(placeOf);

export const cloudinaryBackup = z
  .strictObject({ ...common, accessKey: text, secretKey: text, endpoint: address.optional() })
  .transform(placeOf);

interface Fields extends Pick<Place, "bucket" | "prefix" | "region" | "includeCanonicalHeader"> {
  readonly baseUrlForCanonicalHeader?: string | undefined;
  readonly s3ForcePathStyle: boolean;
  readonly accessKey?: string | undefined;
  readonly secretKey?: string | undefined;
  readonly sessionToken?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly requesterPays?: boolean;
}

function placeOf(fields: Fields): Place {
  const {
    accessKey,
    secretKey,
    sessionToken,
    s3ForcePathStyle,
    endpoint,
    requesterPays = false,
    ...rest
  } = fields;
  const keys =
    accessKey === undefined || secretKey === undefined
      ? undefined
      : {
          accessKeyId: accessKey,
          secretAccessKey: secretKey,
          ...(sessionToken !== undefined && { sessionToken }),
        };
  return { ...rest, endpoint, pathStyle: s3ForcePathStyle, requesterPays, keys };
}
