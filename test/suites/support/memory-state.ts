import type { Plugin } from "@mediatap/core";
import type { Records, Revision, StateStore } from "@mediatap/core/state";

/** What a store does instead: the methods that differ, and the store below them. */
export type StoreMutation = (store: StateStore) => Partial<StateStore>;

/** Changes the records of a store. */
export const records =
  (change: (records: Records, store: StateStore) => Partial<Records>): StoreMutation =>
  (store) => ({
    records(name) {
      const own = store.records(name);
      return { ...own, ...change(own, store) };
    },
  });

/** A plugin whose stores are in memory: each `open` is another process of the same server. */
export function stateMemory(mutation: StoreMutation = () => ({})): Plugin {
  const revisions: Revision[] = [];
  const collections = new Map<string, Map<string, string>>();
  const watchers = new Set<() => void>();
  const open = (): StateStore => ({
    read: async (number = revisions.length) => revisions[number - 1],
    async write(next, expected) {
      if (expected !== revisions.length) return undefined;
      const revision = { ...next, number: expected + 1 };
      revisions.push(revision);
      for (const onChange of watchers) onChange();
      return revision;
    },
    async list({ before = revisions.length + 1, limit }) {
      const infos = revisions.slice(0, before - 1).map(({ content: _, ...info }) => info);
      return infos.reverse().slice(0, limit);
    },
    watch(onChange) {
      watchers.add(onChange);
      return () => watchers.delete(onChange);
    },
    records(name) {
      const own = collections.get(name) ?? new Map<string, string>();
      collections.set(name, own);
      return {
        get: async (key) => own.get(key),
        put: async (key, value) => void own.set(key, value),
        async add(key, value) {
          if (own.has(key)) return false;
          own.set(key, value);
          return true;
        },
        delete: async (key) => void own.delete(key),
        list: async (from = "", to) =>
          [...own].filter(([key]) => key >= from && (to === undefined || key < to)).toSorted(byKey),
        async deleteBefore(key) {
          for (const other of own.keys()) if (other < key) own.delete(other);
        },
      };
    },
    close: async () => {},
  });
  return {
    name: "state-memory",
    version: "1.0.0",
    apiVersion: 1,
    stateStore: {
      settings: {},
      open() {
        const store = open();
        return { ...store, ...mutation(store) };
      },
    },
    apply() {},
  };
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
