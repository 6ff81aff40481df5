import { readdirSync, readFileSync } from "node:fs";
import {
  type Plugin,
  pageFile,
  parseOptions,
  type RouteHandler,
  type RuntimeInfo,
  type ServerState,
} from "@mediatap/core";
import { z } from "zod";
import { refusal } from "./password.ts";
import { createTally, SLOT, type Snapshot, summarize } from "./tally.ts";

const NAME = "page-status";
const VERSION = "0.1.0";
const PUBLIC = new URL("../public/", import.meta.url);

/** The worst first: what one worker has found out holds for all. */
const BREAKER_STATES = ["open", "half-open", "closed"] as const;

/** What goes on in one process. */
interface ProcessStatus extends Pick<ServerState, "work" | "breakers" | "traffic"> {
  /** Seconds. */
  readonly uptime: number;
  /** Bytes. */
  readonly memory: { readonly rss: number; readonly heapUsed: number; readonly external: number };
  readonly counted: Snapshot;
}

export interface PageStatusOptions {
  /** What a browser asks for before it shows the page, whatever the user. @default none: whoever reaches the server sees it */
  readonly password?: string | undefined;
}

const schema = z.strictObject({ password: z.string().min(1).optional() });

/**
 * A page for people at `/-/status`: requests, hits, times, queue, memory, origins and last failures of all workers, updated
 * every two seconds from `/-/status/data`. Its files are read once, in the factory.
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
    apply({ hooks, route, shared, state, cluster: { bus } }) {
      const tally = shared(NAME, () => createTally());
      const ends: (() => void)[] = [];
      let current: RuntimeInfo | undefined;
      hooks.start.tap(NAME, (runtime) => {
        current = runtime;
        ends.push(bus.answer(NAME, own));
      });
      hooks.stop.tap(NAME, () => {
        for (const end of ends.splice(0)) end();
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
        guarded(async () => ({
          headers: { "content-type": "application/json", "cache-control": "no-store" },
          body: JSON.stringify(await data()),
        })),
      );

      /** What goes on in this process. */
      function own(): ProcessStatus {
        const { work, breakers, traffic } = state();
        const { rss, heapUsed, external } = process.memoryUsage();
        const memory = { rss, heapUsed, external };
        return { uptime: process.uptime(), work, breakers, traffic, memory, counted: tally.snapshot() };
      }

      /** What goes on in all workers together. */
      async function data() {
        const processes = [own(), ...((await bus.ask(NAME)) as ProcessStatus[])];
        const { version, plugins } = state();
        const { origin, ...summary } = summarize(processes.map(({ counted }) => counted));
        return {
          version,
          node: process.version,
          workers: processes.length,
          uptime: Math.max(...processes.map(({ uptime }) => uptime)),
          generation: current?.number ?? 0,
          plugins: plugins.length,
          slot: SLOT,
          ...summary,
          work: sumOf(processes.map(({ work }) => work)),
          traffic: sumOf(processes.map(({ traffic }) => traffic)),
          memory: sumOf(processes.map(({ memory }) => memory)),
          origins: (current?.origins ?? []).map(({ name, type }) => ({
            name,
            type,
            breaker:
              BREAKER_STATES.find((one) => processes.some(({ breakers }) => breakers[name] === one)) ??
              "closed",
            ...origin(name),
          })),
        };
      }
    },
  };
}

function sumOf<T extends { readonly [K in keyof T]: number }>(all: readonly T[]): T {
  const [first] = all as readonly [T, ...T[]];
  const names = Object.keys(first) as (keyof T)[];
  const sums = names.map((name) => [name, all.reduce((sum, one) => sum + one[name], 0)] as const);
  return Object.fromEntries(sums) as T;
}

export default pageStatus;
