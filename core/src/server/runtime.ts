import { hash } from "node:crypto";
import { availableParallelism } from "node:os";
import type { Logger } from "pino";
import { createCache, createNegativeCache } from "../cache/cache.ts";
import { createPurges } from "../cache/purges.ts";
import { createTier, type Tier, type TierParts } from "../cache/tier.ts";
import { extensionsOf } from "../config/extensions.ts";
import { atSource, type LoadedConfig } from "../config/load.ts";
import { resolveEndpoints, resolveLimits, resolveOrigins, resolveTenants } from "../config/resolve.ts";
import type { ConfigSections } from "../config/schema.ts";
import { type FacadeEvents, facadeOf } from "../facade.ts";
import { createHooks, type Hooks } from "../hooks.ts";
import type { Traffic } from "../http/drain.ts";
import { createKeys } from "../http/keys.ts";
import { callsPath } from "../http/management.ts";
import { createRights } from "../http/purge.ts";
import type { Runtime } from "../http/runtime.ts";
import { exchangeOf, type Question } from "../http/synthetic-request.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import { codeOf, MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import { createLimitsOf } from "../model/limits.ts";
import { createBuiltInRegistry } from "../model/steps/built-in.ts";
import { type Breakers, createBreakers } from "../origin/breakers.ts";
import { createFetcher, type FetcherOptions } from "../origin/client/create.ts";
import type { Fetcher } from "../origin/client/fetcher.ts";
import { serverMarkOf } from "../origin/loop.ts";
import { createSavedCopies } from "../origin/saved-copies.ts";
import { createByteBudget } from "../origin/source.ts";
import { type OriginEntry, tapOrigins } from "../origin/sources.ts";
import {
  type AskedRequest,
  type KeysApi,
  type Plugin,
  type PluginApi,
  pluginError,
  type ServerState,
} from "../plugin.ts";
import { type Explanation, unexplained } from "../request/explain.ts";
import { createPipeline, type Pipeline } from "../request/pipeline.ts";
import type { ChangeState, RuntimeState } from "../state/account.ts";
import { openStore, readState, recordsOf } from "../state/open.ts";
import { createSecrets } from "../state/secrets.ts";
import type { Revision } from "../state/store.ts";
import { createBus } from "../util/bus.ts";
import { systemClock } from "../util/clock.ts";
import { didYouMean } from "../util/did-you-mean.ts";
import { reasonOf } from "../util/log.ts";
import { version } from "../util/version.ts";
import { createClusterLocks } from "../work/coalesce/cluster.ts";
import type { WorkerLocks } from "../work/coalesce/workers.ts";
import { createScheduler } from "../work/scheduler.ts";
import { runningServer } from "./management-client.ts";
import { createRegistrations, type RegisteredRenditions } from "./registrations.ts";
import { createShared, type Shared, type Shares, sharesOf } from "./singletons.ts";
import { limitsOfShare } from "./worker-limits.ts";

export interface RuntimeParts {
  readonly log: Logger;
  /** What it shares with other runtimes of the process. @default there are none */
  readonly shared?: Shared;
  /** 1, and one more with each reload. */
  readonly number?: number;
  /** Processes of this server, among which its budgets are divided. @default 1 */
  readonly workers?: number;
  /** Which of them does which work. Left out: there is one process. */
  readonly workerLocks?: WorkerLocks;
  /** What goes on over HTTP. Left out: nothing does. */
  readonly traffic?: Readonly<Pick<Traffic, "running" | "connections" | "isDraining">>;
  /** As of `FacadeEvents`. */
  readonly startTimeout?: number;
  /** The managed state on top of the configuration. @default the newest revision of the store, if a plugin keeps one */
  readonly revision?: Revision;
  /** Changes it. Left out: nothing can change. */
  readonly changeState?: ChangeState;
}

/**
 * Builds a runtime from a checked configuration. Throws `ECONFIG` naming file and field, and leaves nothing behind
 * then; nothing runs yet.
 */
export async function createRuntime(file: LoadedConfig, parts: RuntimeParts): Promise<Runtime> {
  const hooks = createHooks();
  const shares = sharesOf(parts.shared ?? createShared());
  try {
    const store = openStore(file, parts.log, shares.take);
    if (!store) return await buildRuntime(file, undefined, hooks, shares, parts);
    const { config, state } = await readState(file, store, parts.revision);
    const { changeState: change } = parts;
    return await buildRuntime(config, { ...state, ...(change && { change }) }, hooks, shares, parts);
  } catch (error) {
    const { number = 1, log } = parts;
    const info = { number, engines: "", endpoints: [], origins: [] };
    // Storages may have opened clients before another one refused its options.
    await hooks.stop.promise(info).catch((err: unknown) => log.warn({ err }, "stopping a plugin failed"));
    await shares.giveAll();
    throw error;
  }
}

