import { setTimeout as delay } from "node:timers/promises";
import { type Ban, isBanned, type PluginApi, type RenditionRecord } from "@mediatap/core";
import { banPath, bansPath, newStamp, parseBanPath, type Told, timeOf } from "./names.ts";
import type { WritableStorage } from "./store.ts";

/** Milliseconds after which the bans of others are looked for again. */
const REFRESH = 30_000;

/** Bans that are remembered; with more, everything is forgotten once. */
const MOST = 10_000;

/** Milliseconds after which a ban of another process is looked for. */
const TRIES = [50, 200, 1_000, 3_000];

export interface BansParts {
  readonly storage: WritableStorage;
  readonly prefix: string;
  /** Milliseconds for which entries are kept, and so bans. */
  readonly ttl: number;
  readonly logger: PluginApi["logger"];
}

/**
 * What was purged, as files in the storage that all processes read. An entry tells which of the bans that speak of it were
 * known when it was written, and holds only as long as there is no other. So no clocks are compared, a purge is one small
 * file however many entries there are, and what is still on its way is void when it arrives.
 */
export function createBans({ storage, prefix, ttl, logger }: BansParts) {
  let known = new Map<string, Told>();
  let index = indexOf(known);
  /** Bans that the storage could not be told, or not asked for, yet. */
  const owed = new Set<Told>();
  /** Stamps whose files are being written: a list need not have them. */
  const writing = new Set<string>();
  let isLoaded = false;
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  function look(): Promise<void> {
    looking ??= read().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  async function read(): Promise<void> {
    const found = new Map<string, Told>();
    const old: string[] = [];
    // What is added meanwhile may or may not be listed.
    const before = new Set([...known.keys()].filter((stamp) => !writing.has(stamp)));
    for await (const path of storage.list(bansPath(prefix))) {
      const ban = parseBanPath(prefix, path);
      if (!ban) continue;
      if (timeOf(ban.stamp) < Date.now() - ttl) old.push(path);
      else found.set(ban.stamp, ban.told);
    }
    for (const [stamp, told] of known) if (!before.has(stamp)) found.set(stamp, told);
    known = found;
    index = indexOf(known);
    isLoaded = true;
    await Promise.all(old.map((path) => storage.remove(path).catch(() => {})));
  }

  async function add(told: Told): Promise<void> {
    const same = [...known].filter(([, one]) => isSame(one, told)).map(([stamp]) => stamp);
    const isFull = known.size >= MOST;
    const now: Told = isFull ? { kind: "all", value: "" } : told;
    const stamp = newStamp();
    known.set(stamp, now);
    index = indexOf(known);
    writing.add(stamp);
    await storage
      .write(banPath(prefix, stamp, now), new Uint8Array(), { size: 0 })
      .finally(() => writing.delete(stamp));
    const superseded = isFull ? [...known.keys()].filter((one) => one !== stamp) : same;
    for (const one of superseded) {
      const old = known.get(one);
      known.delete(one);
      if (old) await storage.remove(banPath(prefix, one, old)).catch(() => {});
    }
    index = indexOf(known);
  }

  /** Another process writes it: until it is read, it is not known which entries came after it. */
  async function find(told: Told): Promise<void> {
    const before = new Set(known.keys());
    const isThere = () => [...known].some(([stamp, one]) => !before.has(stamp) && isSame(one, told));
    for (const pause of TRIES) {
      await delay(pause, undefined, { ref: false });
      await look().catch(() => {});
      if (isThere()) return;
    }
    await add(told);
  }

  return {
    /** Reads what was purged so far; from then on once in a while. */
    async start(): Promise<void> {
      timer ??= setInterval(() => {
        look().catch((err: unknown) => logger.debug({ err }, "purges could not be read"));
        for (const told of owed)
          void add(told).then(
            () => owed.delete(told),
            () => {},
          );
      }, REFRESH).unref();
      await look();
    },
    /** Nothing can be said of an entry before it is known what was purged. */
    async load(): Promise<void> {
      if (!isLoaded) await look();
    },
    /** Bans that speak of an entry, by their stamps. */
    of: (record: RenditionRecord): readonly string[] => index(record),
    /** Whether one is not carried out yet. */
    isOwed(record: RenditionRecord): boolean {
      return owed.size > 0 && [...owed].some((told) => isBanned(record, told));
    },
    async purge({ kind, value, tenant, remote }: Ban): Promise<void> {
      const told: Told = { kind, value, ...(tenant !== undefined && { tenant }) };
      owed.add(told);
      await (remote ? find(told) : add(told));
      owed.delete(told);
    },
    close(): void {
      clearInterval(timer);
    },
  };
}

/** Sources and tags are looked up by name, since there may be many; what is left is tried one after the other. */
function indexOf(known: ReadonlyMap<string, Told>): (record: RenditionRecord) => readonly string[] {
  const named = new Map<string, [string, Told][]>();
  const others: [string, Told][] = [];
  for (const [stamp, told] of known) {
    const { kind, value } = told;
    if (kind !== "source" && kind !== "tag") {
      others.push([stamp, told]);
      continue;
    }
    const same = named.get(`${kind} ${value}`) ?? [];
    named.set(`${kind} ${value}`, same);
    same.push([stamp, told]);
  }
  return (record) => {
    const { asset, sources, tags = [] } = record;
    const names = new Set([
      ...sources.map(({ path }) => `source ${path}`),
      ...(asset ? [`source ${asset.path}`] : []),
      ...tags.map((tag) => `tag ${tag}`),
    ]);
    const candidates = [...[...names].flatMap((name) => named.get(name) ?? []), ...others];
    return candidates.filter(([, told]) => isBanned(record, told)).map(([stamp]) => stamp);
  };
}

function isSame(a: Told, b: Told): boolean {
  return a.kind === b.kind && a.value === b.value && a.tenant === b.tenant;
}

export type Bans = ReturnType<typeof createBans>;
