import ipaddr from "ipaddr.js";

/**
 * Tests whether an address is one of these addresses and networks (CIDR). IPv4 addresses that are written as IPv6 count as IPv4; text
 * that is no address is none of them.
 */
export function createIpTest(texts: readonly string[]): (ip: string) => boolean {
  const ranges = texts.map((text) => (text.includes("/") ? network(text) : single(text)));
  return (ip) => {
    if (ranges.length === 0 || !ipaddr.isValid(ip)) return false;
    const address = ipaddr.process(ip);
    return ranges.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits));
  };
}

/** A network of IPv4 addresses that are written as IPv6 (`::ffff:192.0.2.0/120`) is one of IPv4. */
function network(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const [range, bits] = ipaddr.parseCIDR(text);
  const isMapped = range instanceof ipaddr.IPv6 && range.isIPv4MappedAddress() && bits >= 96;
  return isMapped ? [range.toIPv4Address(), bits - 96] : [range, bits];
}

function single(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const address = ipaddr.process(text);
  return [address, address.kind() === "ipv6" ? 128 : 32];
}
