import { parseOptions } from "@mediatap/core";
import { canonicalFields, httpUrl, type OriginConfig } from "@mediatap/core/storage";
import { z } from "zod";

const schema = z.strictObject({
  /** Address of the PIM; may be a private one, and is trusted for exactly its scheme, host and port. */
  baseUrl: httpUrl,
  /** Id and secret of the connection. The id joins both in a header, so it has no colon (RFC 7617 §2). */
  clientId: z.string().regex(/^[^:]+$/, { error: "Expected a client id without a colon" }),
  clientSecret: z.string().min(1),
  /** User of the connection, who must be allowed to use the API. */
  username: z.string().min(1),
  password: z.string().min(1),
  ...canonicalFields,
});

/** Fields of an origin of type `AKENEO_PIM`. */
export type AkeneoPimOptions = z.input<typeof schema>;

/** The fields, checked and with their defaults. */
export type Fields = z.output<typeof schema>;

/** Throws `ECONFIG`. */
export function fieldsOf({ name, options }: OriginConfig): Fields {
  return parseOptions(schema, options, `origins.${name}`);
}
