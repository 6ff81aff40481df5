import type { Socket } from "node:net";
import Router from "@koa/router";
import Koa from "koa";
import type { Logger } from "pino";
import { DEFAULT_RULES } from "../config/schema.ts";
import { attributed, wrap } from "../facade.ts";
import type { Endpoint } from "../model/endpoint.ts";
import { type ErrorCode, isChanged, MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import { assertNoLoop, loopMark, serverMarkOf } from "../origin/loop.ts";
import { type Answer, isPending } from "../request/result.ts";
import { traced } from "../traced.ts";
import { maskUrl, throttled } from "../util/log.ts";
import { busy } from "../work/load.ts";
import { createDeadline } from "./deadline.ts";
import { deliver, deliverError, deliverText } from "./deliver.ts";
import { createFind } from "./endpoint-router.ts";
import { explainOver } from "./explain.ts";
import { createHome } from "./home.ts";
import { addManagement, requestOf, rootCallsOf } from "./management.ts";
import { deliverPending } from "./pending.ts";
import { createClientIp, discardBody, HttpExchange, hostOf, nextId, readBody, targetOf } from "./request.ts";
import type { Runtime } from "./runtime.ts";

export interface AppParts {
  readonly runtime: Runtime;
  readonly log: Logger;
  /** `false` while the server drains. */
  readonly isReady: () => boolean;
  /** Whether there are too many connections for this one: its media requests get 503. */
  readonly isRefused: (socket: Socket) => boolean;
}

/** The Koa application of one runtime: `/-/` and `/` are routes, all else is media. */
export function createApp({ runtime, log, isReady, isRefused }: AppParts): Koa {
  const app = new Koa();
  const routes = createRoutes(runtime, isReady);
  const hasHome = runtime.routes.some(({ path }) => path === "/");
  const isRootCall = rootCallsOf(runtime);
  const media = createMedia({ runtime, log, isReady, isRefused });
  app.silent = true;
  app.use((ctx, next) => {
    const url = ctx.req.url ?? "/";
    const isRoute =
      url.startsWith("/-/") || isRootCall?.(url) || (hasHome && (url === "/" || url.startsWith("/?")));
    return isRoute ? routes(ctx as never, next) : media(ctx);
  });
  return app;
}

/** Routes of the core and of plugins. */
function createRoutes(runtime: Runtime, isReady: () => boolean) {
  const router = new Router();
  const clientIp = createClientIp(runtime.config.config.trustedProxies ?? []);
  router.get("/-/live", (ctx) => {
    ctx.body = "live\n";
  });
  router.get("/-/ready", (ctx) => {
    const state = isReady() ? "ready" : "draining";
    ctx.status = state === "ready" ? 200 : 503;
    // An origin that is down makes no server unready: the others go on.
    if ("verbose" in ctx.query) ctx.body = { state, origins: runtime.breakers.states() };
    else ctx.body = `${state}\n`;
  });
  if (runtime.config.config.server?.explain) {
    router.get("/-/explain", async (ctx) => {
      ctx.body = await explainOver(new URLSearchParams(ctx.querystring), runtime, runtime.log);
    });
  }
  for (const { method, path, handler, plugin } of runtime.routes) {
    router.register(path, method === "GET" ? ["GET", "HEAD"] : [method], async (ctx) => {
      const request = requestOf(ctx as never, clientIp(ctx.req));
      const reply = await attributed("route", plugin, () => handler(request));
      ctx.status = reply.status ?? 200;
      ctx.set({ "X-Content-Type-Options": "nosniff", ...reply.headers });
      if (reply.body !== undefined)
        ctx.body = typeof reply.body === "string" ? reply.body : Buffer.from(reply.body);
    });
  }
  addManagement(router, runtime);
  const dispatch = router.routes();
  return async (ctx: Koa.ParameterizedContext, next: Koa.Next) => {
    ctx.set("Cache-Control", "no-store");
    try {
      discardBody(ctx.req, ctx.res);
      ctx.state.body = readBody(ctx.req);
      await dispatch(ctx as never, next);
    } catch (error) {
      const failure = wrap(error, "route", "core");
      if (failure.status >= 500) runtime.log.error({ err: failure }, "a route failed");
      ctx.status = failure.status;
      ctx.body = `${failure.message}\n`;
    }
    if (ctx.status === 404 && ctx.body === undefined) {
      ctx.status = 404;
      ctx.body = "Not Found\n";
    }
  };
}

/** Answers an exchange; resolves with the number of bytes sent. */
type Send = (exchange: Exchange) => Promise<number>;

/** Which origin, and why, says the log under the same key. */
const ORIGIN_FAILURES: ReadonlySet<ErrorCode> = new Set(["EACCES", "ECONNREFUSED", "UNIDENTIFIED"]);

/** How often a shortage is logged, in milliseconds: it meets many requests at once. */
const SHORTAGE_LOG_INTERVAL_MS = 5_000;

/** What stands in for an endpoint where a request could not even be led to one. */
const NOWHERE: Endpoint = {
  ...DEFAULT_RULES,
  tenant: "",
  name: "",
  prefix: "",
  hosts: [],
  origins: [],
  privateKeys: [],
  namedTransformations: {},
  fields: {},
  fingerprint: "",
  cacheControl: "no-store",
  cors: false,
};

function createMedia({ runtime, log, isReady, isRefused }: AppParts) {
  const { limitsOf, pipeline, hooks, config } = runtime;
  const limits = limitsOf();
  const within = createDeadline(limits.request);
  const sender = { hooks, limitsOf, within, isReady };
  const clientIp = createClientIp(config.config.trustedProxies ?? []);
  const find = createFind(runtime.endpoints, runtime.tenants);
  const home = createHome(runtime.endpoints, runtime.tenants);
  const noteShortage = throttled<object>(SHORTAGE_LOG_INTERVAL_MS, (requests, last) =>
    log.warn({ requests, ...last }, "the machine has run out of resources"),
  );
  const mark = loopMark(serverMarkOf(runtime.endpoints));

  return async (ctx: Koa.Context): Promise<void> => {
    const { req, res } = ctx;
    ctx.respond = false;
    const parts = { req, res, id: nextId(), log, ip: clientIp(req), timeout: limits.request };
    let exchange: Exchange;
    try {
      discardBody(req, res);
      const host = hostOf(req);
      const url = targetOf(req.url ?? "/", limits.urlBytes);
      exchange = new HttpExchange({ ...parts, url, host, ...find(host, url) });
    } catch (error) {
      const target = { path: "", query: "", mount: "" };
      exchange = new HttpExchange({ ...parts, url: "/", host: "", endpoint: NOWHERE, target });
      return await reported(exchange, () => Promise.reject(error));
    }
    await reported(exchange, byMethod);

    function reported(exchange: Exchange, work: Send): Promise<void> {
      // Asked here, too: a hit makes nothing for a trace that nobody keeps.
      if (!hooks.trace.isUsed()) return send(exchange, work);
      return traced(hooks, { kind: "exchange", exchange }, () => send(exchange, work));
    }

    async function send(exchange: Exchange, work: Send): Promise<void> {
      let bytes: number;
      try {
        bytes = await work(exchange);
      } catch (error) {
        bytes = await fail(exchange, error);
      }
      if (!hooks.report.isUsed()) return;
      const duration = performance.now() - exchange.started;
      hooks.report.call({ kind: "exchange", exchange, duration, bytes });
    }

    async function byMethod(exchange: Exchange): Promise<number> {
      if (isRefused(req.socket)) throw busy(1);
      assertNoLoop(exchange.request.header("cdn-loop"), mark);
      const { method } = exchange.request;
      if (method === "GET" || method === "HEAD") {
        return await answer(exchange);
      }
      if (method === "OPTIONS") return preflight(exchange);
      throw new MediaError("EMETHOD", "Expected one of GET, HEAD, OPTIONS for the method");
    }

    async function answer(exchange: Exchange): Promise<number> {
      const deliverAny = async (found: Answer) =>
        isPending(found)
          ? await deliverPending(sender, exchange, found, res)
          : await deliver(sender, exchange, found, res);
      try {
        return await deliverAny(await within(pipeline.answer(exchange)));
      } catch (error) {
        if (res.headersSent || !isChanged(error)) throw error;
        return await deliverAny(await within(pipeline.answer(exchange, { bypassCache: true })));
      }
    }

    function preflight({ endpoint }: Exchange): number {
      const cors =
        endpoint.cors === false
          ? {}
          : {
              "access-control-allow-origin": endpoint.cors,
              "access-control-allow-methods": "GET, HEAD, OPTIONS",
              "access-control-allow-headers": "*",
              "access-control-max-age": "86400",
            };
      res.writeHead(204, { allow: "GET, HEAD, OPTIONS", ...cors }).end();
      return 0;
    }

    async function fail(exchange: Exchange, error: unknown): Promise<number> {
      if (res.destroyed || res.headersSent) {
        res.destroy();
        return 0;
      }
      const failure = wrap(error, "answer", "core");
      // No language has found an asset in it, so it is nobody's.
      const isHome = /^\/(?:\?|$)/.test(req.url ?? "") && (req.method === "GET" || req.method === "HEAD");
      if (isHome && failure.code === "ENOENT" && !exchange.job) {
        return await deliverText(sender, exchange, home(hostOf(req)), res);
      }
      if (ORIGIN_FAILURES.has(failure.code)) {
        const { id, key, request } = exchange;
        log.info(
          { id, key, url: request.url, code: failure.code },
          "no origin returned a file for this request",
        );
      } else if (failure.code === "EBUSY") {
        // A queue that is full is counted elsewhere; a resource of the system that is used up is news.
        if (failure.cause !== undefined) noteShortage({ err: failure, id: exchange.id });
      } else if (failure.status >= 500) {
        // Masked here: the logger may be anybody's.
        log.error({ err: failure, id: exchange.id, url: maskUrl(exchange.request.url) }, failure.message);
      }
      return await deliverError(sender, exchange, failure, res).catch((cause: unknown) => {
        log.error({ err: cause, id: exchange.id }, "sending an error response failed");
        if (res.headersSent) res.destroy();
        else res.writeHead(500, { "cache-control": "no-store", "content-length": 0 }).end();
        return 0;
      });
    }
  };
}
