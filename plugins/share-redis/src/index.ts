import { hostname } from "node:os";
import { type Plugin, parseOptions } from "@mediatap/core";
import { z } from "zod";
import { createShare, type Share } from "./share.ts";

const NAME = "share-redis";

const schema = z.strictObject({
  /** Redis or Valkey: a URL, or the options of a client, a cluster (`rootNodes`) or sentinels (`sentinelRootNodes`). */
  redis: z.union([z.string().min(1), z.record(z.string(), z.unknown())]),
  /** What all keys begin with: machines of one namespace belong together. */
  namespace: z.string().min(1).default("mediatap"),
  /** Milliseconds that a request waits for an answer of Redis; then it goes on without. */
  timeout: z.int().positive().default(100),
  /** Milliseconds after which the work of a machine that died is done by another. */
  expiry: z.int().min(300).max(60_000).default(3_000),
  /** Milliseconds for which the work of another machine is waited for; then it is done here, too. */
  patience: z.int().positive().default(30_000),
  /** A name for what this machine keeps on its disks. Left out: the name of its host, and the folder of the configuration. */
  member: z.string().min(1).optional(),
});

/** Options of `shareRedis`. */
export type ShareRedisOptions = z.input<typeof schema>;

/** Makes one server of several machines, by a Redis that they have in common: work is done once, purges reach all. */
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
        rest: limitsOf().failureLifetime,
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
