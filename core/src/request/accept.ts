import { LRUCache } from "lru-cache";
import Negotiator from "negotiator";
import type { Endpoint } from "../model/endpoint.ts";
import type { AcceptClass } from "../model/job.ts";

const MAX_ACCEPT_LENGTH = 1024;
const seen = new LRUCache<string, { avif: boolean; webp: boolean }>({ max: 500 });

/** What an `Accept` header names by itself, wildcards aside. A header that is too long counts as missing. */
function named(accept: string) {
  const known = seen.get(accept);
  if (known) return known;
  const types = accept.length > MAX_ACCEPT_LENGTH ? [] : new Negotiator({ headers: { accept } }).mediaTypes();
  const found = { avif: types.includes("image/avif"), webp: types.includes("image/webp") };
  if (accept.length <= MAX_ACCEPT_LENGTH) seen.set(accept, found);
  return found;
}

/** The class of a request: the best format that the client names and the endpoint offers. */
export function acceptClass(
  accept: string | undefined,
  userAgent: string | undefined,
  endpoint: Endpoint,
): AcceptClass {
  if (endpoint.userAgentAccept.length > 0 && userAgent) {
    const agent = userAgent.toLowerCase();
    const rule = endpoint.userAgentAccept.find(({ match }) => agent.includes(match.toLowerCase()));
    if (rule) return rule.accept === "avif" && !endpoint.autoAvif ? "webp" : rule.accept;
  }
  if (!accept) return "basic";
  const { avif, webp } = named(accept.toLowerCase());
  if (avif && endpoint.autoAvif) return "avif";
  return webp ? "webp" : "basic";
}
