import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Ban, isBanned, type RenditionRecord } from "@mediatap/core";
import { z } from "zod";
import type { Entry } from "./entry.ts";
import type { Link } from "./link.ts";
import { accountOf, markOf, markOfBan, marksOf, pathsOf } from "./marks.ts";
import type { Logger } from "./store.ts";

/** Milliseconds within which an entry must be written from its marks being read; then they are looked at once more. */
const SETTLED = 1_000;

/** How much longer marks live than entries. */
const LONGER = 12;

/** Bans of this process that are remembered, for entries that are being written. */
const MOST = 1_000;

/** How often a prefix is put on its list, where that is lost each time. */
const ROUNDS = 5;

/** Purged prefixes that are no folders, in one account; with more, the whole account is purged. */
const MOST_PREFIXES = 500;

const prefixes = z.array(z.tuple([z.string(), z.string()]));

export interface PurgesParts {
  readonly link: Link;
  readonly namespace: string;
  /** Milliseconds for which entries are kept. */
  readonly ttl: number;
  readonly logger: Logger;
  /** Removes the entry of a key. */
  readonly forget: (key: string) => Promise<void>;
}

/** What was purged, as the store knows it, and what it still has to be told. */
export function createPurges({ link, namespace, ttl, logger, forget }: PurgesParts) {
  const lives = ttl * LONGER;
  /** Accounts that are configured, or that entries were met of. */
  const tenants = new Set([""]);
  const recent: Ban[] = [];
  let count = 0;
  /** Bans that the store could not be told yet. */
  const owed = new Set<Ban>();
  let paying: Promise<void> | undefined;
  /** One after the other: each begins with what the one before has written. */
  let listing: Promise<void> = Promise.resolve();
  /** Marks that were changed a moment ago. */
  const changing = new Map<string, string>();
  const later = new Map<NodeJS.Timeout, () => Promise<void>>();

  const nameOf = (mark: string) => `${namespace}:mark-1:${mark}`;
  const newValue = () => randomBytes(9).toString("base64url");

  /** Values of an entry's marks, and what of its account's prefixes fits it. */
  async function look(record: RenditionRecord) {
    const marks = marksOf(record);
    const account = accountOf(record);
    tenants.add(account);
    const list = markOf(account, "prefixes", "");
    const values = await link.getMany([...marks, list].map(nameOf));
    const purged = parsePrefixes(values.pop());
    const paths = pathsOf(record);
    return {
      marks,
      values,
      purges: purged.filter(([prefix]) => paths.some((path) => path.startsWith(prefix))).map(([, id]) => id),
    };
  }

  return {
    know(names: readonly string[]): void {
      for (const name of names) tenants.add(name);
    },

    /** Whether an entry was not purged since it was written. */
    async holds({ record, marks, purges }: Entry): Promise<boolean> {
      const now = await look(record);
      return (
        now.values.length === marks.length &&
        now.values.every((value, at) => value === marks[at]) &&
        now.purges.every((id) => purges.includes(id))
      );
    },

    /** The marks that an entry is to be written under. `undefined`: that took too long for a purge to be sure of it. */
    async see(record: RenditionRecord): Promise<Pick<Entry, "marks" | "purges"> | undefined> {
      const started = performance.now();
      const { marks, values, purges } = await look(record);
      const seen = await Promise.all(
        values.map(async (value, at) => {
          if (typeof value === "string") return value;
          const made = newValue();
          await link.set(nameOf(marks[at] as string), made, lives);
          return made;
        }),
      );
      return performance.now() - started < SETTLED / 2 ? { marks: seen, purges } : undefined;
    },

    /** A moment, to be compared with purges of this process. */
    now: () => count,
    isPurged(record: RenditionRecord, since: number): boolean {
      const missed = count - since;
      if (missed > recent.length) return true;
      return missed > 0 && recent.slice(-missed).some((ban) => isBanned(record, ban));
    },

    /** Whether the store still has what was purged. Each time it is tried to change that. */
    isOwed(record: RenditionRecord): boolean {
      if (owed.size === 0) return false;
      void pay();
      return [...owed].some((ban) => isBanned(record, ban));
    },

    /** Purges. Throws where the store cannot be told; it will be told when it is back, and until then it is not believed. */
    async add(ban: Ban): Promise<void> {
      count++;
      recent.push(ban);
      if (recent.length > MOST) recent.shift();
      owed.add(ban);
      await carryOut(ban);
      owed.delete(ban);
    },

    /** What was to be looked at once more is looked at now. */
    async close(): Promise<void> {
      const again = [...later.values()];
      for (const timer of later.keys()) clearTimeout(timer);
      later.clear();
      await Promise.allSettled([...again.map((work) => work()), pay()]);
    },
  };

  function pay(): Promise<void> {
    paying ??= payAll().finally(() => {
      paying = undefined;
    });
    return paying;
  }

  async function payAll(): Promise<void> {
    try {
      for (const ban of owed) {
        await carryOut(ban);
        owed.delete(ban);
      }
    } catch (err) {
      logger.debug({ err }, "the store of the cache could not be told of a purge yet");
    }
  }

  async function carryOut(ban: Ban): Promise<void> {
    if (ban.kind === "key") {
      await forget(ban.value);
      again(() => forget(ban.value));
      return;
    }
    const accounts = ban.tenant === undefined ? [...tenants] : [ban.tenant];
    await Promise.all(
      accounts.map((tenant) => {
        const mark = markOfBan(tenant, ban);
        return mark === undefined ? purgePrefix(tenant, ban.value) : change(mark);
      }),
    );
  }

  /**
   * Gives a mark another value. A process that found no mark may be about to make one, over this one: it is looked at
   * once more, when whoever did so has written its entry or given up.
   */
  async function change(mark: string): Promise<void> {
    const value = newValue();
    changing.set(mark, value);
    await link.set(nameOf(mark), value, lives);
    again(async () => {
      // The next purge of the same looks for itself.
      if (changing.get(mark) !== value) return;
      changing.delete(mark);
      if ((await link.get(nameOf(mark))) !== value) await link.set(nameOf(mark), newValue(), lives);
    });
  }

  /**
   * A prefix that is no folder is put on a list. Another process may be about to write the list as it was before: that is
   * over, or given up, after a while, and what was lost then is put there once more.
   */
  async function purgePrefix(tenant: string, prefix: string): Promise<void> {
    const name = nameOf(markOf(tenant, "prefixes", ""));
    const id = newValue();
    const isThere = async () => parsePrefixes(await link.get(name)).some(([, known]) => known === id);
    for (let round = 0; round < ROUNDS && !(await isThere()); round++) {
      listing = listing.catch(() => undefined).then(() => list(tenant, name, [prefix, id]));
      await listing;
      await delay(SETTLED);
    }
  }

  /** Puts a prefix on a list, unless that takes so long that another process could think this one had given up. */
  async function list(tenant: string, name: string, [prefix, id]: [string, string]): Promise<void> {
    const started = performance.now();
    const others = parsePrefixes(await link.get(name)).filter(([known]) => known !== prefix);
    if (others.length >= MOST_PREFIXES) {
      await change(markOf(tenant, "folder", ""));
      others.length = 0;
    }
    if (performance.now() - started > SETTLED / 2) return;
    await link.set(name, JSON.stringify([...others, [prefix, id]]), lives);
  }

  function again(work: () => Promise<void>): void {
    const timer = setTimeout(() => {
      later.delete(timer);
      void run();
    }, SETTLED).unref();
    const run = () =>
      work().catch((err: unknown) => logger.warn({ err }, "a purge could not be made sure of"));
    later.set(timer, run);
  }
}

/** What cannot be read is no list: it is begun again. */
function parsePrefixes(value: unknown): [string, string][] {
  if (typeof value !== "string") return [];
  try {
    return prefixes.parse(JSON.parse(value));
  } catch {
    return [];
  }
}
