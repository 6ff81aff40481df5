import { measureCache } from "../cache/metrics.ts";
import type { Tier } from "../cache/tier.ts";
import { CORE } from "../http/management.ts";
import { openApiOf } from "../http/openapi.ts";
import { PURGE_CALLS } from "../http/purge-calls.ts";
import { type Call, METHODS, type Method, type Route } from "../http/routes.ts";
import type { PluginCommand } from "../http/runtime.ts";
import type { MediaError } from "../model/errors.ts";
import type { StepRegistry } from "../model/steps/registry.ts";
import type { CacheRegistration, OriginalsRegistration } from "../plugin/cache-backend.ts";
import { pluginError, wrap } from "../plugin/errors.ts";
import type { Metric, PluginApi } from "../plugin/plugin.ts";
import { STATE_CALLS } from "../state/calls.ts";
import { KEY_CALLS } from "../state/key-calls.ts";

/** Paths of the core. */
const CORE_ROUTES = ["/-/live", "/-/ready", "/-/explain"].map((path) => ({ path, plugin: CORE }));

interface OfPlugin {
  readonly plugin: string;
  /** Once its backend has been opened. */
  opened?: Tier;
}

/** A cache of renditions, and the plugin that registered it. */
export type RegisteredRenditions = CacheRegistration & OfPlugin;
export type RegisteredOriginals = OriginalsRegistration & OfPlugin;
type RegisteredCache = RegisteredRenditions | RegisteredOriginals;

type Registering = Pick<PluginApi, "route" | "manage" | "fingerprint" | "metric" | "steps" | "cache"> & {
  command(define: PluginCommand["define"]): void;
};

export type Registrations = ReturnType<typeof createRegistrations>;

/**
 * What plugins register while they are applied. What clashes is refused with both names: otherwise the order of plugins
 * would silently decide which one is used.
 */
export function createRegistrations(
  registry: StepRegistry,
  managementPath: string | undefined,
  onMetricFailure: (error: MediaError, metric: string) => void,
) {
  const routes: Route[] = [];
  const calls: Call[] = [...PURGE_CALLS, ...STATE_CALLS, ...KEY_CALLS].map((call) => ({
    ...call,
    plugin: CORE,
  }));
  calls.push({
    method: "GET",
    path: "/openapi.json",
    role: "read",
    plugin: CORE,
    handler: () => ({ body: openApiOf(calls, managementPath ?? "") }),
    describe: () => ({ summary: "This document", response: { type: "object" } }),
  });
  const commands: PluginCommand[] = [];
  const fingerprints: (string | Promise<string>)[] = [];
  const metrics: Metric[] = [];
  const caches: RegisteredCache[] = [];
  const owners = new Map<string, string>();
  let isClosed = false;

  function assertOpen(plugin: string, call: string): void {
    if (!isClosed) return;
    throw pluginError(plugin, `api.${call} was called after apply had returned: call it in apply`);
  }

  function of(plugin: string): Registering {
    const registering: Registering = {
      route(method, path, handler) {
        assertOpen(plugin, "route");
        assertMethod(plugin, method);
        if (path !== "/" && !/^\/-(?:\/[\w.~-]+|\/:\w+)+$/.test(path)) {
          throw pluginError(plugin, `Expected a route below /-/ but received '${path}'`);
        }
        if (managementPath !== undefined && overlaps(path, `${managementPath}/`)) {
          throw pluginError(plugin, `the route ${path} lies below the management's path: use api.manage`);
        }
        assertFree({ method, path, plugin }, [...CORE_ROUTES, ...routes], "route");
        routes.push({ method, path, handler, plugin });
      },
      manage(method, path, handler, { role = "configure", atRoot = false, ...more } = {}) {
        assertOpen(plugin, "manage");
        assertMethod(plugin, method);
        if (!/^(?:\/[\w.~-]+|\/:\w+)+$/.test(path)) {
          throw pluginError(plugin, `Expected a path such as /v1/things for a call but received '${path}'`);
        }
        assertFree({ method, path, plugin }, calls, "management call");
        calls.push({ method, path, handler, plugin, role, atRoot, ...more });
      },
      cache(registration) {
        assertOpen(plugin, "cache");
        const other = registration.originals && caches.find(({ originals }) => originals);
        if (other) {
          throw pluginError(plugin, `${other.plugin} stores originals already: remove one of the plugins`);
        }
        const registered: RegisteredCache = { ...registration, plugin };
        caches.push(registered);
        measureCache(registering, {
          cache: plugin,
          shared: registration.tier !== "memory",
          read: () => registered.opened?.contents(),
        });
      },
      command(define) {
        assertOpen(plugin, "command");
        commands.push({ define, plugin });
      },
      fingerprint(text) {
        assertOpen(plugin, "fingerprint");
        fingerprints.push(text);
        // The start waits for it, unless it has failed before.
        if (text instanceof Promise) text.catch(() => {});
      },
      metric(metric) {
        assertOpen(plugin, "metric");
        const { name, type } = metric;
        if (!/^[a-z][a-z0-9_]*$/.test(name)) {
          throw pluginError(
            plugin,
            `Expected lower-case letters, digits and _ as the name of a metric but received '${name}'`,
          );
        }
        if (metrics.some((other) => other.name === name && other.type !== type)) {
          throw pluginError(
            plugin,
            `the metric ${name} is no ${type} in another plugin: choose another name`,
          );
        }
        metrics.push({ ...metric, read: () => valuesOf(plugin, metric) });
      },
      steps: {
        ...registry,
        define(op, definition) {
          assertOpen(plugin, "steps.define");
          if (registry.get(op)) throw stepExists(plugin, op, owners.get(op));
          if (typeof definition?.schema?.["~standard"]?.validate !== "function") {
            throw pluginError(plugin, `Expected a Standard Schema as the schema of the step '${op}'`);
          }
          owners.set(op, plugin);
          registry.define(op, definition);
        },
      },
    };
    return registering;
  }

  /** One metric that cannot be read must not take the others along. */
  function valuesOf(plugin: string, metric: Metric): ReturnType<Metric["read"]> {
    try {
      const values = metric.read();
      const wrong = values.find(([, value]) => typeof value !== "number");
      if (wrong) throw new TypeError(`Expected a number as the value but received ${typeof wrong[1]}`);
      return values;
    } catch (error) {
      onMetricFailure(wrap(error, "metric", plugin), metric.name);
      return [];
    }
  }

  return {
    routes,
    calls,
    commands,
    fingerprints,
    metrics,
    caches,
    of,
    /** All plugins have been applied: later registrations would have no effect. */
    close(): void {
      isClosed = true;
    },
  };
}

