/** Something with an end, if it has one. */
type Closable = object & { close?: () => unknown };

interface Entry {
  readonly value: Closable;
  users: number;
}

/** Things of the process that runtimes have in common, counted by reference: made once, closed with the last user. */
export function createShared() {
  const entries = new Map<string, Entry>();
  return {
    take<T extends object>(key: string, create: () => T): T {
      let entry = entries.get(key);
      if (!entry) {
        entry = { value: create() as Closable, users: 0 };
        entries.set(key, entry);
      }
      entry.users++;
      return entry.value as T;
    },
    async give(key: string): Promise<void> {
      const entry = entries.get(key);
      if (!entry || --entry.users > 0) return;
      entries.delete(key);
      await entry.value.close?.();
    },
  };
}

export type Shared = ReturnType<typeof createShared>;

/** What one runtime has taken of it. */
export interface Shares {
  readonly take: Shared["take"];
  /** Gives all of it back, last first. */
  giveAll(): Promise<void>;
}

export function sharesOf(shared: Shared): Shares {
  const taken: string[] = [];
  return {
    take(key, create) {
      const value = shared.take(key, create);
      taken.push(key);
      return value;
    },
    async giveAll() {
      for (const key of taken.splice(0).reverse()) await shared.give(key);
    },
  };
}
