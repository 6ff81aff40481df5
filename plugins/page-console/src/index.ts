import {
  isMediaError,
  MediaError,
  type Plugin,
  parseOptions,
  type RouteHandler,
  type RouteReply,
  type RouteRequest,
} from "@mediatap/core";
import { z } from "zod";
import { createAssets, ROOT } from "./assets.ts";
import { createBrowse } from "./browse.ts";
import { buildSchema, createBuilder } from "./builder.ts";
import { createInspect } from "./inspect.ts";
import { createLive } from "./live.ts";
import { createOidc, type OidcOptions, oidcSchema, redirect } from "./oidc.ts";
import { createSessions, type Session } from "./session.ts";
import { createVideos } from "./videos.ts";

const NAME = "page-console";
const VERSION = "0.1.0";

/** Below it, each path is that of a management call. */
const API = `${ROOT}/api`;
const API_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
/** Segments of the path of a management call. */
const MAX_SEGMENTS = 8;

export interface PageConsoleOptions {
  /**
   * Open to browsers on this machine and in its network without a key, under a local host name. For development.
   * @default false
   */
  readonly open?: boolean | undefined;
  /** Sign-in by OpenID Connect, beside keys. */
  readonly oidc?: OidcOptions | undefined;
}

const schema = z.strictObject({ open: z.boolean().default(false), oidc: oidcSchema.optional() });

const url = z.string().min(1).max(8192);
const signInSchema = z.strictObject({ key: z.string().min(1).max(1000) });
const signSchema = z.strictObject({ url, expires: z.int().positive().max(9_999_999_998).optional() });

/**
 * A console for people at `/-/console`: why a URL gets the response that it gets, what goes on in the server, what failed, purges. A
 * private key opens it, and shows what the key is good for. Each of its files is read once.
 */
export function pageConsole(options: PageConsoleOptions = {}): Plugin {
  const { open, oidc: oidcOptions } = parseOptions(schema, options, NAME);
  const { document, files } = createAssets();
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply(api) {
      const { route, hooks, logger } = api;
      const { keys } = api.config;
      const oidc = oidcOptions && createOidc(oidcOptions, { keys, logger });
      const provider = oidc && { provider: oidc.provider };
      const sessions = createSessions({ keys, open, oidc });
      const inspect = createInspect(api);
      const live = createLive(api);
      const builder = createBuilder(api);
      const browse = createBrowse(api);
      const videosOf = createVideos(api);

      route("GET", ROOT, document);
      for (const [path, handler] of files) route("GET", path, handler);
      // Where the page Live was before.
      route("GET", "/-/status", () => ({ status: 302, headers: { location: `${ROOT}/live` } }));

      route(
        "GET",
        `${ROOT}/session`,
        withErrors(async (request) => {
          const session = await sessions.find(request);
          return json(session ? accountOf(session) : { isOpen: false, ...provider });
        }),
      );
      route(
        "POST",
        `${ROOT}/session`,
        withErrors(async (request) => {
          const { key } = await bodyOf(request, signInSchema);
          const { session, cookie } = await sessions.signIn(request, key);
          return json(accountOf(session), { "set-cookie": cookie });
        }),
      );
      route(
        "DELETE",
        `${ROOT}/session`,
        withErrors(async (request) => {
          await sessions.of(request);
          return json({ isOpen: false }, { "set-cookie": sessions.signOut(request) });
        }),
      );

      if (oidc) {
        hooks.start.tap(NAME, ({ endpoints }) => {
          for (const [at, name] of oidc.tenants.entries()) {
            if (endpoints.some(({ tenant }) => tenant === name)) continue;
            throw new MediaError("ECONFIG", `${NAME}.oidc.roles.${at}.tenant: unknown tenant '${name}'`);
          }
        });
        route("GET", `${ROOT}/oidc`, shown(oidc.start));
        route(
          "GET",
          `${ROOT}/oidc/callback`,
          shown(async (request) => redirect(ROOT, await sessions.signInPerson(request, oidc))),
        );
      }

      call("GET", "/data/explain", async (request, session) => json(await inspect.explain(request, session)));
      call("GET", "/data/answer", (request, session) => inspect.response(request, session));
      call("GET", "/data/original", (request, session) => inspect.original(request, session));
      call("POST", "/data/sign", async (request, session) => {
        // Who is only on this machine need not be somebody who may sign, nor who may only read.
        if (!session.isSignedIn) throw new MediaError("EFORBIDDEN", "Sign in with a key to sign URLs");
        if (session.rights.role === "read") {
          throw new MediaError("EFORBIDDEN", "Signing URLs needs a key with the role operate");
        }
        return json(await inspect.sign(await bodyOf(request, signSchema), request, session));
      });
      call("GET", "/data/languages", async () => json(builder.languages()));
      call("POST", "/data/build", async (request) => json(builder.build(await bodyOf(request, buildSchema))));
      call("GET", "/data/recent", async (_, session) => json(await live.recent(session)));
      call("GET", "/data/live", async (_, session) => json(await live.data(session)));
      call("GET", "/data/history", async (_, session) => json(await live.history(session)));
      call("GET", "/data/events", async (request) => live.stream(() => sessions.find(request)));
      call("GET", "/data/failures", async (_, session) => json(await live.failures(session)));
      call("GET", "/data/videos", async (_, session) => json(await videosOf(session)));
      call("GET", "/data/folder", async (request, session) => json(await browse.folder(request, session)));
      call("GET", "/data/thumbnail", (request, session) => browse.thumbnail(request, session));
      call("GET", "/data/about", async (request, session) => json(await browse.about(request, session)));
      call("POST", "/data/purge", async (request, { rights, isSignedIn }) => {
        if (!isSignedIn) throw new MediaError("EFORBIDDEN", "Sign in with a key to purge");
        return json(await rights.purge(await bodyOf(request, z.unknown())));
      });
      call("POST", "/data/purge/preview", async (request, { rights }) =>
        json(await rights.purgePreview(await bodyOf(request, z.unknown()))),
      );
      call("GET", "/data/purge/:id", async ({ params: { id = "" } }, { rights }) => {
        const state = rights.purgeState(id);
        if (state === undefined) throw new MediaError("ENOENT", "There is no purge with this id");
        return json({ state });
      });

      for (const method of API_METHODS) {
        for (let count = 1; count <= MAX_SEGMENTS; count++) {
          const segments = Array.from({ length: count }, (_, at) => `/:segment${at}`);
          call(method, `/api${segments.join("")}`, manage);
        }
      }
      // Each page has a URL of one segment, which the document knows. The first route that matches answers: this one is the last.
      route("GET", `${ROOT}/:page`, (request) =>
        request.params.page?.includes(".") ? { status: 404, body: "Not Found\n" } : document(request),
      );

      /** Any call of the management, with the rights of the session. */
      async function manage(request: RouteRequest, session: Session): Promise<RouteReply> {
        // Who is only in this network need not be somebody who may change the server.
        if (request.method !== "GET" && !session.isSignedIn)
          throw new MediaError("EFORBIDDEN", "Sign in with a private key to change something");
        const { status = 200, headers, body } = await session.call(request.path.slice(API.length), request);
        return { ...json(body, headers), status };
      }

      /** A call for those who are signed in. */
      function call(
        method: (typeof API_METHODS)[number],
        path: string,
        handler: (request: RouteRequest, session: Session) => RouteReply | Promise<RouteReply>,
      ): void {
        route(
          method,
          `${ROOT}${path}`,
          withErrors(async (request) => await handler(request, await sessions.of(request))),
        );
      }

      /** What a session may know of itself. */
      function accountOf(session: Session) {
        const { endpoints, csrf, isSignedIn, person } = session;
        return {
          isOpen: true,
          isSignedIn,
          person,
          ...provider,
          role: session.rights.role,
          isOperator: live.isOperator(session),
          csrf,
          endpoints: endpoints.map((endpoint) => ({
            tenant: endpoint.tenant,
            name: endpoint.name,
            prefix: endpoint.prefix,
            hosts: endpoint.hosts,
            origins: endpoint.origins,
            languages: endpoint.languages,
            restrictUnsigned: endpoint.restrictUnsigned,
            restrictUnnamed: endpoint.restrictUnnamed,
            hasKey: endpoint.privateKeys.length > 0,
            namedTransformations: Object.entries(endpoint.namedTransformations).map(([name, value]) => ({
              name,
              ...value,
            })),
          })),
        };
      }
    },
  };
}

