import { LRUCache } from "lru-cache";
import type { Bus } from "../util/bus.ts";

const TOPIC = "core:wrong-key";

/** Wrong keys of one address in a minute; and addresses that are counted. */
const MAX_WRONG_KEYS = 10;
const WINDOW_MS = 60_000;
const MAX_ADDRESSES = 10_000;

export type WrongKeys = ReturnType<typeof createWrongKeys>;

/** Counts wrong keys by address, those that other processes have met included. A runtime that follows another one counts on. */
export function createWrongKeys(bus: Bus) {
  const counts = new LRUCache<string, number>({ max: MAX_ADDRESSES, ttl: WINDOW_MS, noUpdateTTL: true });
  const add = (address: string) => counts.set(address, (counts.get(address) ?? 0) + 1);
  const close = bus.subscribe(TOPIC, (address) => void (typeof address === "string" && add(address)));
  return {
    /** Seconds for which an address is blocked. */
    blockedFor(address: string): number | undefined {
      if ((counts.get(address) ?? 0) < MAX_WRONG_KEYS) return undefined;
      return Math.ceil(counts.getRemainingTTL(address) / 1000);
    },
    add(address: string): void {
      add(address);
      void bus.publish(TOPIC, address);
    },
    close,
  };
}
