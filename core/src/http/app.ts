import type { IncomingMessage, ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import type KoaRouter from "@koa/router";
import type Koa from "koa";
import { DEFAULT_RULES } from "../config/rules.ts";
import type { Endpoint } from "../model/endpoint.ts";
import { type ErrorCode, isChanged, MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import { assertNoLoop, printLoopToken, serverMarkOf, withLoopList } from "../origin/loop.ts";
import { attributed, wrap } from "../plugin/errors.ts";
import type { AnswerOptions } from "../request/answer.ts";
import { isPending } from "../request/result.ts";
import { traced } from "../traced.ts";
import { maskUrl, throttled } from "../util/log.ts";
import { after, type MaybePromise, recover } from "../util/maybe.ts";
import { busy } from "../work/busy.ts";
import { createDeadline } from "./deadline.ts";
import { createDelivery, errorReply, textReply } from "./deliver.ts";
import { explainOver } from "./explain.ts";
import { createHome } from "./home.ts";
import { addManagement, createRequestOf, rootCallsOf } from "./management.ts";
import { pendingReply } from "./pending.ts";
import { assertCoding, createClients, discardRest, HttpExchange, hostOf, targetOf } from "./request.ts";
import type { Runtime } from "./runtime.ts";

interface AppParts {
  readonly runtime: Runtime;
  /** `false` while the server drains. */
  readonly isReady: () => boolean;
  /** Whether there are too many connections for this one: its media requests get 503. */
  readonly isRefused: (socket: Socket) => boolean;
}

/** Answers a request. Returns a promise only if it had to wait for something. */
export type Handler = (req: IncomingMessage, res: ServerResponse) => MaybePromise<void>;

const require = createRequire(import.meta.url);

/**
 * Returns the request handler of one runtime: `/-/` and `/` are routes, which Koa dispatches; everything else is media, which needs
 * neither Koa's context nor its listeners. The handler returns a promise only if it had to wait for something.
 */
export function createApp(parts: AppParts): Handler {
  const { runtime, isReady } = parts;
  const hasHome = runtime.routes.some(({ path }) => path === "/");
  const isRootCall = rootCallsOf(runtime);
  const media = createMedia(parts);
  let routes: Handler | undefined;
  const isRoute = (url: string, method?: string) =>
    url.startsWith("/-/") || isRootCall?.(url, method) || (hasHome && (url === "/" || url.startsWith("/?")));

  return (req, res) =>
    recover(
      () => {
        if (!isRoute(req.url ?? "/", req.method)) return media(req, res);
        routes ??= createRoutes(runtime, isReady);
        return routes(req, res);
      },
      (err) => {
        runtime.log.error({ err }, "answering a request failed");
        res.destroy();
      },
    );
}

/**
 * Routes of the core and of plugins. Koa is loaded for the first request to one of them. `require` tries again if files were short;
 * `import` would keep the failure for good.
 */
function createRoutes(runtime: Runtime, isReady: () => boolean): Handler {
  const App = require("koa") as typeof Koa;
  const Router = require("@koa/router") as typeof KoaRouter;
  const router = new Router();
  const limits = runtime.limitsOf();
  const requestOf = createRequestOf(runtime);
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
      ctx.body = await explainOver(new URLSearchParams(ctx.querystring), runtime);
    });
  }
  for (const { method, path, handler, plugin } of runtime.routes) {
    router.register(path, method === "GET" ? ["GET", "HEAD"] : [method], async (ctx) => {
      const reply = await attributed("route", plugin, () => handler(requestOf(ctx)));
      ctx.status = reply.status ?? 200;
      ctx.set({ "X-Content-Type-Options": "nosniff", ...reply.headers });
      const { body } = reply;
      if (body !== undefined) ctx.body = body instanceof Uint8Array ? Buffer.from(body) : body;
    });
  }
  addManagement(router, runtime, requestOf);
  const dispatch = router.routes();
  const app = new App();
  app.silent = true;
  app.use(async (ctx, next) => {
    ctx.set("Cache-Control", "no-store");
    try {
      assertCoding(ctx.req, ctx.res);
      await dispatch(ctx as never, next);
    } catch (error) {
      const failure = wrap(error, "route", "core");
      if (failure.status >= 500) runtime.log.error({ err: failure }, "a route failed");
      ctx.status = failure.status;
      ctx.body = `${failure.message}\n`;
    } finally {
      discardRest(ctx.req, ctx.res, limits.request);
    }
    if (ctx.status === 404 && ctx.body === undefined) {
      ctx.status = 404;
      ctx.body = "Not Found\n";
    }
  });
  return app.callback();
}

/** Answers an exchange; returns the number of bytes sent. */
type Send = (exchange: Exchange, res: ServerResponse) => MaybePromise<number>;

const done = () => {};

/** The log contains the origin and the reason under the same key. */
const ORIGIN_FAILURES: ReadonlySet<ErrorCode> = new Set(["EACCES", "ECONNREFUSED", "UNIDENTIFIED"]);

/** How often a shortage is logged, in milliseconds: it meets many requests at once. */
const SHORTAGE_LOG_INTERVAL_MS = 5_000;

/** What stands in for an endpoint where a request could not even be led to one. */
const NO_ENDPOINT: Endpoint = {
  ...DEFAULT_RULES,
  tenant: "",
  name: "",
  prefix: "",
  hosts: [],
  address: { path: "" },
  origins: [],
  privateKeys: [],
  namedTransformations: {},
  fields: {},
  fingerprint: "",
  cacheControl: "no-store",
  cors: false,
};

