import { type Plugin, type PluginApi, parseOptions } from "@mediatap/core";
import { z } from "zod";
import type { Queue } from "./batch.ts";
import { addCalls } from "./calls.ts";
import { addWarm, addWorker } from "./commands.ts";
import { createMake } from "./make.ts";
import { createMemoryQueue } from "./memory.ts";
import { createRedisQueue, work } from "./redis.ts";

const NAME = "warm";

const schema = z.strictObject({
  /** URLs that are made at once, here or by one worker. */
  concurrency: z.int().min(1).max(999).default(1),
  /** Of streams: how many segments from the start on, of each rung. */
  segments: z.int().min(0).max(10_000).default(0),
  /** How often a URL is tried again where the server is busy, or an origin in trouble. */
  retries: z.int().min(0).max(10).default(2),
  /** URLs that may wait; what comes beyond is refused with 503. */
  waiting: z.int().positive().default(100_000),
  /** In Redis, for workers of their own. Left out: in the memory of the process. */
  queue: z
    .strictObject({
      redis: z.string().regex(/^rediss?:\/\//, "Expected a URL that begins with redis:// or rediss://"),
      /** Name of the queue: servers and workers of one name belong together. */
      name: z
        .string()
        .regex(/^[\w-]+$/, "Expected letters, digits, _ and -")
        .default("warm"),
      /** Milliseconds after which the work of a worker that is not heard of is another one's. */
      takeOver: z.int().min(100).default(30_000),
    })
    .optional(),
});

/** Options of `warm`. */
export type WarmOptions = z.input<typeof schema>;

/**
 * Makes renditions before they are asked for: `POST /-/api/v1/warm`, `mediatap warm`, and with a queue in Redis
 * `mediatap worker`, which makes them on other machines.
 */
export function warm(options: WarmOptions = {}): Plugin {
  const checked = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply(api) {
      addCalls(api, checked.queue ? inRedis(api, checked) : inMemory(api, checked), checked.segments);
      addWarm(api);
    },
  };
}

type Checked = z.output<typeof schema>;

function inMemory(
  { hooks, shared, cluster: { bus }, logger, state, limitsOf, ...api }: PluginApi,
  options: Checked,
): Queue {
  const { concurrency, retries, waiting } = options;
  const name = `${NAME}:${JSON.stringify([concurrency, retries, waiting])}`;
  const queue = shared(name, () => createMemoryQueue({ concurrency, retries, waiting }, bus));
  const server = {
    make: createMake(api),
    load: () => state().work,
    rest: limitsOf().failureLifetime,
    logger,
  };
  hooks.start.tap(NAME, () => queue.use(server));
  return queue;
}

function inRedis(api: PluginApi, options: Checked): Queue {
  const { hooks, logger } = api;
  const { queue: place, retries, waiting, concurrency } = options;
  const { redis: url, name, takeOver } = place as NonNullable<Checked["queue"]>;
  const settings = { url, name, takeOver, retries, waiting };
  const queue = createRedisQueue(settings, logger);
  addWorker(api, { concurrency }, (concurrency, signal) =>
    work({ ...settings, concurrency, logger, make: createMake(api) }, signal),
  );
  hooks.stop.tapPromise(NAME, () => queue.close());
  return queue;
}

export default warm;
