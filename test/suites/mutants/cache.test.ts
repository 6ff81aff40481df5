import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import type { Ban, Body, Found, Lookup, RenditionRecord } from "@mediatap/core";
import { describeCache } from "@mediatap/test";
import { failuresOf } from "../../helpers/failures.ts";
import { type Change, mutated } from "../support/mutated.ts";

const store = (
  change: (record: RenditionRecord, body: Body | undefined) => [RenditionRecord, Body | undefined],
) => ({
  store: (async (next, record: RenditionRecord, body: Body | undefined) =>
    next(...change(record, body))) satisfies Change,
});
const purge = (isHeard: (ban: Ban) => boolean) => ({
  purge: (async (next, ban: Ban) => void (isHeard(ban) && (await next()))) satisfies Change,
});
const lookup = (
  change: (next: (lookup: Lookup) => Promise<Found | undefined>, lookup: Lookup) => unknown,
) => ({
  lookup: ((next, lookup: Lookup) => change(next as never, lookup)) satisfies Change,
});

const MUTANTS: Readonly<Record<string, Readonly<Record<string, Change>>>> = {
  "returns what is stale": lookup((next, lookup) => next({ ...lookup, isFresh: () => true })),
  "never offers what is stale": lookup((next, lookup) => next({ ...lookup, offer: () => {} })),
  "returns an entry and offers it": lookup(async (next, lookup) => {
    const found = await next(lookup);
    if (found) lookup.offer(found);
    return found;
  }),
  "says that it has a body and has none": lookup((next, lookup) => next({ ...lookup, needsBody: false })),
  "is never filled": lookup((next, lookup) => next({ ...lookup, fill: () => {} })),
  "has nothing": lookup(() => undefined),
  "forgets that a record is private": store((record, body) => [{ ...record, private: false }, body]),
  "forgets sources": store((record, body) => [{ ...record, sources: record.sources.slice(0, 1) }, body]),
  "loses bodies": store((record) => [record, undefined]),
  "cannot be purged": purge(() => false),
  "hears no purges of tags": purge(({ kind }) => kind !== "tag"),
  "purges for others": {
    purge: (async (next, { tenant: _, ...ban }: Ban) => void (await next(ban))) satisfies Change,
  },
  "purges everything": {
    purge: (async (next, ban: Ban) => void (await next({ ...ban, kind: "all" }))) satisfies Change,
  },
};

describe("describeCache", () => {
  const suite = (changes: Readonly<Record<string, Change>>) => () =>
    describeCache("mutant", () => ({
      plugin: mutated(cacheMemory(), changes),
      small: (maxBytes) => mutated(cacheMemory({ maxBytes }), changes),
    }));

  it("passes a cache that keeps every promise", async () => {
    const same = {
      lookup: (next) => next(),
      store: (next) => next(),
      purge: (next) => next(),
    } satisfies Record<string, Change>;
    assert.deepEqual(await failuresOf(suite(same)), []);
  });

  for (const [what, changes] of Object.entries(MUTANTS)) {
    it(`fails a cache that ${what}`, async () => {
      assert((await failuresOf(suite(changes))).length > 0, "no test failed");
    });
  }
});
