import type { Command } from "commander";
import type { Logger } from "pino";
import type { Cache } from "../cache/cache.ts";
import type { Purges } from "../cache/purges.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { Tenant } from "../config/resolve.ts";
import type { Hooks, RuntimeInfo } from "../hooks.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { LimitsOf } from "../model/limits.ts";
import type { Breakers } from "../origin/breakers.ts";
import type { OriginEntry } from "../origin/entry.ts";
import type { OpenFolder } from "../plugin/plugin.ts";
import type { Pipeline } from "../request/pipeline.ts";
import type { RuntimeState } from "../state/account.ts";
import type { Bus } from "../util/bus.ts";
import type { Scheduler } from "../work/scheduler.ts";
import type { FindEndpoint } from "./endpoint-router.ts";
import type { Keys } from "./keys.ts";
import type { Call, Route } from "./routes.ts";
import type { SyntheticExchange } from "./synthetic-request.ts";

export interface PluginCommand {
  readonly define: (program: Command, openFolder: OpenFolder) => void;
  readonly plugin: string;
}

/** One immutable configuration with its hooks and plugin instances. */
export interface Runtime {
  readonly info: RuntimeInfo;
  readonly config: LoadedConfig;
  readonly hooks: Hooks;
  readonly cache: Cache;
  readonly log: Logger;
  readonly limitsOf: LimitsOf;
  readonly endpoints: readonly Endpoint[];
  readonly tenants: readonly Tenant[];
  readonly find: FindEndpoint;
  readonly syntheticExchange: SyntheticExchange;
  readonly origins: ReadonlyMap<string, OriginEntry>;
  readonly pipeline: Pipeline;
  readonly scheduler: Scheduler;
  readonly breakers: Breakers;
  readonly purges: Purges;
  /** Announcements to other processes; of the process, as the purges are. */
  readonly bus: Bus;
  /** Left out: no plugin stores state, and nothing can change. */
  readonly state?: RuntimeState;
  readonly routes: readonly Route[];
  readonly calls: readonly Call[];
  readonly keys: Keys;
  readonly commands: readonly PluginCommand[];
  start(): Promise<void>;
  /** Sets its limits for what the runtimes of a process have in common. */
  adoptLimits(): void;
  /** Runs `stop` and gives back what it shares; once, however often it is called. */
  stop(): Promise<void>;
}
