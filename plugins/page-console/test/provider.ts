import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const CLIENT_ID = "mediatap";
export const CLIENT_SECRET = "dummy-client-secret-0123456789";

/** A small OpenID Connect provider: whoever comes is signed in at once, with the claims that a test sets. */
export interface Provider {
  readonly issuer: string;
  /** Of the next person. */
  claims: Record<string, unknown>;
  /** In place of the nonce of the next request. */
  nonce: string | undefined;
  /** Its key is not the published one. */
  isForged: boolean;
  /** Every response is 500. */
  isAway: boolean;
  /** Codes are not valid any more. */
  expireCodes(): void;
  /** Paths of the requests so far. */
  readonly requests: string[];
  /** Body of the last request for tokens. */
  readonly lastToken: URLSearchParams | undefined;
  close(): Promise<void>;
}

const newKey = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

export async function startProvider(): Promise<Provider> {
  const [key, other] = [newKey(), newKey()];
  const codes = new Map<string, URLSearchParams>();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "", own.issuer);
    own.requests.push(url.pathname);
    if (own.isAway) return response.writeHead(500).end();
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return reply(response, {
          issuer: own.issuer,
          authorization_endpoint: `${own.issuer}/authorize`,
          token_endpoint: `${own.issuer}/token`,
          jwks_uri: `${own.issuer}/jwks`,
          response_types_supported: ["code"],
          subject_types_supported: ["public"],
          id_token_signing_alg_values_supported: ["RS256"],
          code_challenge_methods_supported: ["S256"],
        });
      case "/jwks":
        return reply(response, {
          keys: [{ ...key.publicKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: "RS256" }],
        });
      case "/authorize": {
        const code = randomBytes(8).toString("hex");
        codes.set(code, url.searchParams);
        const back = new URL(url.searchParams.get("redirect_uri") ?? "");
        back.search = String(new URLSearchParams({ code, state: url.searchParams.get("state") ?? "" }));
        return response.writeHead(302, { location: back.href }).end();
      }
      case "/token": {
        const body = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
        own.lastToken = body;
        const asked = codes.get(body.get("code") ?? "");
        codes.delete(body.get("code") ?? "");
        const challenge = createHash("sha256")
          .update(body.get("code_verifier") ?? "")
          .digest("base64url");
        const credentials = Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`.replaceAll("-", "%2D"));
        if (request.headers.authorization !== `Basic ${credentials.toString("base64")}`) {
          return reply(response, { error: "invalid_client" }, 401);
        }
        if (
          asked?.get("client_id") !== CLIENT_ID ||
          asked.get("code_challenge") !== challenge ||
          asked.get("redirect_uri") !== body.get("redirect_uri")
        ) {
          return reply(response, { error: "invalid_grant" }, 400);
        }
        const now = Math.floor(Date.now() / 1000);
        const claims = {
          ...{ iss: own.issuer, aud: CLIENT_ID, iat: now, exp: now + 300 },
          nonce: own.nonce ?? asked.get("nonce"),
          ...own.claims,
        };
        const text = `${base64url({ alg: "RS256", kid: "one" })}.${base64url(claims)}`;
        const { privateKey } = own.isForged ? other : key;
        const signature = sign("sha256", Buffer.from(text), privateKey).toString("base64url");
        return reply(response, {
          access_token: "access-token",
          token_type: "Bearer",
          expires_in: 300,
          id_token: `${text}.${signature}`,
        });
      }
      default:
        return response.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const own = {
    // Another site than 127.0.0.1, where the console is.
    issuer: `http://localhost:${(server.address() as AddressInfo).port}`,
    claims: {} as Record<string, unknown>,
    nonce: undefined as string | undefined,
    isForged: false,
    isAway: false,
    requests: [] as string[],
    lastToken: undefined as URLSearchParams | undefined,
    expireCodes: () => codes.clear(),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return own;
}

function reply(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
