import { hash, timingSafeEqual } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { RouteReply, RouteRequest } from "@mediatap/core";

/** Milliseconds until a wrong password is answered, so that nobody tries many. */
const SLOWED = 500;

/** The refusal of a request without the password, whoever the user (RFC 7617); `undefined`: it may go on. */
export async function refusal(request: RouteRequest, password: string): Promise<RouteReply | undefined> {
  const sent = /^Basic +(\S+)$/i.exec(request.header("authorization") ?? "")?.[1];
  const pair = sent === undefined ? undefined : Buffer.from(sent, "base64").toString("utf8");
  if (pair !== undefined && equal(pair.slice(pair.indexOf(":") + 1), password)) return undefined;
  if (pair !== undefined) await delay(SLOWED);
  return {
    status: 401,
    headers: {
      "www-authenticate": 'Basic realm="status", charset="UTF-8"',
      "content-type": "text/plain; charset=utf-8",
    },
    body: "Expected the password of this page\n",
  };
}

/** Hashed first: in constant time, whatever the lengths. */
function equal(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}
