import { isIP } from "node:net";
import { MediaError } from "../../model/errors.ts";
import type { FetchOptions } from "../../plugin/fetcher.ts";
import { isPublicAddress } from "./addresses.ts";
import type { AllowList } from "./allow.ts";
import { normalHost, portOf, sameOrigin } from "./host.ts";

/** Ports that client-given addresses may use where nothing else is configured. */
const DEFAULT_PORTS = [80, 443] as const;

/** Names that are never public: RFC 6761 §6.3, RFC 6762 §3, and `.internal`, reserved by ICANN in 2024. */
const PRIVATE_NAMES = ["localhost", "local", "internal"];

/** An address that requests may go to, in the form that is connected to. */
export interface Hop {
  /** Without user, password and fragment; its host without a trailing dot. */
  readonly url: URL;
  readonly host: string;
  readonly port: number;
  /** Its scheme, host and port are those of a configured address. */
  readonly trusted: boolean;
}

export interface Rules extends Pick<FetchOptions, "ports" | "admits"> {
  readonly allow: AllowList;
  readonly trusted?: URL | undefined;
}

/** The refusal of the guard. What was refused, and why, is in the cause (`EGUARD`): it is for the operator only. */
export function refused(reason: string): MediaError {
  const cause = Object.assign(new Error(reason), { code: "EGUARD" });
  return new MediaError("EACCES", "The origin's address is not allowed", { cause });
}

/**
 * Judges all of a URL that can be judged before its name is resolved. Throws `EACCES`.
 * The addresses behind a name are judged when it is connected to.
 */
export function checkUrl(url: URL, rules: Rules): Hop {
  if (url.protocol !== "http:" && url.protocol !== "https:") throw refused(`scheme ${url.protocol}`);
  if (url.username !== "" || url.password !== "") throw refused("user or password in the URL");
  const host = normalHost(url);
  const port = portOf(url);
  const clean = new URL(url);
  clean.hash = "";
  if (!isIP(host)) clean.hostname = host;
  const hop: Hop = {
    url: clean,
    host,
    port,
    trusted: rules.trusted !== undefined && sameOrigin(url, rules.trusted),
  };
  if (hop.trusted) return hop;
  if (rules.admits && !rules.admits(hop.url)) throw refused(`not among the hosts listed: ${host}`);

  const ports = rules.ports ?? DEFAULT_PORTS;
  if (!ports.includes(port) && !rules.allow.port(host, port)) throw refused(`port ${port} of ${host}`);
  if (rules.allow.host(host, port)) return hop;
  if (isIP(host)) {
    if (!admits(rules.allow, host, port, host)) throw refused(`address ${host}`);
  } else if (!isPublicName(host)) {
    throw refused(`name ${host}`);
  }
  return hop;
}

/** Whether a connection to `address`, found under `host`, may be opened. */
export function admits(allow: AllowList, host: string, port: number, address: string): boolean {
  return allow.host(host, port) || allow.address(address, port) || isPublicAddress(address);
}

/** A name of at least two labels that can be on the internet (RFC 1123 §2.1, with the underscores seen in practice). */
function isPublicName(host: string): boolean {
  if (host.length > 253 || !/^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+$/.test(host)) return false;
  return !PRIVATE_NAMES.some((name) => host.endsWith(`.${name}`));
}