function json(body: unknown, headers: Readonly<Record<string, string>> = {}): RouteReply {
  return {
    headers: {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
      "cross-origin-resource-policy": "same-origin",
      ...headers,
    },
    body: JSON.stringify(body),
  };
}

/** Refusals as JSON; all else is the server's failure. */
function withErrors(handler: (request: RouteRequest) => Promise<RouteReply>): RouteHandler {
  return async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      if (!isMediaError(error) || error.code === "EINTERNAL") throw error;
      const { status, code, message, retryAfterSeconds } = error;
      const retry = retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
      return { ...json({ code, message }, retry), status };
    }
  };
}

/** Refusals as a page for people, without a script. */
function shown(handler: (request: RouteRequest) => Promise<RouteReply>): RouteHandler {
  return async (request) => {
    try {
      return await handler(request);
    } catch (error) {
      if (!isMediaError(error) || error.code === "EINTERNAL") throw error;
      const { status, code, message, retryAfterSeconds } = error;
      const headers = {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-store",
        "content-security-policy":
          "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
      };
      const link = `<a href="${ROOT}">Back to the console</a>`;
      const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width" />
<title>Sign-in failed</title>
<h1>Sign-in failed</h1>
<p>${message}</p>
<p>${link} <small>${code}</small></p>
</html>
`;
      return { status, headers, body };
    }
  };
}

async function bodyOf<T>(request: RouteRequest, schema: z.ZodType<T>): Promise<T> {
  let body: unknown;
  try {
    body = JSON.parse(Buffer.from(await request.body()).toString("utf8"));
  } catch {
    throw new MediaError("EINVAL", "Expected JSON");
  }
  const { data, success } = schema.safeParse(body);
  if (!success) throw new MediaError("EINVAL", "Expected JSON with other fields");
  return data;
}

export default pageConsole;
