import { isIP } from "node:net";
import type { RouteRequest } from "../plugin/calls.ts";
import { createIpTest } from "../util/ip-ranges.ts";

/** Loopback, private and link-local addresses (RFC 1918, 3927, 4193, 4291). */
const isLocalIp = createIpTest([
  "127.0.0.0/8",
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "169.254.0.0/16",
  "::1",
  "fc00::/7",
  "fe80::/10",
]);

/** Names that no public DNS server resolves (RFC 6761, RFC 6762, ICANN's `internal`). */
const LOCAL_NAME = /^(?:.+\.)?(?:localhost|local|test|internal)$/;

/** What other proxies send (RFC 7239; RFC 9110 §7.6.3), and CDNs. */
const OTHER_PROXIES = ["forwarded", "via", "cf-connecting-ip", "true-client-ip"];

function isLocalAddress(text: string): boolean {
  const [address = ""] = text.split("%");
  // Strict: the test also reads `127.1` and octal numbers.
  return isIP(address) !== 0 && isLocalIp(address);
}

/**
 * Whether a request comes from this machine or its network, under a name that belongs there. By the name a page of another
 * site is refused whose host name has been pointed to this machine (DNS rebinding). A proxy or tunnel on this machine may replace the
 * name, so a client elsewhere that it names counts, too; one that names the client in another way than these is not believed.
 */
export function isLocal({ ip, header }: Pick<RouteRequest, "ip" | "header">): boolean {
  const [, name = ""] = /^(\[[\da-f:.]+\]|[\w.-]+?)\.?(?::\d+)?$/i.exec(header("host") ?? "") ?? [];
  const bare = name.replace(/^\[|\]$/g, "").toLowerCase();
  const isLocalName = LOCAL_NAME.test(bare) || isLocalAddress(bare);
  const clients = [header("x-forwarded-for"), header("x-real-ip")].join(",").split(",");
  return (
    isLocalName &&
    OTHER_PROXIES.every((name) => header(name) === undefined) &&
    [ip, ...clients].every((client, at) => (at > 0 && !client.trim()) || isLocalAddress(client.trim()))
  );
}