async function buildRuntime(
  config: LoadedConfig,
  state: RuntimeState | undefined,
  hooks: Hooks,
  shares: Shares,
  parts: RuntimeParts,
): Promise<Runtime> {
  const { log, number = 1, workers = 1, workerLocks } = parts;
  const { traffic = { running: 0, connections: 0, isDraining: false } } = parts;
  const endpoints = endpointsOf(config);
  if (state) assertStateKey(config, endpoints);
  const tenants = resolveTenants(config.config);
  const limits = limitsOfShare(resolveLimits(config.config), workers);
  const limitsOf = createLimitsOf(limits, tenants);
  const byName = new Map(
    endpoints.map((endpoint) => [endpointId({ tenant: endpoint.tenant, endpoint: endpoint.name }), endpoint]),
  );
  const origins = new Map<string, OriginEntry>();
  const scheduler = shares.take("core:scheduler", () =>
    createScheduler(limits, availableParallelism() / workers),
  );
  const budget = shares.take("core:bytes", () => createByteBudget(limits.queueBytes));
  const bus = shares.take("core:bus", () => createBus(log));
  const purges = shares.take("core:purges", () => createPurges(bus, log));
  const locks = shares.take("core:locks", () => createClusterLocks(log));
  const steps = createBuiltInRegistry();
  const registrations = createRegistrations(steps, callsPath(config), (err, metric) =>
    log.warn({ err, metric }, "reading a metric failed"),
  );
  const requestFrom = config.config.requestFrom ?? "mediatap";
  const fetcher = fetcherOf(config, { limits, requestFrom, log, serverMark: serverMarkOf(endpoints) });
  const types = new Set<string>();
  let opened: typeof origins | undefined;
  let pipeline: Pipeline | undefined;
  let breakers: Breakers | undefined;
  let keys: KeysApi | undefined;
  let stopped: Promise<void> | undefined;

  const names = new Map(config.plugins.map(({ name, parameterNames }) => [name, parameterNames]));
  const events: FacadeEvents = {
    ...(parts.startTimeout !== undefined && { startTimeout: parts.startTimeout }),
    nameIn: (language, subject) => names.get(language)?.[subject],
    onFor: (map, key) => map === "storage" && types.add(key),
    onFailure: (hook, error) =>
      log.warn(
        { err: error, cause: error.cause, hook, plugin: error.plugin },
        "a plugin failed and was skipped",
      ),
  };
  for (const plugin of config.plugins) {
    const { name } = plugin;
    const after = <T>(part: T | undefined, call: string) => afterStart(part, name, call);
    const registering = registrations.of(name);
    const api: PluginApi = {
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
          open: (key, ip) => after(keys, "config.keys.open").open(key, ip),
          find: (id) => after(keys, "config.keys.find").find(id),
          all: () => after(keys, "config.keys.all").all(),
        },
      },
      origins: {
        storage: (origin) => originOf(after(opened, `origins.storage("${origin}")`), origin).storage,
      },
      jobs: {
        resolve: (url, headers) => resolveUrl(after(pipeline, "jobs.resolve"), url, headers),
        admit: (url, headers, ip) =>
          admitUrl(after(pipeline, "jobs.admit"), { url, headers: headers ?? {}, ip }),
        explain: (request) => explain(after(pipeline, "jobs.explain"), request),
        sign: (request, expires) => sign(after(pipeline, "jobs.sign"), request, expires),
        obtain: (job, { signal = new AbortController().signal, trusted = true } = {}) =>
          after(pipeline, "jobs.obtain").obtain(job, signal, trusted),
        enqueue: (job, options) => enqueue(after(pipeline, "jobs.enqueue"), job, options?.signal),
      },
      cluster: { workers, bus, locks, records: (name) => state && recordsOf(state.store, name) },
      state: () => serverState(after(breakers, "state")),
      shared: shares.take,
      async purge(what) {
        const { done, heard } = purges.begin([what]);
        await Promise.all([done, heard]);
      },
    };
    apply(plugin, api, config);
  }
  registrations.close();

  const usage = usageOf(config);

  function serverState(breakers: Breakers): ServerState {
    const plugins = config.plugins.map(({ name, version }) => ({ name, version }));
    const asked = breakers.states();
    const states = [...origins.keys()].map((name) => [name, asked[name] ?? "closed"] as const);
    return {
      version: version(),
      plugins,
      work: scheduler.load(),
      stores: registrations.caches.length > 0,
      breakers: Object.fromEntries(states),
      traffic: { requests: traffic.running, connections: traffic.connections },
      isDraining: traffic.isDraining,
      metrics: registrations.metrics,
      ...(usage && { usage }),
    };
  }

  async function resolveUrl(
    pipeline: Pipeline,
    url: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Job> {
    const exchange = exchangeOf({ url, headers }, { endpoints, tenants, limitsOf }, log);
    return (await pipeline.resolve(exchange)).job;
  }

  /** The exchange of a request to one of the endpoints that it may lead to. */
  function exchangeWithin({ url, headers = {}, endpoints: allowed }: AskedRequest): Exchange {
    const exchange = exchangeOf({ url, headers }, { endpoints, tenants, limitsOf }, log);
    const { tenant, name } = exchange.endpoint;
    if (allowed.some((one) => one.tenant === tenant && one.name === name)) return exchange;
    throw new MediaError("EFORBIDDEN", "This URL leads to an endpoint of another account");
  }

  async function explain(pipeline: Pipeline, request: AskedRequest): Promise<Explanation> {
    try {
      return await pipeline.explain(exchangeWithin(request));
    } catch (error) {
      return unexplained(request.url, error);
    }
  }

  async function sign(pipeline: Pipeline, request: AskedRequest, expires?: number): Promise<string> {
    const exchange = exchangeWithin(request);
    const { job } = await pipeline.resolve(exchange);
    const signed = await hooks.sign.for(job.language).promise(job, exchange, expires);
    if (signed?.url !== undefined) return signed.url;
    throw new MediaError(
      "EUNSUPPORTED",
      signed ? "This endpoint has no private key" : "URLs of this language have no signatures",
    );
  }

  async function admitUrl(pipeline: Pipeline, question: Question): Promise<Job> {
    const exchange = exchangeOf(question, { endpoints, tenants, limitsOf }, log);
    const { job } = await pipeline.resolve(exchange);
    await pipeline.admit(exchange, job);
    return job;
  }

  if (!hooks.resolve.isUsed()) {
    throw new MediaError(
      "ECONFIG",
      `${config.source}: plugins: Expected at least one URL language, for instance presets: [presetMediatap()]`,
    );
  }
  assertLanguages(config, endpoints);
  await openOrigins(config, hooks, [...types], origins);
  opened = origins;
  breakers = shares.take("core:breakers", () => createBreakers(limits, log));
  const { purgeRules } = purges;
  const originals = registrations.caches.find((cache) => cache.originals === true);
  const renditions = registrations.caches.filter((cache) => cache.originals !== true);
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
  const failures = shares.take("core:failures", () => {
    const negative = createNegativeCache();
    return { ...negative, close: purges.carry(async (rule) => negative.purge(rule)) };
  });
  const cache = createCache({ isUsed: renditions.length > 0, failures, now: purges.purgeRules.now });
  pipeline = createPipeline({
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
    ...(workerLocks ? { workerLocks } : {}),
  });

  const leave = purges.carry((rule) => hooks.purge.promise(rule));
  const places = [...origins.values()].map(({ name, type, fingerprint }) => ({ name, type, fingerprint }));
  const info = { number, engines, endpoints, origins: places };
  const rights = createRights({ config, endpoints, tenants, limitsOf, pipeline, purges, log, state });
  keys = createKeys({ endpoints, rightsOf: rights, calls: registrations.calls });
  return {
    info,
    config,
    hooks,
    cache,
    log,
    limitsOf,
    endpoints,
    tenants,
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
        const tiers = renditions.map((registered) => {
          registered.opened = openTier(registered);
          return registered.opened;
        });
        cache.open(tiers);
        if (originals) {
          const { plugin, open, ...options } = originals;
          const { backend, policy } = open(info);
          const { maxFileBytes: maxEntryBytes } = policy;
          const parts = { backend, options: { ...options, maxEntryBytes }, stores: "originals" } as const;
          originals.opened = tierOf(plugin, parts);
          copies?.open(originals.opened, policy);
          tiers.push(originals.opened);
        }
        await Promise.all(tiers.map((tier) => tier.start()));
      } catch (error) {
        throw atSource(config.source, startError(error, "plugins"));
      }
    },
    lead() {
      scheduler.adopt(limits);
      budget.adopt(limits.queueBytes);
      breakers?.adopt(limits);
    },
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };

  /** A backend that is open already, from the configuration before, is taken over. */
  function openTier({ plugin, settings, open, opened: _, ...options }: RegisteredRenditions): Tier {
    const own = renditions.filter((cache) => cache.plugin === plugin);
    const place = own.findIndex((cache) => cache.open === open);
    return shares.take(`cache:${plugin}:${place}:${JSON.stringify([settings, options])}`, () =>
      tierOf(plugin, { backend: open(info), options }),
    );
  }

  function tierOf(plugin: string, parts: Pick<TierParts, "backend" | "options" | "stores">): Tier {
    const tier = createTier({
      ...parts,
      name: plugin,
      log: log.child({ plugin }),
      clock: systemClock,
      cooldown: limits.failureLifetime,
      isPurged: purges.purgeRules.isPurged,
      onRule: purges.learn,
    });
    const leave = purges.carry(async (rule) => tier.purge(rule));
    return {
      ...tier,
      async close() {
        leave();
        await tier.close();
      },
    };
  }

  async function stop(): Promise<void> {
    leave();
    // Its storage ends with its plugin.
    await copies?.close();
    await hooks.stop
      .promise(info)
      .catch((error: unknown) => log.warn({ err: error }, "stopping a plugin failed"));
    await fetcher.close();
    await shares.giveAll();
  }
}

