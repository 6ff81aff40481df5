import assert from "node:assert/strict";
import { newRuleId } from "../../src/cache/journal-rule.ts";
import { createSharedJournal } from "../../src/cache/shared-journal.ts";
import type { JournalRule } from "../../src/plugin/cache-backend.ts";
import { type FakeClock, fakeClock, mapBackend, newMetadata, newStore } from "./support.ts";

describe("a shared purge journal", () => {
  let clock: FakeClock;
  beforeEach(() => {
    clock = fakeClock();
  });
  const rule = (value: string): JournalRule => ({ id: newRuleId(clock.now()), kind: "prefix", value });
  const journalOf = (
    store = newStore(),
    more: { ttl?: number; onRule?: (rule: JournalRule) => void } = {},
  ) => {
    const { journal } = mapBackend(store, { journal: true });
    assert(journal);
    return createSharedJournal(journal, { clock, ...more });
  };

  it("matches everything rather than to forget a rule that it has no room for", async () => {
    const journal = journalOf(newStore(), {});
    for (let at = 0; at < 20; at++) await journal.add(rule(`p${at}/`));
    const metadata = newMetadata(clock);
    assert.deepEqual(journal.matching(metadata), []);
    const full = createSharedJournal(
      { add: async () => {}, read: async () => ({ rules: [] }) },
      { clock, maxRules: 20 },
    );
    for (let at = 0; at < 20; at++) await full.add(rule(`p${at}/`));
    assert.equal(full.allows(metadata), true);
    await full.add(rule("q/"));
    assert.equal(full.allows(metadata), false);
  });

  it("forgets rules that are older than any entry", async () => {
    const store = newStore();
    const journal = journalOf(store, { ttl: 60_000 });
    const metadata = newMetadata(clock);
    await journal.add(rule("a"));
    assert.equal(journal.allows(metadata), false);
    clock.pass(60_001);
    await journal.read();
    assert.equal(journal.allows(metadata), true);
  });

  it("reports what another process has added since the first read, once", async () => {
    const store = newStore();
    const heard: string[] = [];
    const other = journalOf(store);
    await other.add(rule("before/"));
    const journal = journalOf(store, { onRule: ({ value }) => heard.push(value) });
    await journal.read();
    assert.deepEqual(heard, []);
    await other.add(rule("a/"));
    await journal.add(rule("own/"));
    for (let time = 0; time < 2; time++) await journal.read();
    assert.deepEqual(heard, ["a/"]);
  });

  it("knows a rule that is added while the journal is read", async () => {
    const reading = Promise.withResolvers<void>();
    const journal = createSharedJournal(
      {
        add: async () => {},
        read: async () => {
          await reading.promise;
          return { rules: [] };
        },
      },
      { clock },
    );
    const done = journal.read();
    const added = rule("a");
    await journal.add(added);
    reading.resolve();
    await done;
    assert.equal(journal.allows(newMetadata(clock)), false);
    assert.equal(journal.allows({ ...newMetadata(clock), purges: [added.id] }), true);
  });
});
