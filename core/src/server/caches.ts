import type { Logger } from "pino";
import type { Cache } from "../cache/cache.ts";
import type { Purges } from "../cache/purges.ts";
import { createTier, type Tier, type TierParts } from "../cache/tier.ts";
import type { RuntimeInfo } from "../hooks.ts";
import type { SavedCopies } from "../origin/saved-copies.ts";
import { systemClock } from "../util/clock.ts";
import type { RegisteredOriginals, RegisteredRenditions } from "./registrations.ts";
import type { RuntimeSingletons } from "./singletons.ts";

interface CachesParts {
  readonly renditions: readonly RegisteredRenditions[];
  readonly originals: RegisteredOriginals | undefined;
  /** Of renditions. */
  readonly cache: Cache;
  /** Of originals. */
  readonly copies: SavedCopies | undefined;
  readonly singletons: RuntimeSingletons;
  readonly purges: Purges;
  /** As of `TierParts`. */
  readonly cooldown: number;
  readonly log: Logger;
}

/** Opens the backends that plugins have registered, and starts them. A backend that is open already is taken over. */
export async function openCaches(parts: CachesParts, info: RuntimeInfo): Promise<void> {
  const { renditions, originals, cache, copies, singletons } = parts;
  const tiers = renditions.map((registered) => {
    registered.opened = openTier(registered);
    return registered.opened;
  });
  cache.open(tiers);
  if (originals) {
    const { plugin, open, ...options } = originals;
    const { backend, policy } = open(info);
    const { maxFileBytes: maxEntryBytes } = policy;
    const tier = { backend, options: { ...options, maxEntryBytes }, stores: "originals" } as const;
    originals.opened = tierOf(plugin, tier, parts);
    copies?.open(originals.opened, policy);
    tiers.push(originals.opened);
  }
  await Promise.all(tiers.map((tier) => tier.start()));

  function openTier({ plugin, settings, open, opened: _, ...options }: RegisteredRenditions): Tier {
    const openNew = () => tierOf(plugin, { backend: open(info), options }, parts);
    if (settings === undefined) return openNew();
    const own = renditions.filter((registered) => registered.plugin === plugin);
    const place = own.findIndex((registered) => registered.open === open);
    return singletons.acquire(`cache:${plugin}:${place}:${JSON.stringify([settings, options])}`, openNew);
  }
}

/** Closes the backends that no other configuration can take over. */
export async function closeOwnCaches(renditions: readonly RegisteredRenditions[]): Promise<void> {
  const own = renditions.filter(({ settings }) => settings === undefined);
  await Promise.all(own.map(({ opened }) => opened?.close()));
}

function tierOf(
  plugin: string,
  backend: Pick<TierParts, "backend" | "options" | "stores">,
  { log, cooldown, purges }: CachesParts,
): Tier {
  const tier = createTier({
    ...backend,
    name: plugin,
    log: log.child({ plugin }),
    clock: systemClock,
    cooldown,
    isPurged: purges.purgeRules.isPurged,
    onRule: purges.carryOutFromJournal,
  });
  const leave = purges.carry(async (rule) => tier.purge(rule));
  return {
    ...tier,
    async close() {
      leave();
      await tier.close();
    },
  };
}
