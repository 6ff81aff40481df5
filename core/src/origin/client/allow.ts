import ipaddr from "ipaddr.js";
import { MediaError, printable } from "../../model/errors.ts";
import { createIpTest } from "../../util/ip-ranges.ts";
import { normalHost } from "./host.ts";

/** The private places that client-given addresses may reach: `network.allow`, parsed. */
export interface AllowList {
  /** A host that is listed by its name, with this port or with none. */
  host(host: string, port: number): boolean;
  /** An IP address that is listed, alone or by its network. */
  address(address: string, port: number): boolean;
  /** A host or address that is listed with exactly this port. */
  port(host: string, port: number): boolean;
}

interface Entry {
  readonly host?: string;
  readonly includes?: (address: string) => boolean;
  readonly port?: number;
}

/** Parses entries of the forms `host`, `host:port` and CIDR. Throws `ECONFIG` for any other. */
export function createAllowList(entries: readonly string[]): AllowList {
  const list = entries.map(parse);
  const covers = (entry: Entry, port: number) => entry.port === undefined || entry.port === port;
  return {
    host: (host, port) => list.some((entry) => entry.host === host && covers(entry, port)),
    address: (address, port) => list.some((entry) => entry.includes?.(address) && covers(entry, port)),
    port: (host, port) =>
      list.some((entry) => entry.port === port && (entry.host === host || entry.includes?.(host))),
  };
}

function parse(text: string): Entry {
  if (ipaddr.isValidCIDR(text)) return { includes: createIpTest([text]) };
  const bare = ipaddr.IPv6.isValid(text) ? `[${text}]` : text;
  const match = /^(?<host>\[[^\]]+\]|[^:/?#@\\\s]+)(?::(?<port>\d{1,5}))?$/.exec(bare);
  const host = match?.groups?.host && hostOf(match.groups.host);
  const port = match?.groups?.port === undefined ? undefined : Number(match.groups.port);
  if (!host || (port !== undefined && (port < 1 || port > 65535))) {
    throw new MediaError(
      "ECONFIG",
      `network.allow: Expected host, host:port or CIDR but received '${printable(text)}'`,
    );
  }
  const at = port === undefined ? {} : { port };
  return { ...(ipaddr.isValid(host) ? { includes: createIpTest([host]) } : { host }), ...at };
}

function hostOf(text: string): string | undefined {
  const url = URL.parse(`http://${text}/`);
  return url ? normalHost(url) : undefined;
}
