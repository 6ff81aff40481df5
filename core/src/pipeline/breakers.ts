import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import { reasonOf } from "../log.ts";
import type { Asset } from "../model/asset.ts";
import type { Limits } from "../model/limits.ts";
import { type Breaker, type BreakerChange, type BreakerState, createBreaker } from "./breaker.ts";

/** Hosts behind web proxies whose state is kept. */
const MOST = 1000;

/** The circuit breakers of all origins; a web proxy has one for each host. */
export interface Breakers {
  of(origin: { name: string; storage: { urls?: boolean } }, asset: Asset): Breaker;
  /** State of each origin that was asked, by its name. */
  states(): Record<string, BreakerState>;
}

export function createBreakers(limits: Limits, log: Logger): Breakers {
  const noting = (origin: string, host: string | undefined) => (change: BreakerChange) => {
    const what = { origin, ...(host === undefined ? {} : { host }) };
    if (change.state === "closed") return log.info(what, "an origin answers again");
    const { error, milliseconds } = change;
    const line = { ...what, code: error.code, ms: Math.round(milliseconds), reason: reasonOf(error) };
    log.warn(line, "an origin is skipped for a while");
  };
  const known = new LRUCache<string, { name: string; breaker: Breaker }>({ max: MOST });
  return {
    of({ name, storage }, asset) {
      const host = storage.urls ? (URL.parse(asset.path)?.host ?? "") : undefined;
      const key = host === undefined ? name : `${name} ${host}`;
      let entry = known.get(key);
      if (!entry) {
        entry = { name, breaker: createBreaker(limits, undefined, noting(name, host)) };
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
