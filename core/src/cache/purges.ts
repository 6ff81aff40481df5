import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import { z } from "zod";
import type { ActiveRule, PurgeRule } from "../model/purge-rule.ts";
import type { Bus } from "../util/bus.ts";
import { atMost } from "../util/entries.ts";
import { monotonicNow } from "../util/monotonic.ts";
import { newRuleId, ruleSchema } from "./journal-rule.ts";
import { createPurgeRules, type NewRule, type PurgeRules } from "./purge-rules.ts";

const TOPIC = "purge";
/** Asks the other processes to announce recent purges again. */
const REPLAY_TOPIC = "purge:missed";

/** Purges whose state is kept. */
const MAX_PURGES = 10_000;

const announcement = z.object({
  id: z.string(),
  purgeRules: z.array(ruleSchema),
});

/** Purges that are announced again to a process that was cut off: their age in milliseconds, and their number, at most. */
const REPLAY_AGE_MS = 60 * 60_000;
const MAX_REPLAYED = 1_000;

export type PurgeState = "pending" | "completed";

/** Carries purge rules out in the caches of one runtime. */
export type Carry = (rule: ActiveRule) => Promise<void>;

/** A purge that has begun: from now on this process serves, joins and stores nothing older. */
export interface Purge {
  readonly id: string;
  /** Resolves when the caches of this process have forgotten what they had. */
  readonly done: Promise<void>;
  /** Resolves when it holds in all other processes, too, or they are known to be away. Never rejects. */
  readonly heard: Promise<void>;
}

/**
 * The purges of the process: each is carried out by the caches of all runtimes, and announced to the other processes,
 * which do the same. After a transport was lost, the missed ones are announced again.
 */
export function createPurges(bus: Bus, log: Logger) {
  const purgeRules: PurgeRules = createPurgeRules();
  const carriers = new Set<Carry>();
  const states = new LRUCache<
    string,
    { state: PurgeState; readonly at: number; readonly purgeRules: readonly NewRule[] }
  >(atMost(MAX_PURGES));

  /** Ids of the rules that this process knows. */
  const rules = new LRUCache<string, true>(atMost(MAX_PURGES));

  const ends = [
    bus.subscribe(TOPIC, receive, () => bus.publish(REPLAY_TOPIC, {})),
    bus.subscribe(REPLAY_TOPIC, () => {
      const since = monotonicNow() - REPLAY_AGE_MS;
      const missed = [...states.entries()].filter(([, { at }]) => at > since).slice(0, MAX_REPLAYED);
      for (const [id, { purgeRules }] of missed.reverse()) bus.publish(TOPIC, { id, purgeRules });
    }),
  ];

  function receive(message: unknown): void {
    const heard = announcement.safeParse(message);
    if (!heard.success) {
      log.warn("invalid purge message from another process");
      return;
    }
    const { id, purgeRules } = heard.data;
    if (states.has(id)) return;
    void carryOut(
      id,
      purgeRules.map((rule) => ({ ...rule, remote: true })),
    );
  }

  /** The purge rules hold when this returns; the promise is for the caches. */
  async function carryOut(id: string, wanted: readonly NewRule[]): Promise<void> {
    const entry = { state: "pending" as PurgeState, at: monotonicNow(), purgeRules: wanted };
    states.set(id, entry);
    for (const rule of wanted) rules.set(rule.id, true);
    const added = wanted.map((rule) => purgeRules.add(rule));
    await Promise.all(
      added.map(async (rule) => {
        await Promise.allSettled([...carriers].map((carry) => carry(rule)));
        purgeRules.done(rule);
      }),
    );
    entry.state = "completed";
  }

  return {
    purgeRules,
    begin(rules: readonly PurgeRule[]): Purge {
      const id = randomUUID().replaceAll("-", "");
      const now = Date.now();
      const wanted = rules.map((rule) => ({ ...rule, id: newRuleId(now) }));
      const done = carryOut(id, wanted);
      return { id, done, heard: bus.publish(TOPIC, { id, purgeRules: wanted }) };
    },
    /** Carries out a rule that was found in the journal of a cache: its announcement got lost, or there is no bus. */
    carryOutFromJournal(rule: PurgeRule & { readonly id: string }): void {
      if (rules.has(rule.id)) return;
      void carryOut(`journal ${rule.id}`, [{ ...rule, remote: true }]);
    },
    /** How far a purge is, and what it removes. `undefined`: not known, or not any more. */
    find: (id: string): { readonly state: PurgeState; readonly purgeRules: readonly NewRule[] } | undefined =>
      states.peek(id),
    /** Adds the caches of a runtime; returns what takes them away. */
    carry(carrier: Carry): () => void {
      carriers.add(carrier);
      return () => carriers.delete(carrier);
    },
    close() {
      for (const end of ends) end();
    },
  };
}

export type Purges = ReturnType<typeof createPurges>;
