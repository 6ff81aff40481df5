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
  /** URLs that are rendered at once, here or by one worker. */
  concurrency: z.int().min(1).max(999).default(1),
  /** For streams: number of segments from the start, of each rung. */
  segments: z.int().min(0).max(10_000).default(0),
  /** Retries of a URL if the server is busy or an origin fails. */
  retries: z.int().min(0).max(10).default(2),
  /** URLs that can wait; further ones are refused with 503. */
  waiting: z.int().positive().default(100_000),
  /** A queue in Redis, for separate workers. Left out: in the memory of the process. */
  queue: z
    .strictObject({
      redis: z.string().regex(/^rediss?:\/\//, "Expected a URL that begins with redis:// or rediss://"),
      /** Name of the queue: servers and workers with the same name work together. */
      name: z
        .string()
        .regex(/^[\w-]+$/, "Expected letters, digits, _ and -")
        .default("warm"),
      /** Milliseconds after which the job of a silent worker is reassigned. */
      takeOver: z.int().min(100).default(30_000),
    })
    .optional(),
});

/** Options of `warm`. */
export type WarmOptions = z.input<typeof schema>;

/**
 * Pre-renders URLs before they are requested: `POST /-/api/v1/warm`, `mediatap warm`, and with a queue in Redis
 * `mediatap worker`, which renders them on other machines.
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
    cooldown: limitsOf().failureLifetime,
    logger,
  };
  hooks.start.tap(NAME, () => queue.use(server));
  return queue;
}

function inRedis(api: PluginApi, options: Checked): Queue {
  const { hooks, logger } = api;
  const { queue: queueOptions, retries, waiting, concurrency } = options;
  const { redis: url, name, takeOver } = queueOptions as NonNullable<Checked["queue"]>;
  const settings = { url, name, takeOver, retries, waiting };
  const queue = createRedisQueue(settings, logger);
  addWorker(api, { concurrency }, (concurrency, signal) =>
    work({ ...settings, concurrency, logger, make: createMake(api) }, signal),
  );
  hooks.stop.tapPromise(NAME, () => queue.close());
  return queue;
}

export default warm;
