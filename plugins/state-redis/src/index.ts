import { type Plugin, parseOptions } from "@mediatap/core";
import { z } from "zod";
import { openRedis } from "./store.ts";

const NAME = "state-redis";

const schema = z.strictObject({
  /** Redis or Valkey: a URL, or the options of a client, a cluster (`rootNodes`) or sentinels (`sentinelRootNodes`). */
  redis: z.union([
    z.string().regex(/^rediss?:\/\/./, "Expected a URL that begins with redis:// or rediss://"),
    z.record(z.string(), z.unknown()),
  ]),
  /** What all keys begin with: machines of one namespace share their state. */
  namespace: z
    .string()
    .regex(/^[\w.:-]{1,100}$/, "Expected letters, digits, _, ., : and -")
    .default("mediatap"),
  /** Milliseconds that a read or a write may take. */
  timeout: z.int().positive().default(5_000),
});

/** Options of `stateRedis`. */
export type StateRedisOptions = z.input<typeof schema>;

/** Keeps what changes while servers run in Redis, for several machines. */
export function stateRedis(options: StateRedisOptions): Plugin {
  const settings = parseOptions(schema, options, NAME);
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    stateStore: { settings, open: ({ logger }) => openRedis(settings, logger) },
    apply() {},
  };
}

export default stateRedis;
