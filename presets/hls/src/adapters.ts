import type { IncomingMessage, ServerResponse } from "node:http";

/** For `node:http` and Express: what is not below the path goes to `next`, else it is a 404. */
export type NodeHandler = (req: IncomingMessage, res: ServerResponse, next?: () => void) => void;

/** What is used of Koa's context. */
export interface KoaLike {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  respond?: boolean | undefined;
}

/** What is used of a Fastify instance. */
export interface FastifyLike {
  route(options: {
    method: string[];
    url: string;
    handler(
      request: { readonly raw: IncomingMessage },
      reply: { readonly raw: ServerResponse; hijack(): unknown },
    ): void;
  }): unknown;
}

/** The handler as each framework takes it. */
export interface Adapters {
  /** `app.use(videos.handler)` in Express; `createServer(videos.handler)`. */
  readonly handler: NodeHandler;
  /** `app.use(videos.koa)`. */
  readonly koa: (context: KoaLike, next: () => Promise<unknown>) => Promise<void>;
  /** `app.use(videos.hono)`, with `@hono/node-server`. */
  readonly hono: (
    context: { readonly env: unknown },
    next: () => Promise<void>,
  ) => Promise<Response | undefined>;
  /** `app.register(videos.fastify)`. */
  readonly fastify: (instance: FastifyLike, options: unknown, done: () => void) => void;
}

/**
 * What `@hono/node-server` takes for a response that was sent by other means. Made before it replaces the global `Response`, as its
 * own constant of this kind is.
 */
const SENT_ALREADY = new Response(null, { headers: { "x-hono-already-sent": "true" } });

export function adaptersOf(
  path: string,
  handle: (req: IncomingMessage, res: ServerResponse) => void,
): Adapters {
  /** Whether the handler answers a request. A router may have removed the part of the path by which it found the handler. */
  function takes(req: IncomingMessage): boolean {
    const { originalUrl } = req as { readonly originalUrl?: string };
    const url = originalUrl ?? req.url ?? "";
    if (!url.startsWith(`${path}/`)) return false;
    req.url = url;
    return true;
  }

  return {
    handler(req, res, next) {
      if (takes(req)) handle(req, res);
      else if (next) next();
      else res.writeHead(404, { "content-type": "text/plain" }).end("Not Found\n");
    },
    async koa(context, next) {
      if (!takes(context.req)) return void (await next());
      context.respond = false;
      handle(context.req, context.res);
    },
    async hono({ env }, next) {
      const { incoming, outgoing } = env as { incoming?: IncomingMessage; outgoing?: ServerResponse };
      if (!incoming || !outgoing) throw new TypeError("Expected @hono/node-server to serve the app");
      if (!takes(incoming)) return void (await next());
      handle(incoming, outgoing);
      return SENT_ALREADY;
    },
    fastify(instance, _options, done) {
      instance.route({
        method: ["GET", "HEAD", "OPTIONS"],
        url: `${path}/*`,
        handler({ raw }, reply) {
          reply.hijack();
          handle(raw, reply.raw);
        },
      });
      done();
    },
  };
}
