import { randomBytes } from "node:crypto";
import {
  addRule,
  decodeRule,
  encodeRule,
  type JournalRule,
  type PurgeJournal,
  timeOfRule,
} from "@mediatap/core/cache";
import { z } from "zod";
import type { Link } from "./link.ts";

// Purge rules in a store without lists: each has a numbered slot. A head contains the range of numbers in use.
//
//     NAMESPACE:purges-1                 { epoch, first, last }
//     NAMESPACE:purges-1:EPOCH:NUMBER    a rule
//
// If the store loses the head, a new epoch begins, and entries of an older epoch are misses: what was purged is unknown.

const headSchema = z.strictObject({ epoch: z.string(), first: z.int().min(1), last: z.int().min(0) });
type Head = Readonly<z.output<typeof headSchema>>;

/** Slots that are read in one command. */
const BATCH_SLOTS = 100;

/** The state of the journal that is read together with an entry. */
export interface JournalState {
  readonly epoch: string | undefined;
  /** The version that this process has read, if it is still current; else another text. */
  readonly version: string;
}

interface KnownJournal {
  readonly head: Head;
  readonly rules: ReadonlyMap<string, JournalRule>;
  /** Times of the rules in the slots from `head.first` on, in milliseconds since 1970. */
  readonly times: readonly number[];
}

export function createKeyvJournal(link: Link, namespace: string, ttl: number) {
  const headName = `${namespace}:purges-1`;
  const slotName = (epoch: string, number: number) => `${headName}:${epoch}:${number}`;
  let known: KnownJournal | undefined;

  const versionOf = ({ epoch, last }: Head) => `${epoch} ${last}`;

  async function readHead(): Promise<Head> {
    const found = parseHead(await link.get(headName));
    if (found) return found;
    const head = { epoch: randomBytes(9).toString("base64url"), first: 1, last: 0 };
    await link.set(headName, JSON.stringify(head));
    // Another process may have begun an epoch at the same moment.
    return parseHead(await link.get(headName)) ?? head;
  }

  /** Reads the slots that are not known yet, also those beyond the head: it is written after them. */
  async function catchUp(): Promise<KnownJournal> {
    const { epoch, first, last } = await readHead();
    const before = known?.head.epoch === epoch ? known : undefined;
    const rules = new Map(before?.rules);
    const times = [...(before?.times ?? [])];
    const start = before?.head.first ?? first;
    let at = start + times.length - 1;
    for (;;) {
      const numbers = Array.from({ length: BATCH_SLOTS }, (_, index) => at + 1 + index);
      const values = await link.getMany(numbers.map((number) => slotName(epoch, number)));
      let read = 0;
      for (const value of values) {
        const rule = decodeRule(value);
        if (!rule && at + 1 > last) break;
        // A slot that the store has lost: it may have matched anything.
        addRule(rules, rule ?? { id: lostId(at + 1), kind: "all", value: "" });
        times.push(rule ? timeOfRule(rule.id) : Date.now());
        at++;
        read++;
      }
      if (read < BATCH_SLOTS) break;
    }
    known = { head: { epoch, first: start, last: at }, rules, times };
    return known;
  }

  return {
    /** Names of the values to be read with an entry, for `stateOf`. */
    names: () => [headName, ...(known ? [slotName(known.head.epoch, known.head.last + 1)] : [])],
    /** The state in these values. */
    stateOf([head, next]: readonly unknown[]): JournalState {
      const found = parseHead(head);
      // The store has lost its rules, or has a new epoch: the next entry must not be written under the old one.
      if (found?.epoch !== known?.head.epoch) known = undefined;
      const isKnown = known && found && found.last <= known.head.last && !next;
      return { epoch: found?.epoch, version: known && isKnown ? versionOf(known.head) : "changed" };
    },
    /** The epoch under which entries are written. */
    epoch: async (): Promise<string> => known?.head.epoch ?? (await readHead()).epoch,
    journal: {
      async read() {
        const { head, rules } = await catchUp();
        return { rules: [...rules.values()], version: versionOf(head) };
      },
      async add(rule, replaces) {
        const text = encodeRule(rule, replaces);
        for (;;) {
          const { head, times } = await catchUp();
          const { epoch } = head;
          const last = head.last + 1;
          // Another process may be first.
          if (!(await link.setIfAbsent(slotName(epoch, last), text))) continue;
          // Slots whose rules are older than every entry are free.
          const old = times.findIndex((time) => time >= Date.now() - ttl);
          const first = head.first + (old < 0 ? times.length : old);
          await link.set(headName, JSON.stringify({ epoch, first, last }));
          for (let number = head.first; number < first; number++) await link.delete(slotName(epoch, number));
          await catchUp();
          return;
        }
      },
    } satisfies PurgeJournal,
  };
}

/** Later than every other id, and the same in all processes. */
const lostId = (number: number) => `zzzzzzzzzz${number.toString(16).padStart(12, "0")}`;

function parseHead(value: unknown): Head | undefined {
  try {
    return headSchema.parse(JSON.parse(String(value)));
  } catch {
    return undefined;
  }
}
