import ipaddr from "ipaddr.js";
import type { Endpoint } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import type { MediaRequest } from "../model/exchange.ts";

/** A check of one endpoint's access rules, prepared once: throws `EFORBIDDEN` for a client they refuse. */
export type AccessCheck = (request: MediaRequest) => void;

/** The access rules of an endpoint (addresses, referrers, user agents); `undefined` where it has none. */
export function accessCheck(endpoint: Endpoint): AccessCheck | undefined {
  const checks = [blockedIps(endpoint), referrers(endpoint), userAgents(endpoint)].filter(
    (c) => c !== undefined,
  );
  if (checks.length === 0) return undefined;
  return (request) => {
    for (const check of checks) check(request);
  };
}

const refuse = () => new MediaError("EFORBIDDEN", "Access is restricted");

function blockedIps({ blockedIps }: Endpoint): AccessCheck | undefined {
  if (blockedIps.length === 0) return undefined;
  const ranges = blockedIps.map((text) =>
    text.includes("/")
      ? ipaddr.parseCIDR(text)
      : ([ipaddr.parse(text), text.includes(":") ? 128 : 32] as const),
  );
  return ({ ip }) => {
    if (!ipaddr.isValid(ip)) throw refuse();
    const address = ipaddr.process(ip);
    const blocked = ranges.some(
      ([range, bits]) => range.kind() === address.kind() && address.match(range, bits),
    );
    if (blocked) throw refuse();
  };
}

/** Exact host names. A request without `Referer` passes: address bars and privacy tools send none. */
function referrers({ referrer }: Endpoint): AccessCheck | undefined {
  if (!referrer || referrer.domains.length === 0) return undefined;
  const domains = new Set(referrer.domains.map((domain) => domain.toLowerCase()));
  return (request) => {
    const value = request.header("referer");
    if (value === undefined || value === "") return;
    const host = URL.parse(value)?.hostname ?? "";
    if (domains.has(host) !== (referrer.mode === "allow")) throw refuse();
  };
}

function userAgents({ blockedUserAgents }: Endpoint): AccessCheck | undefined {
  if (blockedUserAgents.length === 0) return undefined;
  const parts = blockedUserAgents.map((part) => part.toLowerCase());
  return (request) => {
    const agent = (request.header("user-agent") ?? "").toLowerCase();
    if (parts.some((part) => agent.includes(part))) throw refuse();
  };
}
