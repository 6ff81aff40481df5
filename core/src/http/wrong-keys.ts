import { LRUCache } from "lru-cache";
import type { Bus } from "../util/bus.ts";
import { clientOf } from "../util/client-address.ts";

const TOPIC = "core:wrong-key";

/** Wrong keys of one address in a minute; and addresses that are counted. */
const MAX_WRONG_KEYS = 10;
const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

/** Counts wrong keys by client, those that other processes have met included. A runtime that follows another one counts on. */
export function createWrongKeys(bus: Bus) {
  const counts = new LRUCache<string, number>({ max: MAX_ADDRESSES, ttl: WINDOW_MS, noUpdateTTL: true });
  const add = (client: string) => counts.set(client, (counts.get(client) ?? 0) + 1);
  const close = bus.subscribe(TOPIC, (client) => void (typeof client === "string" && add(client)));
  return {
    /** Seconds for which an address is blocked. */
    blockedFor(address: string): number | undefined {
      const client = clientOf(address);
      if ((counts.get(client) ?? 0) < MAX_WRONG_KEYS) return undefined;
      return Math.ceil(counts.getRemainingTTL(client) / 1000);
    },
    add(address: string): void {
      const client = clientOf(address);
      add(client);
      void bus.publish(TOPIC, client);
    },
    close,
  };
}
