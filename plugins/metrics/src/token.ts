import { hash, timingSafeEqual } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { RouteReply, RouteRequest } from "@mediatap/core";

/** Milliseconds until a wrong token is refused, so that nobody can try many. */
const REFUSAL_DELAY_MS = 500;

/** The refusal of a request without the token (RFC 6750 §3); `undefined`: the token is valid. */
export async function refusal(request: RouteRequest, token: string): Promise<RouteReply | undefined> {
  const given = /^Bearer +(\S+)$/i.exec(request.header("authorization") ?? "")?.[1];
  if (given !== undefined && equal(given, token)) return undefined;
  if (given !== undefined) await delay(REFUSAL_DELAY_MS);
  return {
    status: 401,
    headers: { "www-authenticate": 'Bearer realm="metrics"', "content-type": "text/plain; charset=utf-8" },
    body: "Expected a bearer token\n",
  };
}

/** Hashed first: in constant time, whatever the lengths. */
function equal(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}
