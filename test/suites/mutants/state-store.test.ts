import assert from "node:assert/strict";
import { describeStateStore } from "@mediatap/test";
import { failuresOf } from "../../helpers/failures.ts";
import { records, type StoreMutation, stateMemory } from "../support/memory-state.ts";

const MUTANTS: Readonly<Record<string, StoreMutation>> = {
  "stores no revisions": () => ({
    write: async (next, expected) => ({ ...next, number: expected + 1 }),
  }),
  "ignores which revision a change is based on": (store) => ({
    write: async (next) => store.write(next, (await store.read())?.number ?? 0),
  }),
  "throws for a revision that is late": (store) => ({
    async write(next, expected) {
      const written = await store.write(next, expected);
      if (!written) throw new Error("late");
      return written;
    },
  }),
  "checks and writes in two steps": (store) => ({
    async write(next, expected) {
      if (((await store.read())?.number ?? 0) !== expected) return undefined;
      for (;;) {
        const written = await store.write(next, (await store.read())?.number ?? 0);
        if (written) return written;
      }
    },
  }),
  "changes old revisions": (store) => ({
    read: async (number) => (number === undefined || (await store.read(number)) ? store.read() : undefined),
  }),
  "returns the newest revision for every number": (store) => ({ read: () => store.read() }),
  "loses comments": (store) => ({
    write: (next, expected) => store.write({ ...next, comment: "" }, expected),
  }),
  "trims contents": (store) => ({
    write: (next, expected) => store.write({ ...next, content: next.content.trimEnd() }, expected),
  }),
  "lists the oldest first": (store) => ({
    list: async (options) => (await store.list(options)).toReversed(),
  }),
  "lists too many": (store) => ({ list: (options) => store.list({ ...options, limit: 1000 }) }),
  "ignores where a list begins": (store) => ({ list: ({ limit }) => store.list({ limit }) }),
  "lists contents": (store) => ({
    list: async (options) => {
      const infos = await store.list(options);
      return await Promise.all(infos.map(async (info) => (await store.read(info.number)) ?? info));
    },
  }),
  "keeps too few revisions": (store) => ({
    async read(number) {
      const newest = (await store.read())?.number ?? 0;
      return number !== undefined && number < newest - 50 ? undefined : store.read(number);
    },
  }),
  "does not stop to announce": (store) => ({
    watch(onChange) {
      store.watch(onChange);
      return () => {};
    },
  }),
  "stores no records": records(() => ({ put: async () => {} })),
  "does not replace records": records((own) => ({
    put: async (key, value) => ((await own.get(key)) === undefined ? own.put(key, value) : undefined),
  })),
  "adds a record twice": records((own) => ({
    async add(key, value) {
      if ((await own.get(key)) !== undefined) return false;
      await own.put(key, value);
      return true;
    },
  })),
  "replaces a record by adding it": records((own) => ({
    async add(key, value) {
      const isNew = await own.add(key, value);
      await own.put(key, value);
      return isNew;
    },
  })),
  "deletes no records": records(() => ({ delete: async () => {} })),
  "folds case of keys": records((own) => ({
    get: (key) => own.get(key.toLowerCase()),
    put: (key, value) => own.put(key.toLowerCase(), value),
  })),
  "takes keys for patterns": records((own) => ({
    delete: async (key) => {
      for (const [other] of await own.list()) if (key === "*" || other === key) await own.delete(other);
    },
  })),
  "lists records in the order of their writes": records((own, store) => ({
    async put(key, value) {
      const order = await store.records("order").list();
      await store.records("order").put(String(order.length).padStart(6, "0"), key);
      await own.put(key, value);
    },
    async list(from, to) {
      const order = (await store.records("order").list()).map(([, key]) => key);
      const found = await own.list(from, to);
      return found.toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b));
    },
  })),
  "sorts keys by the alphabet": records((own) => ({
    list: async (from, to) => (await own.list(from, to)).toSorted(([a], [b]) => a.localeCompare(b)),
  })),
  "lists the upper bound": records((own) => ({
    list: (from, to) => own.list(from, to === undefined ? undefined : `${to}!`),
  })),
  "leaves out the lower bound": records((own) => ({
    list: (from, to) => own.list(from === undefined ? undefined : `${from}!`, to),
  })),
  "deletes one too many": records((own) => ({ deleteBefore: (key) => own.deleteBefore(`${key}!`) })),
  "deletes nothing before a key": records(() => ({ deleteBefore: async () => {} })),
  "mixes up collections": (store) => ({ records: () => store.records("all") }),
  "mixes up collections whose names begin alike": (store) => ({
    records: (name) => store.records(name.replace(/-x$/, "")),
  }),
};

describe("describeStateStore", () => {
  const suite = (mutation?: StoreMutation) => () =>
    describeStateStore("mutant", () => ({ plugin: stateMemory(mutation) }));

  it("passes a store that keeps every promise", async () => {
    assert.deepEqual(await failuresOf(suite()), []);
  });

  for (const [what, mutation] of Object.entries(MUTANTS)) {
    it(`fails a store that ${what}`, async () => {
      assert((await failuresOf(suite(mutation))).length > 0, "no test failed");
    });
  }
});
