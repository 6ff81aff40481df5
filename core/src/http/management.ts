import type { Router, RouterContext } from "@koa/router";
import type { Logger } from "pino";
import type { LoadedConfig } from "../config/load.ts";
import type { CallReply, OpenCall, RouteRequest } from "../plugin/calls.ts";
import { attributed, wrap } from "../plugin/errors.ts";
import { createClients, readBody, streamBody } from "./request.ts";
import { METHODS } from "./routes.ts";
import type { Runtime } from "./runtime.ts";

/** Whoever has signed a request may send it from any page: nothing about it depends on cookies. */
const CORS = { "Access-Control-Allow-Origin": "*" };

/** The owner of the calls that no plugin adds. */
export const CORE = "the core";

const HELP = "See CACHING.md and STATE.md of the server's core.";

/** Characters of an id in the path of a call that is served at the root: that of a file contains its path. */
const MAX_ID_LENGTH = 2_000;

/** Where calls lie that a private key opens; `undefined`: there are none, for want of a key or by the configuration. */
export function managementPath({
  config,
  endpoints,
}: Pick<Runtime, "config" | "endpoints">): string | undefined {
  return endpoints.some(({ privateKeys }) => privateKeys.length > 0) ? callsPath(config) : undefined;
}

/** Where they would lie, key or not; `undefined`: the configuration switches them off. */
export function callsPath({ config }: Pick<LoadedConfig, "config">): string | undefined {
  const { management = {} } = config;
  return management === false ? undefined : (management.path ?? "/-/api").replace(/\/+$/, "");
}

/**
 * Adds the calls that a key opens, as the user's name of HTTP Basic; what is refused is answered with JSON. `requestOf`: as of
 * `createRequestOf`.
 */
export function addManagement(
  router: Router,
  runtime: Runtime,
  requestOf: (ctx: RouterContext) => RouteRequest,
): void {
  const path = managementPath(runtime);
  if (path === undefined) return;
  const { keys } = runtime;
  for (const call of runtime.calls) {
    const { method, path: below, plugin, atRoot, withoutKey } = call;
    const help = plugin === CORE ? HELP : `See the README of ${plugin}.`;
    const replyTo = async (request: RouteRequest): Promise<CallReply> => {
      const authorization = request.header("authorization");
      if (withoutKey && authorization === undefined) {
        const open: OpenCall = async (key, handler) => {
          const access = await keys.open(key, request.ip);
          return await access.answer({ ...call, handler }, request);
        };
        return await attributed("manage", plugin, () => withoutKey(request, open));
      }
      const access = await keys.open(userOf(authorization), request.ip);
      return await access.answer(call, request);
    };
    const respond = async (ctx: RouterContext) => {
      const reply = await replyTo(requestOf(ctx)).catch((error: unknown) =>
        refusal(error, help, runtime.log),
      );
      ctx.status = reply.status ?? 200;
      // The rest of the body may never come.
      if (ctx.status === 408) ctx.res.shouldKeepAlive = false;
      ctx.set({ ...(withoutKey && CORS), ...reply.headers });
      ctx.body = reply.body;
    };
    const allow = (ctx: RouterContext) => {
      ctx.status = 204;
      ctx.set({ ...CORS, "Access-Control-Allow-Methods": method, "Access-Control-Allow-Headers": "*" });
    };
    for (const at of [`${path}${below}`, ...(atRoot && isCompatible(runtime) ? [below] : [])]) {
      router.register(at, [method], respond);
      if (withoutKey) router.register(at, ["OPTIONS"], allow);
    }
  }
  const unknown = (ctx: RouterContext) => {
    ctx.status = 404;
    ctx.body = { message: "There is no such call.", help: HELP };
  };
  for (const start of [path, ...rootsOf(runtime).map((root) => `/${root}`)]) {
    router.register(`${start}{/*rest}`, ALL_METHODS, unknown);
  }
}

/** The user's name of HTTP Basic; `""`: there is none. */
function userOf(authorization = ""): string {
  const [, encoded = ""] = /^basic ([\w+/=-]{1,2000})$/i.exec(authorization) ?? [];
  const [user = ""] = Buffer.from(encoded, "base64").toString("utf8").split(":", 1);
  return user;
}

const ALL_METHODS = ["HEAD", ...METHODS];

const escaped = (path: string) => path.replaceAll(".", "\\.");

/** First segments of the calls outside of the management's path. */
function rootsOf(runtime: Runtime): string[] {
  if (managementPath(runtime) === undefined || !isCompatible(runtime)) return [];
  const calls = runtime.calls.filter(({ atRoot }) => atRoot);
  return [...new Set(calls.map(({ path }) => path.split("/")[1] ?? ""))];
}

/** Methods of requests for files. */
const FILE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Tells requests for calls outside of the management's path from all others: by the path, and below the first segment of such
 * calls by the method, too. `undefined`: there are no such calls.
 */
export function rootCallsOf(runtime: Runtime): ((url: string, method?: string) => boolean) | undefined {
  const roots = rootsOf(runtime);
  if (roots.length === 0) return undefined;
  const paths = runtime.calls.filter(({ atRoot }) => atRoot).map(({ path }) => path);
  const patterns = paths.map((path) => escaped(path).replace(/:\w+/g, `[\\w-]{1,${MAX_ID_LENGTH}}`));
  const calls = new RegExp(`^(?:${patterns.join("|")})(?:\\?|$)`);
  const below = new RegExp(`^/(?:${roots.map(escaped).join("|")})/`);
  return (url, method = "GET") => calls.test(url) || (!FILE_METHODS.has(method) && below.test(url));
}

function isCompatible({ config }: Runtime): boolean {
  const { compatible = false } = config.config.management || {};
  return compatible;
}

/** Requests to routes and calls as plugins see them. */
export function createRequestOf({ config, limitsOf }: Pick<Runtime, "config" | "limitsOf">) {
  const { request: timeout, clientUploadIdle } = limitsOf();
  const clients = createClients(config.config.trustedProxies);
  return (ctx: RouterContext): RouteRequest => {
    const { req } = ctx;
    let body: Promise<Uint8Array> | undefined;
    return {
      method: ctx.method,
      path: ctx.path,
      query: new URLSearchParams(ctx.querystring),
      params: ctx.params,
      ip: clients.ipOf(req),
      isSecure: clients.isSecure(req),
      header: (name) => ctx.get(name) || undefined,
      server: { address: req.socket.localAddress ?? "", port: req.socket.localPort ?? 0 },
      body() {
        body ??= readBody(req, timeout);
        return body;
      },
      stream: () => streamBody(req, clientUploadIdle),
    };
  };
}

/** Codes of refusals whose status may be that of a failure. */
const REFUSALS: ReadonlySet<string> = new Set(["EBUSY", "EUNSUPPORTED"]);

/** What is wrong with a call is answered; all else is the server's failure. */
function refusal(error: unknown, help: string, log: Logger): CallReply {
  const failure = wrap(error, "manage", "core");
  const { status, code, message, retryAfterSeconds } = failure;
  if (status >= 500 && !REFUSALS.has(code)) log.error({ err: failure }, "a management call failed");
  const headers = {
    ...(status === 401 && { "www-authenticate": 'Basic realm="mediatap", charset="UTF-8"' }),
    ...(retryAfterSeconds !== undefined && { "retry-after": String(retryAfterSeconds) }),
  };
  return { status, headers, body: { message, help } };
}
