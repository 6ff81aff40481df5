import { isMediaError, MediaError } from "@mediatap/core";
import { createTokens, type Fetcher, textOf } from "@mediatap/core/storage";
import type { Fields } from "./fields.ts";
import { MAX_BYTES } from "./responses.ts";

/**
 * The headers that open the bucket. `refresh`: those of the last request were refused. `undefined`: there are no others.
 * Throws `EACCES` where Google knows no such account, and as any origin where it cannot be asked.
 */
export type Access = (refresh: boolean) => Promise<Readonly<Record<string, string>> | undefined>;

/** Reading and writing objects; what an account may really do is its roles' matter. */
const SCOPE = "https://www.googleapis.com/auth/devstorage.read_write";
/** Milliseconds for which a token without an expiry time is used. */
const TOKEN_LIFETIME_MS = 60 * 60_000;

const library = () => import("google-auth-library");

/** `timeout`: milliseconds that a login may take, retries included. */
export function createAccess(fields: Fields, fetcher: Fetcher, timeout?: number): Access {
  const { anonymous, clientEmail, privateKey, tokenUri } = fields;
  if (anonymous) return async (refresh) => (refresh ? undefined : {});
  const login =
    clientEmail !== undefined && privateKey !== undefined
      ? (signal: AbortSignal) =>
          accountLogin(clientEmail, privateKey, tokenUri, fetchBy(fetcher, tokenUri, signal))
      : defaultLogin;
  const tokens = createTokens(async (signal) => {
    try {
      const { text, expires } = await login(signal);
      if (!text) throw new Error("a login without a token");
      return { text, expires: expires ?? Date.now() + TOKEN_LIFETIME_MS };
    } catch (error) {
      throw loginFailureOf(error);
    }
  }, timeout);
  return async (refresh) => ({ authorization: `Bearer ${await tokens(refresh)}` });
}

interface Login {
  readonly text: string | null | undefined;
  readonly expires: number | null | undefined;
}

/** A service account: a signed claim is exchanged for a token (RFC 7523), through the guarded fetcher. */
async function accountLogin(
  email: string,
  key: string,
  tokenUri: string,
  fetchImplementation: typeof fetch,
): Promise<Login> {
  const { JWT } = await library();
  const client = new JWT({
    email,
    key,
    scopes: [SCOPE],
    additionalClaims: { aud: tokenUri },
    transporterOptions: { fetchImplementation },
  });
  const { access_token, expiry_date } = await client.authorize();
  return { text: access_token, expires: expiry_date };
}

/** What the machine offers: `GOOGLE_APPLICATION_CREDENTIALS`, a developer's login, the metadata server. */
async function defaultLogin(): Promise<Login> {
  const { GoogleAuth } = await library();
  const client = await new GoogleAuth({ scopes: [SCOPE] }).getClient();
  const { token } = await client.getAccessToken();
  return { text: token, expires: client.credentials.expiry_date };
}

/** `fetch` for one login of the library's, which is always made at `address`. */
function fetchBy(fetcher: Fetcher, address: string, signal: AbortSignal): typeof fetch {
  return async (_, init) => {
    const request = new Request(address, init);
    const response = await fetcher.fetch(address, {
      method: "POST",
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
      trusted: address,
      signal,
    });
    return new Response(await textOf(response, MAX_BYTES), {
      status: response.status,
      headers: response.headers,
    });
  };
}

/** What a login's failure means: of ours, of the way to Google, of Google. */
function loginFailureOf(error: unknown): MediaError {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isMediaError(cause)) return cause;
  }
  // Of the library's own requests, which have a `config`.
  const { response, config } = error as { response?: { status: number }; config?: unknown };
  if (config !== undefined && response === undefined) {
    return new MediaError("ECONNREFUSED", "The origin could not be reached", { cause: error, outage: true });
  }
  if (response && (response.status === 429 || response.status >= 500)) {
    return new MediaError("UNIDENTIFIED", `The origin responded with status ${response.status}`, {
      cause: error,
      outage: true,
    });
  }
  return new MediaError("EACCES", "The server has no credentials for the origin", { cause: error });
}
