import { matchesRule } from "../../src/model/purge-rule.ts";
import { bodyOf, type CompleteBody, type RenditionRecord } from "../../src/model/rendition.ts";
import type {
  CacheBackend,
  JournalRule,
  PurgeJournal,
  StoredMetadata,
} from "../../src/plugin/cache-backend.ts";
import type { Clock } from "../../src/util/clock.ts";

export interface FakeClock extends Clock {
  /** Moves time forward and makes the calls that are due. */
  pass(milliseconds: number): void;
  /** Sets the time of day, as an administrator does. */
  set(now: number): void;
}

export function fakeClock(): FakeClock {
  let wall = 1_800_000_000_000;
  let time = 0;
  const calls = new Set<{ readonly at: number; readonly call: () => void }>();
  return {
    now: () => wall,
    monotonic: () => time,
    after(milliseconds, call) {
      const entry = { at: time + milliseconds, call };
      calls.add(entry);
      return () => calls.delete(entry);
    },
    pass(milliseconds) {
      wall += milliseconds;
      time += milliseconds;
      for (const entry of [...calls].filter(({ at }) => at <= time)) {
        calls.delete(entry);
        entry.call();
      }
    },
    set(now) {
      wall = now;
    },
  };
}

export interface FakeStore {
  readonly entries: Map<string, { readonly metadata: StoredMetadata; readonly body?: CompleteBody }>;
  readonly rules: Map<string, JournalRule>;
  puts: number;
}

export const newStore = (): FakeStore => ({ entries: new Map(), rules: new Map(), puts: 0 });

/** A backend over a Map, which several may share as machines share a Redis. */
export function mapBackend(
  { entries, rules, ...store }: FakeStore,
  { journal = false, deletes = false, versions = false } = {},
): CacheBackend & { fails: Error | undefined; hold: Promise<void> | undefined } {
  const check = () => {
    if (backend.fails) throw backend.fails;
  };
  const version = () => String([...rules.keys()].at(-1));
  const purgeJournal: PurgeJournal = {
    async add(rule, replaced) {
      check();
      rules.set(rule.id, rule);
      for (const id of replaced) rules.delete(id);
    },
    async read() {
      check();
      return { rules: [...rules.values()], ...(versions && { version: version() }) };
    },
  };
  const backend: ReturnType<typeof mapBackend> = {
    fails: undefined,
    hold: undefined,
    async get(key) {
      check();
      await backend.hold;
      const entry = entries.get(key);
      return entry && { ...entry, ...(versions && { journal: version() }) };
    },
    async put(key, metadata, body) {
      check();
      store.puts++;
      await backend.hold;
      const before = entries.get(key);
      const kept = body ?? (before?.metadata.etag === metadata.etag ? before?.body : undefined);
      entries.set(key, { metadata, ...(kept && { body: kept }) });
    },
    async delete(key) {
      check();
      entries.delete(key);
    },
    ...(deletes && {
      async deleteMatching(rule) {
        check();
        for (const [key, { metadata }] of entries) if (matchesRule(metadata, rule)) entries.delete(key);
      },
    }),
    ...(journal && { journal: purgeJournal }),
  };
  return backend;
}

let last = 0;

export function newMetadata(clock: Clock, more: Partial<RenditionRecord> = {}): RenditionRecord {
  const key = `key-${++last}`;
  return {
    key,
    engines: "engine@1",
    type: "image/webp",
    format: "webp",
    etag: `"${key}"`,
    sources: [{ origin: "files", path: "a.jpg", fetched: clock.now() }],
    stored: clock.now(),
    freshUntil: clock.now() + 3_600_000,
    private: false,
    original: false,
    ...more,
  };
}

export const bodyWith = (text: string): CompleteBody => bodyOf(Buffer.from(text));
