import { createHmac, randomBytes } from "node:crypto";
import {
  type KeyAccess,
  type KeysApi,
  MediaError,
  type PluginApi,
  type RouteReply,
  type RouteRequest,
} from "@mediatap/core";
import type { ClientAuth, Configuration, IDToken } from "openid-client";
import { z } from "zod";
import { ROOT } from "./assets.ts";
import { cookieIn, cookieOf, isEqual } from "./cookies.ts";

/** Where a sign-in starts; below it, where the provider sends the browser back to. */
const START = `${ROOT}/oidc`;
const CALLBACK = `${START}/callback`;

const COOKIE = "mediatap_oidc";

/** Seconds that a sign-in at the provider may take. */
const SIGN_IN_SECONDS = 600;

/** Seconds for a response of the provider. */
const TIMEOUT_SECONDS = 10;

/** Milliseconds for which the metadata of the provider is valid. */
const DISCOVERY_MS = 3_600_000;

/** Begins the ids of sessions by OpenID Connect; an id of a key contains only letters and digits. */
const PREFIX = "oidc-";

/** Characters of a subject (OpenID Connect Core 1.0, section 2) and of a name. */
const MAX_SUBJECT = 255;
const MAX_NAME = 100;

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Without TLS on this machine only. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  if (username + password + search + hash !== "") return false;
  return protocol === "https:" || (protocol === "http:" && LOOPBACK.has(hostname));
}

const text = (max: number) => z.string().min(1).max(max);

export const oidcSchema = z.strictObject({
  issuer: z.string().refine(isSafeUrl, "Expected https URL"),
  clientId: text(1000),
  // Sessions are sealed by it.
  clientSecret: z.string().min(16).max(1000),
  redirectUri: z
    .string()
    .refine(
      (text) => isSafeUrl(text) && new URL(text).pathname === CALLBACK,
      `Expected https URL with the path ${CALLBACK}`,
    ),
  scope: z
    .string()
    .regex(/^(?:[\x21-\x7e]+ )*openid(?: [\x21-\x7e]+)*$/, "Expected scopes with openid among them")
    .default("openid profile email"),
  roles: z
    .array(
      z.strictObject({
        claim: text(200),
        value: text(1000),
        role: z.enum(["read", "operate", "configure"]),
        tenant: z.string().default(""),
      }),
    )
    .min(1),
});

export type OidcOptions = z.input<typeof oidcSchema>;

interface OidcParts extends Pick<PluginApi, "logger"> {
  readonly keys: KeysApi;
}

/** What the id of a session contains of a person: index of the rule in `roles`, subject, name. */
const identity = z.tuple([z.int().nonnegative(), text(MAX_SUBJECT), text(MAX_NAME)]);
type Identity = z.infer<typeof identity>;

export type Oidc = ReturnType<typeof createOidc>;

/**
 * Sign-in by OpenID Connect: authorization code flow with PKCE, state and nonce. Nothing is stored: all three are derived from a random
 * cookie and a secret, which in turn depends on the client secret and the rules. Other rules end all sessions.
 */
