import type { Plugin, PluginApi } from "@mediatap/core";

type Tap = (...args: unknown[]) => unknown;
/** What a tap does instead: `next` is what the plugin's own would return. */
export type Change = (next: (...args: unknown[]) => Promise<unknown>, ...args: never[]) => unknown;

interface Family {
  for(key: string): object;
}

/** A plugin whose taps of these hooks do something else: a mutant. `step:name` stands for one of a family. */
export function mutated(plugin: Plugin, changes: Readonly<Record<string, Change>>): Plugin {
  const changed = (hook: object, name: string) => {
    const change = changes[name];
    if (!change) return hook;
    const add = (options: unknown, fn: Tap) =>
      (hook as { tapPromise(options: unknown, fn: Tap): void }).tapPromise(options, async (...args) =>
        change(async (...given) => fn(...(given.length > 0 ? given : args)), ...(args as never[])),
      );
    return { tap: add, tapPromise: add };
  };
  return {
    ...plugin,
    apply(api) {
      const hooks = Object.entries(api.hooks).map(([name, hook]) => {
        if (!("for" in hook)) return [name, changed(hook, name)];
        return [name, { for: (key: string) => changed((hook as Family).for(key), `${name}:${key}`) }];
      });
      plugin.apply({ ...api, hooks: Object.fromEntries(hooks) as PluginApi["hooks"] });
    },
  };
}
