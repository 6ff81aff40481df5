import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/**
 * Whether an IP address belongs to the public internet. Everything else is refused for addresses that a client can
 * influence: loopback, private, link-local, carrier NAT, 0.0.0.0/8, multicast, reserved, documentation and benchmark
 * ranges, and for IPv6 all outside 2000::/3. Addresses that carry an IPv4 address (mapped, NAT64, 6to4, Teredo) are
 * judged by that one. Text that is no address is not public.
 */
export function isPublicAddress(text: string): boolean {
  // Strict: the parser below also reads `127.1` and octal numbers.
  if (!isIP(text)) return false;
  const address = ipaddr.parse(text);
  if (address.kind() === "ipv4") return address.range() === "unicast";
  const carried = carriedAddress(address.toByteArray());
  if (carried) return carried.range() === "unicast";
  return address.range() === "unicast" && inGlobalUnicast(address.toByteArray());
}

/** The IPv4 address inside an IPv6 address, where packets to the one end up at the other. */
function carriedAddress(bytes: number[]): ipaddr.IPv4 | undefined {
  const starts = (...prefix: number[]) => prefix.every((byte, i) => bytes[i] === byte);
  // Mapped, ::ffff:0:0/96 (RFC 4291 §2.5.5.2).
  if (starts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)) return new ipaddr.IPv4(bytes.slice(12));
  // NAT64, 64:ff9b::/96 (RFC 6052 §2.1).
  if (starts(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0)) return new ipaddr.IPv4(bytes.slice(12));
  // 6to4, 2002::/16 (RFC 3056 §2).
  if (starts(0x20, 0x02)) return new ipaddr.IPv4(bytes.slice(2, 6));
  // Teredo, 2001::/32: the client's address, inverted (RFC 4380 §4).
  if (starts(0x20, 0x01, 0, 0)) return new ipaddr.IPv4(bytes.slice(12).map((byte) => byte ^ 0xff));
  return undefined;
}

/** 2000::/3 is all that is assigned for use on the internet (RFC 4291 §2.4). */
function inGlobalUnicast(bytes: number[]): boolean {
  return ((bytes[0] ?? 0) & 0xe0) === 0x20;
}