function assertMethod(plugin: string, method: string): void {
  if ((METHODS as readonly string[]).includes(method)) return;
  throw pluginError(plugin, `Expected one of ${METHODS.join(", ")} for a route but received '${method}'`);
}

interface Registered {
  readonly method?: Method;
  readonly path: string;
  readonly plugin: string;
}

/** Within one plugin `/a/new` may stand before `/a/:id`: the first that matches is called. */
function assertFree(
  added: Registered & { method: Method },
  others: readonly Registered[],
  what: string,
): void {
  const { method, path, plugin } = added;
  const taken = others.find(
    (other) =>
      (other.method ?? method) === method &&
      (other.plugin === plugin ? other.path === path : overlaps(other.path, path)),
  );
  if (!taken) return;
  const by = taken.plugin === plugin ? "itself" : taken.plugin;
  const at = taken.path === path ? "" : ` as ${taken.path}`;
  throw pluginError(
    plugin,
    `the ${what} ${method} ${path} is registered by ${by} already${at}: choose another path, or remove one of the plugins`,
  );
}

/** Whether a request could match both paths. One that ends in a slash stands for all below it. */
function overlaps(one: string, other: string): boolean {
  if (other.endsWith("/") && other !== "/") return one.toLowerCase().startsWith(other.toLowerCase());
  // The router ignores case.
  const [a, b] = [one.toLowerCase().split("/"), other.toLowerCase().split("/")];
  return (
    a.length === b.length &&
    a.every((segment, at) => segment === b[at] || segment.startsWith(":") || b[at]?.startsWith(":"))
  );
}

function stepExists(plugin: string, op: string, owner: string | undefined): MediaError {
  const whose =
    owner === undefined ? "is one of the core's" : `is defined by ${owner === plugin ? "itself" : owner}`;
  return pluginError(
    plugin,
    `the step '${op}' ${whose} already: choose another name, or remove one of the plugins`,
  );
}
