import { LRUCache } from "lru-cache";
import type { Asset } from "../model/asset.ts";
import type { Limits } from "../model/limits.ts";
import { type Breaker, type BreakerState, createBreaker } from "./breaker.ts";

/** Hosts behind web proxies whose state is kept. */
const MOST = 1000;

/** The circuit breakers of all origins; a web proxy has one for each host. */
export interface Breakers {
  of(origin: { name: string; storage: { urls?: boolean } }, asset: Asset): Breaker;
  /** State of each origin that was asked, by its name. */
  states(): Record<string, BreakerState>;
}

export function createBreakers(limits: Limits): Breakers {
  const known = new LRUCache<string, { name: string; breaker: Breaker }>({ max: MOST });
  return {
    of({ name, storage }, asset) {
      const key = storage.urls ? `${name} ${URL.parse(asset.path)?.host ?? ""}` : name;
      let entry = known.get(key);
      if (!entry) {
        entry = { name, breaker: createBreaker(limits) };
        known.set(key, entry);
      }
      return entry.breaker;
    },
    states() {
      const states: Record<string, BreakerState> = {};
      for (const { name, breaker } of known.values()) {
        if (states[name] === undefined || breaker.state !== "closed") states[name] = breaker.state;
      }
      return states;
    },
  };
}
