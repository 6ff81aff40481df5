import { availableParallelism } from "node:os";
import { type Plugin, type PluginApi, parseOptions } from "@mediatap/core";
import { z } from "zod";
import { addCalls } from "./calls.ts";
import { createClient, type QueueClient } from "./client.ts";
import { addWork } from "./command.ts";
import { work } from "./worker.ts";

const NAME = "queue-bullmq";

const schema = z.strictObject({
  redis: z.string().regex(/^rediss?:\/\/./, "Expected a URL that begins with redis:// or rediss://"),
  name: z
    .string()
    .regex(/^[\w-]+$/, "Expected letters, digits, _ and -")
    .default("mediatap"),
  concurrency: z.int().min(1).max(999).optional(),
  waiting: z.int().min(1).max(100_000).default(1_000),
  wait: z.int().min(100).default(60_000),
  takeOver: z.int().min(100).default(30_000),
});

/** Options of `queueBullmq`. */
export interface QueueBullmqOptions {
  /** URL of Redis or Valkey: `redis://` or `rediss://`. */
  readonly redis: string;
  /** Name of the queue: servers and workers with the same name work together. @default "mediatap" */
  readonly name?: string;
  /** Jobs that one worker has at once; of these, its scheduler runs as many as its limits allow. @default its number of cores */
  readonly concurrency?: number;
  /** Jobs for which one server process waits at once; it does further ones itself. @default 1000 */
  readonly waiting?: number;
  /** Milliseconds that a job waits for a worker; then the server does it itself. @default 60000 */
  readonly wait?: number;
  /** Milliseconds after which the job of a silent worker is reassigned. @default 30000 */
  readonly takeOver?: number;
}

/**
 * Runs background work on other machines: servers add it to a BullMQ queue in Redis, `mediatap work` does it, and the shared caches
 * contain the result. Without a worker, or without Redis, the server does the work itself.
 */
export function queueBullmq(options: QueueBullmqOptions): Plugin {
  const {
    concurrency = availableParallelism(),
    waiting,
    wait,
    ...queueOptions
  } = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply(api) {
      const { hooks, shared, logger, limitsOf } = api;
      let isWorker = false;
      let client: QueueClient | undefined;
      let engines = "";

      hooks.start.tap(NAME, (runtime) => {
        engines = runtime.engines;
        // Workers with other plugins would store what this server cannot use, so they have another queue.
        const settings = { url: queueOptions.redis, name: `${queueOptions.name}-${engines}`, waiting, wait };
        const cooldown = limitsOf().failureLifetime;
        client = shared(`${NAME}:${JSON.stringify([settings, cooldown])}`, () =>
          createClient({ ...settings, cooldown, logger }),
        );
      });
      addCalls(api, NAME, () => client);
      hooks.background.tapPromise(NAME, async (work, signal) =>
        isWorker ? undefined : await client?.run(work, signal),
      );
      addWork(api, concurrency, async (concurrency, signal) => {
        isWorker = true;
        const settings = {
          url: queueOptions.redis,
          name: `${queueOptions.name}-${engines}`,
          takeOver: queueOptions.takeOver,
        };
        await work({ ...settings, concurrency, ...partsOf(api) }, signal);
      });
      hooks.diagnose.tapPromise(NAME, async (diagnosis) => {
        if (diagnosis.local || !client) return;
        const advice = "check that it runs, and that this machine can reach it with these credentials";
        const count = await client.workers().catch(() => undefined);
        if (count === undefined) {
          diagnosis.add({ what: NAME, state: "bad", text: "Redis cannot be reached", advice });
        } else if (count === 0) {
          const advice = "start one with mediatap work, with the same configuration";
          diagnosis.add({ what: NAME, state: "poor", text: "no worker is connected", advice });
        } else {
          diagnosis.add({ what: NAME, state: "good", text: `${count} workers are connected` });
        }
      });
    },
  };
}

const partsOf = ({ jobs, logger, limitsOf }: PluginApi) => ({
  obtain: jobs.obtain,
  logger,
  drain: limitsOf().drain,
});

export default queueBullmq;
