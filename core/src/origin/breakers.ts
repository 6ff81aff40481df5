import { LRUCache } from "lru-cache";
import type { Logger } from "pino";
import type { Asset } from "../model/asset.ts";
import { isMediaError, type MediaError } from "../model/errors.ts";
import type { Limits } from "../model/limits.ts";
import {
  type Breaker,
  type BreakerChange,
  type BreakerParts,
  type BreakerState,
  createBreaker,
} from "../util/breaker.ts";
import { reasonOf } from "../util/log.ts";
import type { OriginEntry } from "./entry.ts";
import { createPauses, type Pauses, skipped } from "./pauses.ts";

/** Hosts behind web proxies whose state is stored. */
const MAX_HOSTS = 1000;

/** The circuit breakers of all origins; a web proxy has one for each host. */
export interface Breakers {
  of(origin: Pick<OriginEntry, "name" | "fingerprint" | "storage">, asset: Asset): Breaker<MediaError>;
  /** Files for which origins have sent `Retry-After`. */
  readonly pauses: Pauses;
  /** State of each origin that was used, by its name. */
  states(): Record<string, BreakerState>;
  /** Sets the limits of another configuration. */
  adopt(limits: Limits): void;
}

interface Known {
  readonly name: string;
  readonly fingerprint: string;
  readonly breaker: Breaker<MediaError>;
}

/** "Not here" and "denied" show that an origin works; only outages count against it. */
export function createOriginBreaker(
  limits: Limits,
  parts: Pick<BreakerParts<MediaError>, "now" | "random" | "onChange">,
): Breaker<MediaError> {
  return createBreaker<MediaError>(limits, {
    judge(error) {
      if (!isMediaError(error)) return undefined;
      if (error.outage) return "fails";
      return error.status < 500 ? "works" : undefined;
    },
    isConnectionFailure: ({ code }) => code === "ECONNREFUSED",
    skip: skipped,
    ...parts,
  });
}

export function createBreakers(initial: Limits, log: Logger): Breakers {
  const limits = { ...initial };
  const noting = (origin: string, host: string | undefined) => (change: BreakerChange<MediaError>) => {
    const what = { origin, ...(host === undefined ? {} : { host }) };
    if (change.state === "closed") return log.info(what, "an origin responds again");
    const { error, milliseconds } = change;
    const line = { ...what, code: error.code, ms: Math.round(milliseconds), reason: reasonOf(error) };
    log.warn(line, "an origin is skipped for a while");
  };
  const known = new LRUCache<string, Known>({ max: MAX_HOSTS });
  return {
    pauses: createPauses(),
    of({ name, fingerprint, storage }, asset) {
      const host = storage.urls ? (URL.parse(asset.path)?.host ?? "") : undefined;
      const key = host === undefined ? name : `${name} ${host}`;
      let entry = known.get(key);
      // Under the same name a new configuration may mean another place.
      if (entry?.fingerprint !== fingerprint) {
        entry = { name, fingerprint, breaker: createOriginBreaker(limits, { onChange: noting(name, host) }) };
        known.set(key, entry);
      }
      return entry.breaker;
    },
    adopt: (others) => void Object.assign(limits, others),
    states() {
      const states: Record<string, BreakerState> = {};
      for (const { name, breaker } of known.values()) {
        if (states[name] === undefined || breaker.state !== "closed") states[name] = breaker.state;
      }
      return states;
    },
  };
}