function createMedia({ runtime, isReady, isRefused }: AppParts) {
  const { limitsOf, pipeline, hooks, config, log, find } = runtime;
  const limits = limitsOf();
  const timeout = limits.request;
  const within = createDeadline(timeout);
  const { deliver, deliverRelayed, send } = createDelivery({ hooks, limitsOf, within, isReady });
  const clients = createClients(config.config.trustedProxies);
  const home = createHome(runtime.endpoints, runtime.tenants);
  const noteShortage = throttled<object>(SHORTAGE_LOG_INTERVAL_MS, (requests, last) =>
    log.warn({ requests, ...last }, "the machine has run out of resources"),
  );
  const loopToken = printLoopToken(serverMarkOf(runtime.endpoints));

  return (req: IncomingMessage, res: ServerResponse): MaybePromise<void> => {
    const ip = clients.ipOf(req);
    const isSecure = clients.isSecure(req);
    let exchange: Exchange;
    try {
      // Requests for media have no use for a body (RFC 9110 §9.3.1).
      discardRest(req, res, timeout);
      assertCoding(req, res);
      const host = hostOf(req);
      const url = targetOf(req.url ?? "/", limits.urlBytes);
      const { endpoint, target } = find(host, url);
      exchange = new HttpExchange({ req, res, url, host, ip, isSecure, endpoint, target, log, timeout });
    } catch (error) {
      const target = { path: "", query: "", mount: "" };
      const parts = {
        req,
        res,
        url: "/",
        host: "",
        ip,
        isSecure,
        endpoint: NO_ENDPOINT,
        target,
        log,
        timeout,
      };
      exchange = new HttpExchange(parts);
      return reported(exchange, res, () => Promise.reject(error));
    }
    return reported(exchange, res, byMethod);
  };

  function reported(exchange: Exchange, res: ServerResponse, work: Send): MaybePromise<void> {
    // Checked here, too: a hit allocates nothing for a trace that no plugin records.
    if (!hooks.trace.isUsed()) return handled(exchange, res, work);
    return traced(hooks, { kind: "exchange", exchange }, () => handled(exchange, res, work));
  }

  function handled(exchange: Exchange, res: ServerResponse, work: Send): MaybePromise<void> {
    const sent = recover(
      () => work(exchange, res),
      (error) => fail(exchange, error, res),
    );
    return hooks.report.isUsed() ? after(sent, (bytes) => report(exchange, bytes)) : after(sent, done);
  }

  function report(exchange: Exchange, bytes: number): void {
    const duration = performance.now() - exchange.started;
    hooks.report.call({ kind: "exchange", exchange, duration, bytes });
  }

  function byMethod(exchange: Exchange, res: ServerResponse): MaybePromise<number> {
    if (isRefused(res.req.socket)) throw busy(1);
    assertNoLoop(exchange.request.header("cdn-loop"), loopToken);
    const { method } = exchange.request;
    if (method === "GET" || method === "HEAD") return answer(exchange, res);
    if (method === "OPTIONS") return preflight(exchange, res);
    throw new MediaError("EMETHOD", "Expected one of GET, HEAD, OPTIONS for the method");
  }

  function answer(exchange: Exchange, res: ServerResponse): MaybePromise<number> {
    return hooks.relay.isUsed() ? relayed(exchange, res) : respondHere(exchange, res);
  }

  /** The response of another server, if a plugin has one. */
  async function relayed(exchange: Exchange, res: ServerResponse): Promise<number> {
    pipeline.admit.client(exchange);
    const work = () => hooks.relay.promise(exchange);
    const response = await within(withLoopList(exchange.request.header("cdn-loop"), work));
    return response ? await deliverRelayed(exchange, response, res) : await respondHere(exchange, res);
  }

  function respondHere(exchange: Exchange, res: ServerResponse): MaybePromise<number> {
    return recover(
      () => respondWith(exchange, res, {}),
      (error) => {
        if (res.headersSent || !isChanged(error)) throw error;
        return respondWith(exchange, res, { bypassCache: true });
      },
    );
  }

  function respondWith(
    exchange: Exchange,
    res: ServerResponse,
    options: AnswerOptions,
  ): MaybePromise<number> {
    const answer = pipeline.answer(exchange, options);
    return after(answer instanceof Promise ? within(answer) : answer, (found) =>
      isPending(found) ? deliverPending(exchange, found.pending, res) : deliver(exchange, found, res),
    );
  }

  async function deliverPending(exchange: Exchange, job: Job, res: ServerResponse): Promise<number> {
    return await send(exchange, await pendingReply(hooks, exchange, job), res);
  }

  function preflight({ endpoint }: Exchange, res: ServerResponse): number {
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

  async function fail(exchange: Exchange, error: unknown, res: ServerResponse): Promise<number> {
    const { req } = res;
    if (res.destroyed || res.headersSent) {
      res.destroy();
      return 0;
    }
    const failure = wrap(error, "answer", "core");
    // No language has found an asset in it.
    const isHome = /^\/(?:\?|$)/.test(req.url ?? "") && (req.method === "GET" || req.method === "HEAD");
    if (isHome && failure.code === "ENOENT" && !exchange.job) {
      return await send(exchange, textReply(exchange, home(hostOf(req))), res);
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
    try {
      return await send(exchange, errorReply(exchange, failure, limitsOf(exchange.endpoint.tenant)), res);
    } catch (cause) {
      log.error({ err: cause, id: exchange.id }, "sending an error response failed");
      if (res.headersSent) res.destroy();
      else res.writeHead(500, { "cache-control": "no-store", "content-length": 0 }).end();
      return 0;
    }
  }
}
