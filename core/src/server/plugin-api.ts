import type { Logger } from "pino";
import { atSource, type LoadedConfig } from "../config/load.ts";
import type { Hooks } from "../hooks.ts";
import { codeOf } from "../model/errors.ts";
import type { KeysApi } from "../plugin/calls.ts";
import { pluginError } from "../plugin/errors.ts";
import { type FacadeEvents, facadeOf } from "../plugin/facade.ts";
import type {
  ConfigSections,
  JobsApi,
  OriginsApi,
  Plugin,
  PluginApi,
  ServerState,
} from "../plugin/plugin.ts";
import { reasonOf } from "../util/log.ts";
import { runningServer } from "./management-client.ts";
import type { Registrations } from "./registrations.ts";

/** What exists only once all plugins have been applied and the origins are open. */
export interface AfterApply {
  origins?: OriginsApi;
  jobs?: JobsApi;
  keys?: KeysApi;
  state?: () => ServerState;
}

type PluginApiParts = Pick<PluginApi, "fetcher" | "limitsOf" | "cluster" | "shared" | "purge"> & {
  readonly config: LoadedConfig;
  readonly hooks: Hooks;
  readonly registrations: Registrations;
  readonly log: Logger;
  /** As of `FacadeEvents`. */
  readonly startTimeout?: number | undefined;
  /** Its caller fills it in. */
  readonly lateBound: AfterApply;
};

/**
 * Applies all plugins of a configuration, each with what it may use. Returns the types of origins that they serve. Throws `ECONFIG`
 * with the name of the plugin.
 */
export function applyPlugins(parts: PluginApiParts): string[] {
  const { config, log, startTimeout } = parts;
  const types = new Set<string>();
  const names = new Map(config.plugins.map(({ name, parameterNames }) => [name, parameterNames]));
  const events: FacadeEvents = {
    ...(startTimeout !== undefined && { startTimeout }),
    nameIn: (language, subject) => names.get(language)?.[subject],
    onFor: (map, key) => map === "storage" && types.add(key),
    onFailure: (hook, error) =>
      log.warn(
        { err: error, cause: error.cause, hook, plugin: error.plugin },
        "a plugin failed and was skipped",
      ),
  };
  for (const plugin of config.plugins) apply(plugin, pluginApi(plugin, events, parts), config);
  parts.registrations.close();
  return [...types];
}

function pluginApi(plugin: Plugin, events: FacadeEvents, parts: PluginApiParts): PluginApi {
  const { config, hooks, registrations, log, lateBound, fetcher, limitsOf, cluster, shared, purge } = parts;
  const { name } = plugin;
  const registering = registrations.of(name);
  return {
    ...registering,
    command: (define) =>
      registering.command((program, openFolder) =>
        define(program, (flags) => runningServer(flags, config), openFolder),
      ),
    hooks: facadeOf(hooks, name, events),
    logger: log.child({ plugin: name }),
    fetcher,
    limitsOf,
    config: {
      base: config.base,
      section: (field) => sectionOf(config, plugin, field),
      keys: lateApi(() => lateBound.keys, name, "config.keys"),
    },
    origins: {
      storage: (origin) =>
        afterStart(lateBound.origins, name, `origins.storage("${origin}")`).storage(origin),
    },
    jobs: lateApi(() => lateBound.jobs, name, "jobs"),
    cluster,
    state: () => afterStart(lateBound.state, name, "state")(),
    shared,
    purge,
  };
}

function apply(plugin: Plugin, api: PluginApi, { source }: LoadedConfig): void {
  try {
    const returned: unknown = plugin.apply(api);
    if (typeof (returned as PromiseLike<unknown> | undefined)?.then !== "function") return;
    Promise.resolve(returned).catch(() => {});
  } catch (error) {
    if (codeOf(error) === "ECONFIG") throw atSource(source, error);
    throw atSource(source, pluginError(plugin.name, `apply failed: ${reasonOf(error)}`, error));
  }
  throw atSource(
    source,
    pluginError(
      plugin.name,
      "apply returned a promise, and nothing waits for it: apply is synchronous, what takes time belongs into hooks.start.tapPromise",
    ),
  );
}

/** The value of a section that a plugin has added. */
function sectionOf<K extends keyof ConfigSections>(
  { config }: LoadedConfig,
  { name, sections = {} }: Plugin,
  field: K,
): ConfigSections[K] {
  if (field in sections) return (config as unknown as ConfigSections)[field];
  throw pluginError(name, `api.config.section("${String(field)}"): the plugin's sections have no such field`);
}

/** A part of the API that exists only once the runtime is complete: before, each of its functions throws. */
function lateApi<T extends object>(part: () => T | undefined, plugin: string, at: string): T {
  return new Proxy({} as T, {
    get:
      (_, name) =>
      (...args: unknown[]) => {
        const existing = afterStart(part(), plugin, `${at}.${String(name)}`);
        return (Reflect.get(existing, name) as (...args: unknown[]) => unknown)(...args);
      },
  });
}

/** What a plugin may ask for once the runtime is complete. */
function afterStart<T>(part: T | undefined, plugin: string, call: string): T {
  if (part !== undefined) return part;
  throw pluginError(plugin, `api.${call} was called too early: call it in a tap of start, or later`);
}
