/** Something with an end, if it has one. */
type Closable = object & { close?: () => unknown };

/** Objects of the process that its runtimes share: created once, closed with the last user. */
export type Shared = Map<string, { readonly value: Closable; users: number }>;

/** What one runtime uses of them. */
export interface Shares {
  /** The object of a key, created by its first user. */
  take<T extends object>(key: string, create: () => T): T;
  /** Gives all of it back, last first. */
  giveAll(): Promise<void>;
}

export function sharesOf(shared: Shared): Shares {
  const taken: string[] = [];
  return {
    take<T extends object>(key: string, create: () => T): T {
      const entry = shared.get(key) ?? { value: create(), users: 0 };
      shared.set(key, entry);
      entry.users++;
      taken.push(key);
      return entry.value as T;
    },
    async giveAll() {
      for (const key of taken.splice(0).reverse()) {
        const entry = shared.get(key);
        if (!entry || --entry.users > 0) continue;
        shared.delete(key);
        await entry.value.close?.();
      }
    },
  };
}
