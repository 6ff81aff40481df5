import { types } from "node:util";
import { HookMap, SyncBailHook, SyncHook } from "tapable";
import type { Hooks } from "../hooks.ts";
import type { Endpoint } from "../model/endpoint.ts";
import type { MediaError } from "../model/errors.ts";
import type { Job } from "../model/job.ts";
import { didYouMean } from "../util/did-you-mean.ts";
import { withTimeout } from "../util/timeout.ts";
import { pluginError, wrap } from "./errors.ts";
import { resultCheckOf } from "./results.ts";
import type { PluginHooks, TapOptions } from "./taps.ts";

interface RawHook {
  name?: string;
  tap(options: object, fn: (...args: unknown[]) => unknown): void;
  tapPromise(options: object, fn: (...args: unknown[]) => Promise<unknown>): void;
}

/** Hooks of these kinds call their taps and wait for nothing. */
const SYNC: readonly unknown[] = [SyncHook, SyncBailHook];

export interface FacadeEvents {
  /** A plugin asked for a hook of a family: `storage`, `FOLDER`. */
  readonly onFor?: (map: string, key: string) => void;
  /** A tap of a hook failed whose taps must not harm one another. */
  readonly onFailure?: (hook: string, error: MediaError) => void;
  /** How a language writes a field of a step or a variable. Left out, or `undefined`: as the model does. */
  readonly nameIn?: (language: string, subject: string) => string | undefined;
  /** Milliseconds for each tap of the hooks that a start waits for. @default 30000 */
  readonly startTimeout?: number;
}

/** Hooks whose taps are on their own: a failure of one is noted, and counts as if it had answered nothing. */
const ISOLATED = new Set(["report", "purge", "stop", "trace"]);

/**
 * The hooks as one plugin sees them: `tap`, `tapPromise` and `for`, nothing to call or intercept with. Every tap is
 * wrapped once: `null` becomes `undefined`, a result of the wrong shape is an error, and an error gets the names of hook
 * and plugin. A hook that does not exist, and a function that its hook cannot call, are refused at once.
 */
export function facadeOf(hooks: Hooks, plugin: string, events: FacadeEvents = {}): PluginHooks {
  const subject: Subject = { name: plugin, isLanguage: false };
  const entries = Object.entries(hooks).map(([name, hook]) => [
    name,
    hook instanceof HookMap
      ? known(`hooks.${name}`, plugin, {
          for(key: string) {
            events.onFor?.(name, key);
            return tappable(
              hook.for(key) as unknown as RawHook,
              `hooks.${name}.for("${key}")`,
              subject,
              events,
            );
          },
        })
      : tappable(hook as unknown as RawHook, `hooks.${name}`, subject, events),
  ]);
  return known("hooks", plugin, Object.fromEntries(entries)) as PluginHooks;
}

/** What the facade knows of a plugin. */
interface Subject {
  readonly name: string;
  /** It taps `resolve`. */
  isLanguage: boolean;
}

/** Properties that JavaScript itself looks for. */
const LANGUAGE = new Set([
  "then",
  "toJSON",
  "constructor",
  "prototype",
  "$$typeof",
  "asymmetricMatch",
  "nodeType",
]);

/** An object that refuses names which it does not have, instead of giving `undefined`. */
function known<T extends object>(what: string, plugin: string, object: T): T {
  return new Proxy(Object.freeze(object), {
    get(target, name, receiver) {
      if (typeof name === "symbol" || name in target || LANGUAGE.has(name))
        return Reflect.get(target, name, receiver);
      const names = Object.keys(target);
      throw pluginError(plugin, `there is no ${what}.${name}${didYouMean(name, names)}`);
    },
  });
}

