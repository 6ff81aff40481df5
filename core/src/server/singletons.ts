/** Something with an end, if it has one. */
type Closable = object & { close?: () => unknown };

/** Singletons of the process, used by all of its runtimes: created once, closed with the last user. */
export type Singletons = Map<string, { readonly value: Closable; users: number }>;

/** Those that one runtime uses. */
export interface RuntimeSingletons {
  /** The object of a key, created by its first user. */
  acquire<T extends object>(key: string, create: () => T): T;
  /** Releases all of them, last first. */
  releaseAll(): Promise<void>;
}

export function singletonsOf(shared: Singletons): RuntimeSingletons {
  const acquired: string[] = [];
  return {
    acquire<T extends object>(key: string, create: () => T): T {
      const entry = shared.get(key) ?? { value: create(), users: 0 };
      shared.set(key, entry);
      entry.users++;
      acquired.push(key);
      return entry.value as T;
    },
    async releaseAll() {
      for (const key of acquired.splice(0).reverse()) {
        const entry = shared.get(key);
        if (!entry || --entry.users > 0) continue;
        shared.delete(key);
        await entry.value.close?.();
      }
    },
  };
}
