import { parseOptions } from "@mediatap/core";
import {
  canonicalFields,
  canonicalOf,
  createHttpFiles,
  type Fetcher,
  type HttpFile,
  type HttpFilesOptions,
  httpUrl,
  keyOf,
  type OriginConfig,
  type Storage,
} from "@mediatap/core/storage";
import { z } from "zod";
import { PRIVATE_HEADERS } from "./private.ts";

/** Fields of an origin of type `WEB_FOLDER`. */
export interface WebFolderOptions {
  /** `http:` or `https:` URL under which the files lie; may be a private address. Without query and user. */
  readonly baseUrl: string;
  /**
   * Ask for files by the host name that the client asked, for servers with sites of several names; the connection goes
   * to the base URL all the same. Files are kept by host, then. @default false
   */
  readonly forwardHostHeaderToOrigin?: boolean | undefined;
  /** Sent with every request to the base URL's host, but not where it redirects to another. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** User and password of HTTP's basic scheme (RFC 7617); both or none. @default none */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Name the canonical address of each file. @default false */
  readonly includeCanonicalHeader?: boolean | undefined;
  /** Base of these addresses. @default baseUrl */
  readonly baseUrlForCanonicalHeader?: string | undefined;
}

/** Names that belong to the protocol or to a single request. */
const RESERVED =
  /^(host|connection|content-length|transfer-encoding|upgrade|te|trailer|expect|accept-encoding|range|if-.*)$/i;

const schema = z
  .strictObject({
    baseUrl: httpUrl,
    forwardHostHeaderToOrigin: z.boolean().default(false),
    headers: z
      .record(
        z.string().refine((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && !RESERVED.test(name), {
          error: "Expected a header name that is not set for each request",
        }),
        z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, { error: "Expected a header value" }),
      )
      .default({}),
    username: z
      .string()
      .regex(/^[^:]*$/, { error: "Expected a name without a colon" })
      .optional(),
    password: z.string().optional(),
    ...canonicalFields,
  })
  .refine((fields) => (fields.username === undefined) === (fields.password === undefined), {
    error: "Expected username and password together",
    path: ["username"],
  });

/** The storage of a `WEB_FOLDER` origin. Throws `ECONFIG`. */
export function createWebFolder(origin: OriginConfig, fetcher: Fetcher, settings: HttpFilesOptions): Storage {
  const fields = parseOptions(schema, origin.options, `origins.${origin.name}`);
  const { baseUrl, forwardHostHeaderToOrigin: forwardsHost } = fields;
  const canonical = { ...fields, baseUrlForCanonicalHeader: fields.baseUrlForCanonicalHeader ?? baseUrl };
  const headers = { ...fields.headers };
  if (fields.username !== undefined) {
    headers.authorization = `Basic ${Buffer.from(`${fields.username}:${fields.password}`).toString("base64")}`;
  }
  const files = createHttpFiles(fetcher, settings);
  return {
    label: baseUrl,
    forwardsHost,
    async open(path, options) {
      if (keyOf("", path, Number.POSITIVE_INFINITY) === undefined) return undefined;
      const url = `${baseUrl}/${path.split("/").map(encodeURIComponent).join("/")}`;
      const at = { url, headers, trusted: baseUrl };
      const file: HttpFile = {
        path,
        privateHeaders: PRIVATE_HEADERS,
        ...canonicalOf(canonical, path),
        ...(forwardsHost && options.host !== undefined && { host: options.host }),
        address: (refusal) => (refusal ? undefined : at),
      };
      return files.open(file, options);
    },
  };
}
