import ipaddr from "ipaddr.js";

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
