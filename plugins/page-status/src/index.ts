import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { type Generation, type Plugin, parseOptions, type RouteHandler } from "@mediatap/core";
import { z } from "zod";
import { refusal } from "./password.ts";
import { createTally, SLOT } from "./tally.ts";

const NAME = "page-status";
const VERSION = "0.1.0";
const PUBLIC = new URL("../public/", import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

export interface PageStatusOptions {
  /** What a browser asks for before it shows the page, whatever the user. @default none: whoever reaches the server sees it */
  readonly password?: string | undefined;
}

const schema = z.strictObject({ password: z.string().min(1).optional() });

/** Everything from this server, nothing inline. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * A page for people at `/-/status`: requests, hits, times, queue, memory, origins and last failures of this process, anew each
 * two seconds from `/-/status/data`. Its files are read once, in the factory.
 */
export function pageStatus(options: PageStatusOptions = {}): Plugin {
  const { password } = parseOptions(schema, options, NAME);
  const files = readdirSync(PUBLIC).map((name) => ({
    name,
    text: readFileSync(new URL(name, PUBLIC), "utf8"),
  }));
  const guarded = (handler: RouteHandler): RouteHandler =>
    password === undefined
      ? handler
      : async (request) => (await refusal(request, password)) ?? (await handler(request));
  return {
    name: NAME,
    version: VERSION,
    apply({ hooks, route, shared, state }) {
      const tally = shared(NAME, () => createTally());
      let current: Generation | undefined;
      hooks.start.tap(NAME, (generation) => {
        current = generation;
      });
      hooks.report.tap(NAME, (report) => tally.count(report));

      for (const { name, text } of files) {
        const handler = file(text, TYPES[extname(name)] ?? "text/plain; charset=utf-8");
        if (name === "index.html") route("GET", "/-/status", guarded(handler));
        else route("GET", `/-/status/${name}`, handler);
      }
      route(
        "GET",
        "/-/status/data",
        guarded(() => ({
          headers: { "content-type": "application/json", "cache-control": "no-store" },
          body: JSON.stringify(data()),
        })),
      );

      function data() {
        const { version, work, breakers, plugins } = state();
        const { rss, heapUsed, external } = process.memoryUsage();
        const places = current?.origins ?? [];
        return {
          version,
          node: process.version,
          uptime: process.uptime(),
          generation: current?.number ?? 0,
          plugins: plugins.length,
          slot: SLOT,
          ...tally.read(),
          work,
          memory: { rss, heapUsed, external },
          origins: places.map(({ name, type }) => ({
            name,
            type,
            breaker: breakers[name] ?? "closed",
            ...tally.origin(name),
          })),
        };
      }
    },
  };
}

export default pageStatus;

/** Kept by browsers, but asked for each time: the page changes with its server. */
function file(body: string, type: string): RouteHandler {
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  const headers = {
    "cache-control": "no-cache",
    "content-security-policy": POLICY,
    etag,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  return (request) =>
    request.header("if-none-match")?.includes(etag)
      ? { status: 304, headers }
      : { headers: { ...headers, "content-type": type }, body };
}
