import type { Endpoint, Exchange, Job, Signed } from "@mediatap/core";
import { faultOf } from "./faults.ts";
import { readSignature, sign } from "./signature.ts";

interface SignOptions {
  /** Of all accounts. */
  readonly endpoints: readonly Endpoint[];
  readonly skewSeconds: number;
}

/** The tap of `sign`: the URL as it was sent, with a valid signature in the place of the one that it has. */
export function createSign({ endpoints, skewSeconds }: SignOptions) {
  return (_: Job, exchange: Exchange, expires: number | undefined): Signed => {
    const { endpoint, target } = exchange;
    const others = endpoints.filter(
      ({ tenant, name }) => tenant === endpoint.tenant && name !== endpoint.name,
    );
    const fault = faultOf(exchange, others, skewSeconds);
    const [key] = endpoint.privateKeys;
    if (key === undefined) return fault === undefined ? {} : { fault };
    const { rest, expiry } = readSignature(target.query) ?? { rest: withoutExpiry(target.query) };
    const sentExpiry = /(?:^|&)ik-t=/.test(target.query) ? expiry : undefined;
    const time =
      expires ?? (sentExpiry !== undefined && sentExpiry > Date.now() / 1000 ? sentExpiry : undefined);
    const message = target.path + (rest === "" ? "" : `?${rest}`);
    const query = [rest, time === undefined ? "" : `ik-t=${time}`, `ik-s=${sign(message, key, time)}`].filter(
      Boolean,
    );
    const url = `/${target.mount}${target.path}?${query.join("&")}`;
    return fault === undefined ? { url } : { url, fault };
  };
}

function withoutExpiry(query: string): string {
  return query
    .split("&")
    .filter((part) => !/^ik-t(?:=|$)/.test(part))
    .join("&");
}
