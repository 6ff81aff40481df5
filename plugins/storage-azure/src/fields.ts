import { parseOptions } from "@mediatap/core";
import { canonicalFields, httpUrl, keyOf, type OriginConfig, objectPrefix } from "@mediatap/core/storage";
import { z } from "zod";

const schema = z
  .strictObject({
    /** Name of the storage account. */
    accountName: z.string().regex(/^[a-z0-9-]{3,63}$/, {
      error: "Expected 3 to 63 lower-case letters, digits and -",
    }),
    container: z.string().regex(/^(\$root|\$web|(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9])$/, {
      error: "Expected the name of a container, of 3 to 63 lower-case letters, digits and single hyphens,",
    }),
    /** Shared access signature that may read the container; the `?` in front may be left out. */
    sasToken: z
      .string()
      .regex(/^\??[\w.~%&=+/:,*-]*\bsig=[\w.~%+/=&:,*-]+$/, {
        error: "Expected a SAS token with a signature",
      })
      .transform((token) => token.replace(/^\?/, ""))
      .optional(),
    /** Key of the account, in base64. */
    accountKey: z.base64({ error: "Expected an account key in base64" }).min(1).optional(),
    /** Begins each blob's name. @default "" */
    prefix: objectPrefix,
    /**
     * Address of the account at an emulator or a private cloud. A bare IP address or `localhost` is followed by the
     * account's name, as Azurite wants it. @default "https://<accountName>.blob.core.windows.net"
     */
    endpoint: httpUrl.optional(),
    ...canonicalFields,
  })
  .refine(({ sasToken, accountKey }) => sasToken === undefined || accountKey === undefined, {
    error: "Expected sasToken or accountKey, not both,",
    path: ["accountKey"],
  });

/** Fields of an origin of type `AZURE_BLOB`. */
export type AzureBlobOptions = z.input<typeof schema>;

/** The fields, checked and with their defaults. */
export type Fields = z.output<typeof schema>;

/** Throws `ECONFIG`. */
export function fieldsOf({ name, options }: OriginConfig): Fields {
  return parseOptions(schema, options, `origins.${name}`);
}

/** Address of the container, without a slash at the end. */
export function containerUrl({ accountName, container, endpoint }: Fields): string {
  if (endpoint === undefined) return `https://${accountName}.blob.core.windows.net/${container}`;
  const { hostname, pathname } = new URL(endpoint);
  const isBare = pathname === "/" && /^(localhost|[\d.]+|\[.*\])$/.test(hostname);
  return `${isBare ? `${endpoint}/${accountName}` : endpoint}/${container}`;
}

/**
 * The name of the blob of a path; `undefined` for one that no blob can have. Names have 1024 characters and 254 segments
 * at most, and Azure takes `\` in them for `/` ("Naming and Referencing Containers, Blobs, and Metadata").
 */
export function blobName(prefix: string, path: string): string | undefined {
  const name = keyOf(prefix, path, Number.POSITIVE_INFINITY);
  if (name === undefined || name.length > 1024 || name.includes("\\")) return undefined;
  return name.split("/").length <= 254 ? name : undefined;
}