export function createOidc(options: z.output<typeof oidcSchema>, { keys, logger }: OidcParts) {
  const { issuer, clientId, clientSecret, redirectUri, scope, roles } = options;
  const purpose = JSON.stringify(["mediatap console", issuer, clientId, roles]);
  const secret = createHmac("sha256", clientSecret).update(purpose).digest();
  const seal: KeyAccess["seal"] = (text) => createHmac("sha256", secret).update(text).digest("base64url");
  const isSecure = redirectUri.startsWith("https:");
  let known: { readonly provider: ReturnType<typeof discover>; readonly until: number } | undefined;

  async function discover() {
    const client = await import("openid-client");
    const [post, basic] = [client.ClientSecretPost(clientSecret), client.ClientSecretBasic(clientSecret)];
    // Without the field, a provider supports only Basic (OpenID Connect Discovery 1.0, section 3).
    const auth: ClientAuth = (server, ...more) =>
      (server.token_endpoint_auth_methods_supported?.includes("client_secret_post") ? post : basic)(
        server,
        ...more,
      );
    const config = await client.discovery(new URL(issuer), clientId, undefined, auth, {
      timeout: TIMEOUT_SECONDS,
      // The signature of the ID token is checked, too, though it comes directly from the provider.
      execute: [
        client.enableNonRepudiationChecks,
        ...(issuer.startsWith("http:") ? [client.allowInsecureRequests] : []),
      ],
    });
    return { client, config };
  }

  /** The provider's metadata; a failure is not stored. Throws `EBUSY` if it does not respond. */
  async function provider() {
    if (known === undefined || known.until < performance.now()) {
      known = { provider: discover(), until: performance.now() + DISCOVERY_MS };
    }
    const current = known;
    try {
      return await current.provider;
    } catch (error) {
      if (known === current) known = undefined;
      throw unavailable(error);
    }
  }

  function unavailable(error: unknown): MediaError {
    logger.warn({ issuer, ...reasonOf(error) }, "the OpenID Connect provider is not available");
    const options = { retryAfterSeconds: TIMEOUT_SECONDS };
    return new MediaError(
      "EBUSY",
      "The sign-in provider is not available. Try again later, or sign in with a key.",
      options,
    );
  }

  const checksOf = (flow: string) => ({
    expectedState: seal(`state.${flow}`),
    expectedNonce: seal(`nonce.${flow}`),
    pkceCodeVerifier: seal(`verifier.${flow}`),
  });

  async function claimsOf(
    { client, config }: { client: typeof import("openid-client"); config: Configuration },
    query: URLSearchParams,
    checks: ReturnType<typeof checksOf>,
  ): Promise<IDToken> {
    const url = new URL(redirectUri);
    url.search = query.toString();
    try {
      const tokens = await client.authorizationCodeGrant(config, url, { ...checks, idTokenExpected: true });
      return tokens.claims() as IDToken;
    } catch (error) {
      if (isUnavailable(error)) throw unavailable(error);
      logger.warn({ issuer, ...reasonOf(error) }, "a sign-in by OpenID Connect failed");
      throw new MediaError("ESIGNATURE", "The sign-in provider did not confirm this sign-in. Sign in again.");
    }
  }

  /** The first rule that matches; `-1`: none. */
  function ruleOf(claims: IDToken): number {
    return roles.findIndex(({ claim, value }) => {
      // Whoever may enter any address at the provider would get the role of its owner.
      if (claim === "email" && claims.email_verified !== true) return false;
      const own: unknown = claims[claim];
      return Array.isArray(own) ? own.includes(value) : own === value;
    });
  }

  /** What the id of a session opens. `undefined`: it is not an id of this sign-in, or its account is not there any more. */
  function find(id: string, ip: string): KeyAccess | undefined {
    const person = identityOf(id);
    const rule = person && roles[person[0]];
    if (!rule) return undefined;
    const [, subject, name] = person;
    const access = keys.person({ id: `oidc:${subject}`, name, role: rule.role, tenant: rule.tenant }, ip);
    return access && { ...access, id, name, seal };
  }

  return {
    /** Host of the provider, for people. */
    provider: new URL(issuer).host,
    tenants: roles.map(({ tenant }) => tenant),
    isOwn: (id: string) => id.startsWith(PREFIX),
    find,
    isSecure,
    /** Sends the browser to the provider. */
    async start(): Promise<RouteReply> {
      const { client, config } = await provider();
      const flow = `${randomBytes(16).toString("base64url")}.${Math.floor(Date.now() / 1000) + SIGN_IN_SECONDS}`;
      const { expectedState, expectedNonce, pkceCodeVerifier } = checksOf(flow);
      const location = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope,
        state: expectedState,
        nonce: expectedNonce,
        code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: "S256",
      });
      // Lax: the provider, another site, sends the browser back.
      const cookie = { path: START, lifetime: SIGN_IN_SECONDS, sameSite: "Lax", isSecure } as const;
      return redirect(location.href, cookieOf(COOKIE, flow, cookie));
    },
    /**
     * What is opened to somebody whom the provider sends back. Throws `EEXPIRED` for a sign-in that took too long or that this browser
     * did not start, `ESIGNATURE` for one that the provider does not confirm, `EFORBIDDEN` for another state and for a person without a role.
     */
    async finish(request: RouteRequest): Promise<KeyAccess> {
      const flow = cookieIn(request, COOKIE, "[\\w-]{22}\\.\\d{1,12}");
      const expires = Number(flow?.split(".")[1] ?? 0);
      if (flow === undefined || expires * 1000 <= Date.now()) {
        throw new MediaError("EEXPIRED", "This sign-in has expired, or another browser has started it.");
      }
      const checks = checksOf(flow);
      if (!isEqual(request.query.get("state") ?? "", checks.expectedState)) {
        throw new MediaError(
          "EFORBIDDEN",
          "Expected the state of the sign-in that this browser has started.",
        );
      }
      const claims = await claimsOf(await provider(), request.query, checks);
      const [subject, name] = [claims.sub, nameOf(claims)];
      const text = JSON.stringify([ruleOf(claims), subject, name] satisfies Identity);
      const id = PREFIX + Buffer.from(text).toString("base64url");
      const access = find(id, request.ip);
      if (!access) {
        logger.warn({ issuer, subject, name, address: request.ip }, "a person without a role was refused");
        throw new MediaError("EFORBIDDEN", "You have no role on this server. Ask whoever operates it.");
      }
      return access;
    },
  };
}

function identityOf(id: string): Identity | undefined {
  try {
    const text = Buffer.from(id.slice(PREFIX.length), "base64url").toString("utf8");
    return identity.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** For people. The e-mail address comes first: at some providers people choose their other names themselves. */
function nameOf({ email, email_verified, preferred_username, name, sub }: IDToken): string {
  const names = [email_verified === true && email, preferred_username, name, sub].map((one) =>
    typeof one === "string" ? one.replace(/\p{C}/gu, "").trim().slice(0, MAX_NAME).toWellFormed() : "",
  );
  return names.find((one) => one !== "") ?? "";
}

/** No response, or a failure of the provider. */
function isUnavailable(error: unknown): boolean {
  const { code, status, cause } = error as { code?: unknown; status?: unknown; cause?: unknown };
  // `fetch` fails with a `TypeError` without a code, the library with one.
  if (error instanceof TypeError) return code === undefined;
  const received = cause instanceof Response ? cause.status : Number(status);
  return code === "OAUTH_TIMEOUT" || received >= 500;
}

/** For the log: neither tokens nor codes. */
function reasonOf(error: unknown) {
  const { code, message, error: refusal, cause } = error as Record<string, unknown>;
  return { code, reason: message, refusal, cause: cause instanceof Error ? cause.message : undefined };
}

export function redirect(location: string, cookie: string): RouteReply {
  return { status: 302, headers: { location, "cache-control": "no-store", "set-cookie": cookie } };
}
