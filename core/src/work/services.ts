import type { Logger } from "pino";
import type { Cache } from "../cache/cache.ts";
import type { Bans } from "../cache/purge-rules.ts";
import type { Hooks } from "../hooks.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { LimitsOf } from "../model/limits.ts";
import type { StepRegistry } from "../model/steps/registry.ts";
import type { ByteBudget } from "../origin/source.ts";
import type { OriginEntry } from "../origin/sources.ts";
import type { ClusterLocks } from "./coalesce/cluster.ts";
import type { WorkerLocks } from "./coalesce/workers.ts";
import type { Scheduler } from "./scheduler.ts";

/** What the pipeline of one runtime works with. */
export interface Services {
  readonly hooks: Hooks;
  readonly cache: Cache;
  readonly log: Logger;
  readonly limitsOf: LimitsOf;
  readonly steps: StepRegistry;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly origins: ReadonlyMap<string, OriginEntry>;
  readonly scheduler: Scheduler;
  readonly budget: ByteBudget;
  /** What was purged lately. */
  readonly bans: Bans;
  /** Hash over the engines installed and their versions. */
  readonly engines: string;
  /** Who does which work, among machines. */
  readonly locks: ClusterLocks;
  /** The same among the workers of this server. Left out: there are none. */
  readonly workerLocks?: WorkerLocks;
}
