import { randomBytes } from "node:crypto";
import {
  type CallRights,
  type Endpoint,
  isLocal,
  type KeyAccess,
  type KeysApi,
  MediaError,
  type RouteRequest,
} from "@mediatap/core";
import { ROOT } from "./assets.ts";
import { cookieIn, cookieOf, isEqual } from "./cookies.ts";
import type { Oidc } from "./oidc.ts";

const COOKIE = "mediatap_console";

/** Seconds for which a sign-in is valid. */
const SESSION_LIFETIME_SECONDS = 12 * 3600;

/** Header of requests that change something: another site can neither read the token nor send the header. */
const CSRF_HEADER = "x-csrf-token";

/** Where nobody signs in there is no secret to derive a token from; the header alone keeps other sites out. */
const OPEN_TOKEN = "open";

/** Who uses the console. */
export interface Session {
  readonly endpoints: readonly Endpoint[];
  readonly rights: CallRights;
  readonly call: KeyAccess["call"];
  readonly csrf: string;
  /** By a key or by OpenID Connect. Otherwise the console is open to this machine. */
  readonly isSignedIn: boolean;
  /** Name of whoever has signed in by OpenID Connect. */
  readonly person?: string;
}

export interface SessionsOptions {
  readonly keys: KeysApi;
  /** Open to this machine and its network without a key. */
  readonly open: boolean;
  /** Left out: only keys open the console. */
  readonly oidc?: Oidc | undefined;
}

export type Sessions = ReturnType<typeof createSessions>;

/**
 * Sign-ins without a store: the cookie contains the id of a key or a person, a time and a random number, sealed by the key or the client
 * secret. Every process with the same configuration can check it, and it is void once there is no such key or rule any more.
 */
export function createSessions({ keys, open, oidc }: SessionsOptions) {
  const accessOf = async (id: string, ip: string): Promise<KeyAccess | undefined> =>
    oidc?.isOwn(id) ? oidc.find(id, ip) : await keys.find(id, ip);

  function sessionOf({ id, name, endpoints, rights, call, seal }: KeyAccess, nonce: string): Session {
    const person = oidc?.isOwn(id) ? { person: name } : {};
    return { endpoints, rights, call, csrf: seal(`csrf.${nonce}`), isSignedIn: true, ...person };
  }

  /** A new session, and its cookie. */
  function begin(access: KeyAccess, isSecure: boolean): { session: Session; cookie: string } {
    const nonce = randomBytes(16).toString("base64url");
    const expires = String(Math.floor(Date.now() / 1000) + SESSION_LIFETIME_SECONDS);
    const value = [access.id, expires, nonce, access.seal(textOf(access.id, expires, nonce))].join(".");
    return {
      session: sessionOf(access, nonce),
      cookie: sessionCookie(value, SESSION_LIFETIME_SECONDS, isSecure),
    };
  }

  async function findSession(request: RouteRequest): Promise<Session | undefined> {
    const cookie = cookieIn(request, COOKIE, "[\\w.-]{1,2000}");
    const [id = "", expires = "", nonce = "", seal = ""] = (cookie ?? "").split(".");
    const access = cookie === undefined ? undefined : await accessOf(id, request.ip);
    if (
      access &&
      isEqual(seal, access.seal(textOf(id, expires, nonce))) &&
      Number(expires) * 1000 > Date.now()
    ) {
      return sessionOf(access, nonce);
    }
    if (!open || !isLocal(request)) return undefined;
    return { ...keys.all(request.ip), csrf: OPEN_TOKEN, isSignedIn: false };
  }

  return {
    find: findSession,
    /** The session of a request. Throws `ESIGNATURE` without one, `EFORBIDDEN` for a change that another site may have sent. */
    async of(request: RouteRequest): Promise<Session> {
      const session = await findSession(request);
      if (!session) throw new MediaError("ESIGNATURE", "Sign in with a key");
      if (request.method !== "GET" && request.method !== "HEAD") assertSameSite(request, session);
      return session;
    },
    /** Signs in by a key; throws as `KeysApi.open`. */
    async signIn(request: RouteRequest, key: string): Promise<{ session: Session; cookie: string }> {
      assertOrigin(request);
      return begin(await keys.open(key, request.ip), isBehindTls(request));
    },
    /** Signs in a person; throws as `Oidc.finish`. */
    async signInPerson(request: RouteRequest, own: Oidc): Promise<string> {
      return begin(await own.finish(request), own.isSecure).cookie;
    },
    signOut: (request: RouteRequest) => sessionCookie("", 0, isBehindTls(request)),
  };
}

const textOf = (id: string, expires: string, nonce: string) => `session.${id}.${expires}.${nonce}`;

/** The server itself has no TLS: that it is behind some, only the browser reports. */
const isBehindTls = (request: RouteRequest) => request.header("origin")?.startsWith("https:") === true;

const sessionCookie = (value: string, lifetime: number, isSecure: boolean) =>
  cookieOf(COOKIE, value, { path: ROOT, lifetime, sameSite: "Strict", isSecure });

function assertSameSite(request: RouteRequest, { csrf }: Session): void {
  assertOrigin(request);
  if (isEqual(request.header(CSRF_HEADER) ?? "", csrf)) return;
  throw new MediaError("EFORBIDDEN", `Expected the token of this session in the header ${CSRF_HEADER}`);
}

/** Browsers send `Origin` with every request that may change something. */
function assertOrigin(request: RouteRequest): void {
  const origin = request.header("origin");
  const isOwn =
    origin === undefined || (URL.canParse(origin) && new URL(origin).host === request.header("host"));
  const site = request.header("sec-fetch-site") ?? "same-origin";
  if (isOwn && site === "same-origin") return;
  throw new MediaError("EFORBIDDEN", "Expected a request of this site");
}