function endpointsOf({ config, plugins, source }: LoadedConfig): Endpoint[] {
  try {
    return resolveEndpoints(config, extensionsOf(plugins).endpointFields);
  } catch (error) {
    throw atSource(source, error);
  }
}

/** Management can change the state, and so must be able to encrypt its secrets. */
function assertStateKey(config: LoadedConfig, endpoints: readonly Endpoint[]): void {
  if (callsPath(config) === undefined || !endpoints.some(({ privateKeys }) => privateKeys.length > 0)) return;
  createSecrets().assertKey();
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

function fetcherOf({ config, source }: LoadedConfig, options: FetcherOptions): Fetcher {
  try {
    return createFetcher({ ...options, network: config.network ?? {} });
  } catch (error) {
    throw atSource(source, error);
  }
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

/** Why the server cannot start, for the operator: `where` it is, hook, plugin and cause. */
function startError(error: unknown, where: string): unknown {
  const { code, hook, plugin, message, cause } = error as Partial<MediaError>;
  if (hook === undefined || plugin === undefined) return error;
  if (code === "ECONFIG") {
    const isNamed = where !== "plugins" || message?.includes(plugin) === true;
    return isNamed ? error : pluginError(plugin, `${message}`, error);
  }
  // The message of a defect is for clients: its cause says what happened.
  const why = (code === "EINTERNAL" ? reasonOf(cause) || String(cause) : reasonOf(error)) || message;
  return new MediaError("ECONFIG", `${where}: ${plugin} failed in the hook ${hook}: ${why}`, {
    cause: cause ?? error,
    hook,
    plugin,
  });
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

/** Each configured origin through the storage plugin of its type. */
async function openOrigins(
  config: LoadedConfig,
  hooks: Hooks,
  types: readonly string[],
  origins: Map<string, OriginEntry>,
): Promise<void> {
  for (const { name, at, type, hedge, fingerprint, options } of resolveOrigins(config.config)) {
    const storage = await hooks.storage
      .for(type)
      .promise({ name, type, base: config.base, options })
      .catch((error: unknown) =>
        Promise.reject(atSource(config.source, atOrigin(startError(error, at), name, at))),
      );
    if (!storage) {
      throw new MediaError(
        "ECONFIG",
        `${config.source}: ${at}.type: no plugin serves '${type}'${didYouMean(type, types)}`,
      );
    }
    origins.set(name, { name, type, storage, fingerprint, ...(hedge === undefined ? {} : { hedge }) });
  }
}

/** Storages know an origin by its name; a tenant's stands elsewhere in the configuration. */
function atOrigin(error: unknown, name: string, at: string): unknown {
  if (codeOf(error) !== "ECONFIG") return error;
  const { message, hook, plugin } = error as MediaError;
  return new MediaError("ECONFIG", message.replaceAll(`origins.${name}`, at), {
    cause: error,
    ...(hook !== undefined && { hook }),
    ...(plugin !== undefined && { plugin }),
  });
}

function originOf(origins: ReadonlyMap<string, OriginEntry>, name: string): OriginEntry {
  const origin = origins.get(name);
  if (origin) return origin;
  throw new MediaError("ECONFIG", `unknown origin '${name}'${didYouMean(name, [...origins.keys()])}`);
}

async function enqueue(pipeline: Pipeline, job: Job, signal = new AbortController().signal) {
  await pipeline.background(job, signal);
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
