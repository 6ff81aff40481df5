import { HookMap } from "tapable";
import type { Hooks } from "./hooks.ts";
import { codeOf, isMediaError, MediaError } from "./model/errors.ts";
import type { PluginHooks, TapOptions } from "./plugin.ts";

interface RawHook {
  name?: string;
  tap(options: object, fn: (...args: unknown[]) => unknown): void;
  tapPromise?(options: object, fn: (...args: unknown[]) => Promise<unknown>): void;
}

/**
 * The hooks as one plugin sees them: `tap`, `tapPromise` and `for`, nothing to call or intercept with. Every tap is
 * wrapped once: `null` becomes `undefined`, and an error gets the names of hook and plugin.
 */
export function facadeOf(
  hooks: Hooks,
  plugin: string,
  onFor: (map: string, key: string) => void = () => {},
): PluginHooks {
  const entries = Object.entries(hooks).map(([name, hook]) => [
    name,
    hook instanceof HookMap
      ? {
          for(key: string) {
            onFor(name, key);
            return tappable(hook.for(key) as unknown as RawHook, plugin);
          },
        }
      : tappable(hook as unknown as RawHook, plugin),
  ]);
  return Object.freeze(Object.fromEntries(entries)) as PluginHooks;
}

function tappable(hook: RawHook, plugin: string) {
  const place = (options: string | TapOptions) => ({
    name: plugin,
    stage: typeof options === "string" ? 0 : (options.stage ?? 0),
  });
  const name = hook.name ?? "hook";
  return Object.freeze({
    tap(options: string | TapOptions, fn: (...args: unknown[]) => unknown) {
      hook.tap(place(options), (...args) => {
        try {
          return fn(...args) ?? undefined;
        } catch (error) {
          throw wrap(error, name, plugin);
        }
      });
    },
    tapPromise(options: string | TapOptions, fn: (...args: unknown[]) => Promise<unknown>) {
      if (!hook.tapPromise) throw new MediaError("ECONFIG", `${plugin}: the hook ${name} takes tap only`);
      hook.tapPromise(place(options), async (...args) => {
        try {
          return (await fn(...args)) ?? undefined;
        } catch (error) {
          throw wrap(error, name, plugin);
        }
      });
    },
  });
}

/** The error with hook and plugin noted, once; what is not a MediaError becomes `EINTERNAL`, with the cause kept. */
export function wrap(error: unknown, hook: string, plugin: string): MediaError {
  if (isMediaError(error)) {
    error.hook ??= hook;
    error.plugin ??= plugin;
    return error;
  }
  if (codeOf(error) === "ABORT_ERR" || (error as Error | undefined)?.name === "AbortError") {
    return new MediaError("ETIMEDOUT", "The work was stopped", { cause: error, hook, plugin });
  }
  return new MediaError("EINTERNAL", "Internal error", { cause: error, hook, plugin });
}
