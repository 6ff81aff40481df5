import ipaddr from "ipaddr.js";
import { endpointId } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import { after, type MaybePromise } from "../util/maybe.ts";
import type { RateLimiter } from "../util/rate-limiter.ts";

/** Hextets of an IPv6 address that belong to one client: providers assign networks of 64 bits or more. */
const NETWORK_HEXTETS = 4;

/** What counts as one client: an IPv4 address, or the /64 network of an IPv6 address. */
export function clientOf(ip: string): string {
  if (!ip.includes(":") || !ipaddr.isValid(ip)) return ip;
  const address = ipaddr.process(ip);
  if (address.kind() === "ipv4") return address.toString();
  const { parts } = address as ipaddr.IPv6;
  return `${parts
    .slice(0, NETWORK_HEXTETS)
    .map((part) => part.toString(16))
    .join(":")}::/64`;
}

export type MissRate = ReturnType<typeof createMissRate>;

/**
 * `missRate` of endpoints: counts a render that a request is about to start. Returns the error if its client has started too many. A
 * request with a valid signature is not counted: its URL was made by somebody with a key.
 */
export function createMissRate(rates: RateLimiter) {
  return function count({ endpoint, request, claims }: Exchange): MaybePromise<MediaError | undefined> {
    const { missRate, tenant, name } = endpoint;
    if (missRate === undefined || claims.signature === "valid") return undefined;
    const key = `${endpointId({ tenant, endpoint: name })} ${clientOf(request.ip)}`;
    return after(rates.take(key, missRate), (wait) => (wait === 0 ? undefined : refusal(wait)));
  };
}

const refusal = (wait: number) =>
  new MediaError("EBUSY", "Too many new renditions for this address: try again later", {
    status: 429,
    retryAfterSeconds: Math.max(1, Math.ceil(wait / 1000)),
  });
