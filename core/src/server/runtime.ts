import { hash } from "node:crypto";
import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { createCache, createNegativeCache } from "../cache/cache.ts";
import { createPurges } from "../cache/purges.ts";
import { extensionsOf } from "../config/extensions.ts";
import { atSource, type LoadedConfig } from "../config/load.ts";
import { resolveEndpoints, resolveLimits, resolveTenants } from "../config/resolve.ts";
import { createHooks, type Hooks } from "../hooks.ts";
import type { Traffic } from "../http/drain.ts";
import { createFindEndpoint } from "../http/endpoint-router.ts";
import { createKeys } from "../http/keys.ts";
import { callsPath, managementPath } from "../http/management.ts";
import type { Runtime } from "../http/runtime.ts";
import { createSyntheticExchange } from "../http/synthetic-request.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import { createLimitsOf } from "../model/limits.ts";
import { createBuiltInRegistry } from "../model/steps/built-in.ts";
import { createBreakers } from "../origin/breakers.ts";
import { createFetcher } from "../origin/client/create.ts";
import { serverMarkOf } from "../origin/loop.ts";
import { createSavedCopies } from "../origin/saved-copies.ts";
import { createByteBudget } from "../origin/source.ts";
import { tapOrigins } from "../origin/sources.ts";
import { pluginError } from "../plugin/errors.ts";
import type { Plugin, ServerState } from "../plugin/plugin.ts";
import type { Revision } from "../plugin/state-store.ts";
import { createPipeline } from "../request/pipeline.ts";
import type { ChangeState, ExamineState, RuntimeState } from "../state/account.ts";
import { openStore, readState, recordsOf } from "../state/open.ts";
import { createSecrets } from "../state/secrets.ts";
import { createBus } from "../util/bus.ts";
import { didYouMean } from "../util/did-you-mean.ts";
import { createLogger } from "../util/log.ts";
import { createRateLimiter, type RateLimiter } from "../util/rate-limiter.ts";
import { version } from "../util/version.ts";
import { createClusterLocks } from "../work/coalesce/cluster.ts";
import type { WorkerLocks } from "../work/coalesce/workers.ts";
import { createScheduler } from "../work/scheduler.ts";
import { closeOwnCaches, openCaches } from "./caches.ts";
import { createJobs } from "./jobs.ts";
import { openOrigins, originOf } from "./origins.ts";
import { type AfterApply, applyPlugins } from "./plugin-api.ts";
import { createRegistrations } from "./registrations.ts";
import { type RuntimeSingletons, type Singletons, singletonsOf } from "./singletons.ts";
import { startError } from "./start-error.ts";
import { perWorkerLimits } from "./worker-limits.ts";

export interface RuntimeParts {
  /** Left out: nothing is logged. */
  readonly log?: Logger;
  /** What it shares with other runtimes of the process. @default there are none */
  readonly shared?: Singletons;
  /** 1, and one more with each reload. */
  readonly number?: number;
  /** Processes of this server, among which its budgets are divided. @default 1 */
  readonly workers?: number;
  /** Which of them does which work. Left out: there is one process. */
  readonly workerLocks?: WorkerLocks;
  /** Counts for all of them. Left out: there is one process. */
  readonly workerRates?: RateLimiter;
  /** What goes on over HTTP. Left out: nothing does. */
  readonly traffic?: Readonly<Pick<Traffic, "running" | "connections" | "isDraining">>;
  /** As of `FacadeEvents`. */
  readonly startTimeout?: number;
  /** The managed state on top of the configuration. @default the newest revision of the store, if a plugin keeps one */
  readonly revision?: Revision;
  /** Changes it. Left out: nothing can change. */
  readonly changeState?: ChangeState;
  readonly examineState?: ExamineState;
}

/**
 * Builds a runtime from a checked configuration. Throws `ECONFIG` naming file and field, and leaves nothing behind
 * then; nothing runs yet.
 */
