import { hostname } from "node:os";
import { type Plugin, parseOptions } from "@mediatap/core";
import { z } from "zod";
import { createShare, type Share } from "./share.ts";

const NAME = "share-redis";

const schema = z.strictObject({
  /** Redis or Valkey: a URL, or the options of a client, a cluster (`rootNodes`) or sentinels (`sentinelRootNodes`). */
  redis: z.union([z.string().min(1), z.record(z.string(), z.unknown())]),
  /** Prefix of all keys: machines with the same namespace work together. */
  namespace: z.string().min(1).default("mediatap"),
  /** Milliseconds that a request waits for a reply of Redis; then it continues without. */
  timeout: z.int().positive().default(100),
  /** Milliseconds after which the work of a machine that died is done by another. */
  expiry: z.int().min(300).max(60_000).default(3_000),
  /** Milliseconds that a request waits for the work of another machine; then this machine does it too. */
  patience: z.int().positive().default(30_000),
  /** Name for what this machine stores on its disks. Left out: its host name and the folder of the configuration. */
  member: z.string().min(1).optional(),
});

/** Options of `shareRedis`. */
export type ShareRedisOptions = z.input<typeof schema>;

/** Connects several machines by a Redis that they share: work is done once, and purges reach all. */
export function shareRedis(options: ShareRedisOptions): Plugin {
  const { member, ...checked } = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ hooks, shared, cluster, logger, limitsOf, config: { base } }) {
      const settings = {
        ...checked,
        name: NAME,
        member: member ?? `${hostname()}:${base}`,
        cooldown: limitsOf().failureLifetime,
      };
      const share = shared<Share>(`${NAME}:${JSON.stringify(settings)}`, () =>
        createShare({ ...settings, api: { cluster, logger } }),
      );

      hooks.start.tapPromise(NAME, () => share.start());

      hooks.diagnose.tapPromise(NAME, async (diagnosis) => {
        if (diagnosis.local) return;
        try {
          const text = `a value is written and read in ${Math.round(await share.probe())} ms`;
          diagnosis.add({ what: NAME, state: "good", text });
        } catch (error) {
          const advice = "check that it runs, and that this machine can reach it with these credentials";
          diagnosis.add({ what: NAME, state: "bad", text: (error as Error).message, advice });
        }
      });
    },
  };
}

export default shareRedis;
