import {
  createHttpFiles,
  type Fetcher,
  type HttpFilesOptions,
  type OriginConfig,
  parseOptions,
  type Storage,
} from "@mediatap/core";
import { z } from "zod";

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

const webUrl = z.string().refine(isPlainWebUrl, {
  error: "Expected an http or https URL without user, query and fragment",
});

const schema = z
  .strictObject({
    baseUrl: webUrl,
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
    includeCanonicalHeader: z.boolean().default(false),
    baseUrlForCanonicalHeader: webUrl.optional(),
  })
  .refine((fields) => (fields.username === undefined) === (fields.password === undefined), {
    error: "Expected username and password together",
    path: ["username"],
  });

/** The storage of a `WEB_FOLDER` origin. Throws `ECONFIG`. */
export function createWebFolder(origin: OriginConfig, fetcher: Fetcher, settings: HttpFilesOptions): Storage {
  const fields = parseOptions(schema, origin.options, `origins.${origin.name}`);
  const { baseUrl, forwardHostHeaderToOrigin: forwardsHost } = fields;
  const canonicalBase = fields.baseUrlForCanonicalHeader ?? baseUrl;
  const headers = { ...fields.headers };
  if (fields.username !== undefined) {
    headers.authorization = `Basic ${Buffer.from(`${fields.username}:${fields.password}`).toString("base64")}`;
  }
  const files = createHttpFiles(fetcher, settings);
  return {
    label: baseUrl,
    forwardsHost,
    async open(path, options) {
      const encoded = encodePath(path);
      if (encoded === undefined) return undefined;
      const at = { url: join(baseUrl, encoded), headers, trusted: baseUrl };
      const entry = await files.open(
        {
          path,
          ...(forwardsHost && options.host !== undefined && { host: options.host }),
          address: (refusal) => (refusal ? undefined : at),
        },
        options,
      );
      if (!fields.includeCanonicalHeader || typeof entry !== "object") return entry;
      return { ...entry, canonical: join(canonicalBase, encoded) };
    },
  };
}

/** A path as it stands in a URL, encoded segment by segment; `undefined` for one that no server should be asked for. */
function encodePath(path: string): string | undefined {
  const segments = path.split("/");
  if (!path.isWellFormed() || segments.some((segment) => ["", ".", ".."].includes(segment))) return undefined;
  return segments.map(encodeURIComponent).join("/");
}

function join(base: string, encoded: string): string {
  return `${base.replace(/\/+$/, "")}/${encoded}`;
}

function isPlainWebUrl(text: string): boolean {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && !/[?#\s\\]/.test(text);
}