export async function createRuntime(file: LoadedConfig, given: RuntimeParts = {}): Promise<Runtime> {
  const parts = { log: createLogger({ level: "silent" }), ...given };
  const hooks = createHooks();
  const singletons = singletonsOf(parts.shared ?? new Map());
  try {
    const store = openStore(file, parts.log, singletons.acquire);
    if (!store) return await buildRuntime(file, undefined, hooks, singletons, parts);
    const { config, state } = await readState(file, store, parts.revision);
    const { changeState: change, examineState: examine } = parts;
    return await buildRuntime(
      config,
      { ...state, ...(change && { change }), ...(examine && { examine }) },
      hooks,
      singletons,
      parts,
    );
  } catch (error) {
    const { number = 1, log } = parts;
    const info = { number, engines: "", endpoints: [], origins: [] };
    // Storages may have opened clients before another one refused its options.
    await hooks.stop.promise(info).catch((err: unknown) => log.warn({ err }, "stopping a plugin failed"));
    await singletons.releaseAll();
    throw error;
  }
}

async function buildRuntime(
  config: LoadedConfig,
  state: RuntimeState | undefined,
  hooks: Hooks,
  singletons: RuntimeSingletons,
  parts: RuntimeParts & { readonly log: Logger },
): Promise<Runtime> {
  const { log, number = 1, workers = 1, workerLocks } = parts;
  const { traffic = { running: 0, connections: 0, isDraining: false } } = parts;
  const { endpointFields } = extensionsOf(config.plugins);
  const endpoints = atConfig(config, () => resolveEndpoints(config.config, endpointFields));
  // Management can change the state, and so must be able to encrypt its secrets.
  if (state && managementPath({ config, endpoints }) !== undefined) createSecrets().assertKey();
  const tenants = resolveTenants(config.config);
  const find = createFindEndpoint(endpoints, tenants);
  const limits = perWorkerLimits(resolveLimits(config.config), workers);
  const limitsOf = createLimitsOf(limits, tenants);
  const byName = new Map(
    endpoints.map((endpoint) => [endpointId({ tenant: endpoint.tenant, endpoint: endpoint.name }), endpoint]),
  );
  const scheduler = singletons.acquire("core:scheduler", () =>
    createScheduler(limits, availableParallelism() / workers),
  );
  const budget = singletons.acquire("core:bytes", () => createByteBudget(limits.queueBytes));
  const bus = singletons.acquire("core:bus", () => createBus(log));
  const purges = singletons.acquire("core:purges", () => createPurges(bus, log));
  const locks = singletons.acquire("core:locks", () => createClusterLocks(log));
  const rates = parts.workerRates ?? singletons.acquire("core:rates", () => createRateLimiter());
  const steps = createBuiltInRegistry();
  const registrations = createRegistrations(steps, callsPath(config), (err, metric) =>
    log.warn({ err, metric }, "reading a metric failed"),
  );
  const { requestFrom = "mediatap", network = {} } = config.config;
  const serverMark = serverMarkOf(endpoints);
  const fetcher = atConfig(config, () => createFetcher({ limits, requestFrom, network, log, serverMark }));
  const lateBound: AfterApply = {};
  let stopped: Promise<void> | undefined;

  const types = applyPlugins({
    config,
    hooks,
    registrations,
    log,
    fetcher,
    limitsOf,
    startTimeout: parts.startTimeout,
    lateBound,
    cluster: { workers, bus, locks, records: (name) => state && recordsOf(state.store, name) },
    shared: singletons.acquire,
    async purge(what) {
      const { done, heard } = purges.begin([what]);
      await Promise.all([done, heard]);
    },
  });

  if (!hooks.resolve.isUsed()) {
    throw new MediaError(
      "ECONFIG",
      `${config.source}: plugins: Expected at least one URL language, for instance presets: [presetMediatap()]`,
    );
  }
  assertLanguages(config, endpoints);
  const origins = await openOrigins(config, hooks, types);
  const breakers = singletons.acquire("core:breakers", () => createBreakers(limits, log));
  const { purgeRules } = purges;
  const { caches } = registrations;
  const renditions = caches.filter((cache) => cache.originals !== true);
  const originals = caches.find((cache) => cache.originals === true);
  const copies =
    originals &&
    createSavedCopies({
      plugin: originals.plugin,
      origins,
      budget,
      purgeRules,
      locks,
      log: log.child({ plugin: originals.plugin }),
    });
  tapOrigins({ hooks, origins, endpoints: byName, budget, breakers, purgeRules, copies, log });
  const registered = await Promise.all(registrations.fingerprints);
  const fingerprints = [...registered, ...(config.code === undefined ? [] : [config.code])];
  const engines = hash("sha256", JSON.stringify(fingerprints.sort()), "base64url").slice(0, 16);
  const failures = singletons.acquire("core:failures", () => {
    const negative = createNegativeCache();
    return { ...negative, close: purges.carry(async (rule) => negative.purge(rule)) };
  });
  const cache = createCache({
    isUsed: renditions.length > 0,
    failures,
    now: purges.purgeRules.now,
  });
  const pipeline = createPipeline({
    hooks,
    cache,
    log,
    limitsOf,
    steps,
    endpoints: byName,
    origins,
    scheduler,
    copies,
    purgeRules,
    engines,
    locks,
    rates,
    ...(workerLocks ? { workerLocks } : {}),
  });

  const leave = purges.carry((rule) => hooks.purge.promise(rule));
  const places = [...origins.values()].map(({ name, type, fingerprint }) => ({ name, type, fingerprint }));
  const info = { number, engines, endpoints, origins: places };
  const syntheticExchange = createSyntheticExchange({ find, limitsOf, log });
  const ofKeys = { config, endpoints, tenants, syntheticExchange, pipeline, cache, purges, log, state };
  const keys = createKeys({ ...ofKeys, calls: registrations.calls, bus, shared: singletons.acquire });
  const usage = usageOf(config);
  lateBound.origins = { storage: (origin) => originOf(origins, origin).storage };
  lateBound.jobs = createJobs({ hooks, pipeline, syntheticExchange });
  lateBound.keys = keys;
  lateBound.state = serverState;
  return {
    info,
    config,
    hooks,
    cache,
    log,
    limitsOf,
    endpoints,
    tenants,
    find,
    syntheticExchange,
    origins,
    pipeline,
    scheduler,
    breakers,
    routes: registrations.routes,
    calls: registrations.calls,
    keys,
    commands: registrations.commands,
    purges,
    ...(state && { state }),
    bus,
    async start() {
      try {
        await hooks.start.promise(info);
        const { failureLifetime: cooldown } = limits;
        await openCaches({ renditions, originals, cache, copies, singletons, purges, cooldown, log }, info);
      } catch (error) {
        throw atSource(config.source, startError(error, "plugins"));
      }
    },
    adoptLimits() {
      scheduler.adopt(limits);
      budget.adopt(limits.queueBytes);
      breakers.adopt(limits);
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };

  function serverState(): ServerState {
    const plugins = config.plugins.map(({ name, version, urlBuilder }) => ({
      name,
      version,
      ...(urlBuilder && { urlBuilder }),
    }));
    const breakerStates = breakers.states();
    const states = [...origins.keys()].map((name) => [name, breakerStates[name] ?? "closed"] as const);
    return {
      version: version(),
      plugins,
      work: scheduler.load(),
      stores: caches.length > 0,
      breakers: Object.fromEntries(states),
      traffic: { requests: traffic.running, connections: traffic.connections },
      isDraining: traffic.isDraining,
      metrics: registrations.metrics,
      ...(usage && { usage }),
    };
  }

  async function stop(): Promise<void> {
    leave();
    // Their storages end with their plugins.
    await Promise.all([copies?.close(), closeOwnCaches(renditions)]);
    await hooks.stop
      .promise(info)
      .catch((error: unknown) => log.warn({ err: error }, "stopping a plugin failed"));
    await fetcher.close();
    await singletons.releaseAll();
  }
}

/** Does work; what is wrong is reported with the name of the configuration. */
function atConfig<T>({ source }: LoadedConfig, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw atSource(source, error);
  }
}

/** Reports about past requests, of the plugin that has them. */
function usageOf({ plugins, source }: LoadedConfig): Plugin["usage"] {
  const [first, second] = plugins.filter(({ usage }) => usage !== undefined);
  if (!second) return first?.usage;
  throw atSource(
    source,
    pluginError(second.name, `${first?.name} reports usage, too: remove one of the plugins`),
  );
}

/** Languages that endpoints name must be plugins that are installed. */
function assertLanguages({ source, plugins }: LoadedConfig, endpoints: readonly Endpoint[]): void {
  const names = plugins.map((plugin) => plugin.name);
  for (const { name, languages } of endpoints) {
    const unknown = languages.find((language) => !names.includes(language));
    if (unknown !== undefined) {
      const hint = didYouMean(unknown, names);
      throw new MediaError(
        "ECONFIG",
        `${source}: endpoints.${name}.languages: no plugin '${unknown}'${hint}`,
      );
    }
  }
}