function tappable(
  hook: RawHook,
  what: string,
  subject: Subject,
  { onFailure, nameIn, startTimeout = 30_000 }: FacadeEvents,
) {
  const plugin = subject.name;
  const name = hook.name ?? "hook";
  const isSync = SYNC.includes(hook.constructor);
  const check = resultCheckOf(name);
  const isPartOfStart = /^(?:start|storage:.*)$/.test(name);

  function tapOptions(options: string | TapOptions) {
    const stage = typeof options === "object" ? (options?.stage ?? 0) : 0;
    if (typeof stage === "number" && !Number.isNaN(stage)) return { name: plugin, stage };
    throw pluginError(plugin, `${what}: Expected a number, such as one of Stage, as the stage of a tap`);
  }

  function assertFunction(fn: unknown, method: string): void {
    if (typeof fn === "function") return;
    throw pluginError(plugin, `${what}.${method}: Expected a name, then a function`);
  }

  function failed(error: unknown, args: readonly unknown[]): undefined {
    const wrapped = wrap(error, name, plugin);
    if (name === "transform") nameSubject(wrapped, args[0] as Job);
    if (!ISOLATED.has(name)) throw wrapped;
    onFailure?.(name, wrapped);
  }

  /** Messages name what the client wrote. */
  function nameSubject(error: MediaError, { language }: Job): void {
    if (error.subject === undefined) return;
    const named = nameIn?.(language, error.subject);
    if (named !== undefined) error.message = error.message.replace(error.subject, () => named);
  }

  return known(what, plugin, {
    tap(options: string | TapOptions, fn: (...args: unknown[]) => unknown) {
      if (name === "resolve") subject.isLanguage = true;
      assertFunction(fn, "tap");
      if (types.isAsyncFunction(fn)) {
        const advice = isSync ? "this hook does not wait" : `use ${what}.tapPromise`;
        throw pluginError(
          plugin,
          `${what}.tap: Expected a function that returns at once but it is async: ${advice}`,
        );
      }
      hook.tap(tapOptions(options), (...args) => {
        if (isForOthers(name, subject, args)) return undefined;
        try {
          const result = fn(...args) ?? undefined;
          // A promise is "not undefined": a bail hook would stop at it, and nobody would wait for it.
          if (result instanceof Promise) {
            result.catch(() => {});
            throw new TypeError(`a function that returns a promise was given to tap: use tapPromise`);
          }
          if (result !== undefined) check?.(result, args);
          if (name === "resolve") assertOwn(result, plugin, args);
          return result;
        } catch (error) {
          return failed(error, args);
        }
      });
    },
    tapPromise(options: string | TapOptions, fn: (...args: unknown[]) => Promise<unknown>) {
      assertFunction(fn, "tapPromise");
      if (isSync) throw pluginError(plugin, `${what} does not wait for its taps: use tap`);
      if (name === "resolve") subject.isLanguage = true;
      hook.tapPromise(tapOptions(options), async (...args) => {
        if (isForOthers(name, subject, args)) return undefined;
        try {
          const work = fn(...args);
          const result = (await (isPartOfStart ? inTime(work, startTimeout) : work)) ?? undefined;
          if (result !== undefined) check?.(result, args);
          if (name === "resolve") assertOwn(result, plugin, args);
          return result;
        } catch (error) {
          return failed(error, args);
        }
      });
    },
  });
}

/** Without a timer, Node would end silently once nothing else keeps it alive. */
const inTime = (work: unknown, timeout: number) =>
  withTimeout(timeout, Promise.resolve(work), { message: `it took longer than ${timeout / 1000} s` });

/**
 * An endpoint may name its languages: the others are not asked. The language that resolved a URL judges its signature: no
 * other one knows what it means.
 */
function isForOthers(hook: string, { name, isLanguage }: Subject, args: readonly unknown[]): boolean {
  if (hook === "admit") return isLanguage && (args[1] as Job).language !== name;
  if (hook !== "resolve") return false;
  const { languages } = args[1] as Endpoint;
  return languages.length > 0 && !languages.includes(name);
}

/** A job names the language that made it, which then judges its signature, and stays with the account of its endpoint. */
function assertOwn(result: unknown, plugin: string, args: readonly unknown[]): void {
  if (result === undefined) return;
  const { language, asset } = result as Job;
  if (language !== plugin) {
    throw new TypeError(`Expected '${plugin}' for language of the job but received '${language}'`);
  }
  const { tenant } = args[1] as Endpoint;
  if (asset.tenant !== tenant) {
    throw new TypeError(`Expected '${tenant}' for asset.tenant of the job but received '${asset.tenant}'`);
  }
}
