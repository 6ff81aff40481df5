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
  readonly later: AfterApply;
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
  const { config, hooks, registrations, log, later, fetcher, limitsOf, cluster, shared, purge } = parts;
  const { name } = plugin;
  const registering = registrations.of(name);
  const jobs = (call: keyof JobsApi) => afterStart(later.jobs, name, `jobs.${call}`);
  const keys = (call: keyof KeysApi) => afterStart(later.keys, name, `config.keys.${call}`);
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
      keys: {
        open: (key, ip) => keys("open").open(key, ip),
        find: (id, ip) => keys("find").find(id, ip),
        all: (ip) => keys("all").all(ip),
        person: (person, ip) => keys("person").person(person, ip),
      },
    },
    origins: {
      storage: (origin) => afterStart(later.origins, name, `origins.storage("${origin}")`).storage(origin),
    },
    jobs: {
      resolve: (...asked) => jobs("resolve").resolve(...asked),
      admit: (...asked) => jobs("admit").admit(...asked),
      explain: (request) => jobs("explain").explain(request),
      sign: (...asked) => jobs("sign").sign(...asked),
      signatureFault: (...asked) => jobs("signatureFault").signatureFault(...asked),
      rewrite: (...asked) => jobs("rewrite").rewrite(...asked),
      obtain: (...asked) => jobs("obtain").obtain(...asked),
      cached: (job) => jobs("cached").cached(job),
      enqueue: (...asked) => jobs("enqueue").enqueue(...asked),
    },
    cluster,
    state: () => afterStart(later.state, name, "state")(),
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

/** What a plugin may ask for once the runtime is complete. */
function afterStart<T>(part: T | undefined, plugin: string, call: string): T {
  if (part !== undefined) return part;
  throw pluginError(plugin, `api.${call} was called too early: call it in a tap of start, or later`);
}
