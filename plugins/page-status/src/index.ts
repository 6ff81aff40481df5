import { readdirSync, readFileSync } from "node:fs";
import { type Generation, type Plugin, pageFile, parseOptions, type RouteHandler } from "@mediatap/core";
import { z } from "zod";
import { refusal } from "./password.ts";
import { createTally, SLOT } from "./tally.ts";

const NAME = "page-status";
const VERSION = "0.1.0";
const PUBLIC = new URL("../public/", import.meta.url);

export interface PageStatusOptions {
  /** What a browser asks for before it shows the page, whatever the user. @default none: whoever reaches the server sees it */
  readonly password?: string | undefined;
}

const schema = z.strictObject({ password: z.string().min(1).optional() });

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
    apiVersion: 1,
    apply({ hooks, route, shared, state }) {
      const tally = shared(NAME, () => createTally());
      let current: Generation | undefined;
      hooks.start.tap(NAME, (generation) => {
        current = generation;
      });
      hooks.report.tap(NAME, (report) => tally.count(report));

      for (const { name, text } of files) {
        const handler = pageFile(name, text);
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
