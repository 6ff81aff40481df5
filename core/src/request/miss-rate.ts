import { endpointId } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import { clientOf } from "../util/client-address.ts";
import { after, type MaybePromise } from "../util/maybe.ts";
import type { RateLimiter } from "../util/rate-limiter.ts";

export type MissRate = ReturnType<typeof createMissRate>;

/**
 * `missRate` of endpoints: counts a render that a request is about to start. Returns the error if its client has started too many. A
 * request with a valid signature is not counted: its URL was made by somebody with a key.
 */
export function createMissRate(rates: RateLimiter) {
  return function count(exchange: Exchange, perMinute: number): MaybePromise<MediaError | undefined> {
    const { endpoint, request, claims } = exchange;
    if (claims.signature === "valid") return undefined;
    const { tenant, name } = endpoint;
    const key = `${endpointId({ tenant, endpoint: name })} ${clientOf(request.ip)}`;
    return after(rates.take(key, perMinute), (wait) => (wait === 0 ? undefined : refusal(wait)));
  };
}

const refusal = (wait: number) =>
  new MediaError("EBUSY", "Too many new renditions for this address: try again later", {
    status: 429,
    // Sums of intervals are not exact.
    retryAfterSeconds: Math.max(1, Math.ceil(wait / 1000 - 1e-6)),
  });
