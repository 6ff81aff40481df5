import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/**
 * Whether an IP address belongs to the public internet. Everything else is refused for addresses that a client can
 * influence: loopback, private, link-local, carrier NAT, 0.0.0.0/8, multicast, reserved, documentation and benchmark
 * ranges, and for IPv6 all outside 2000::/3. IPv6 addresses that contain IPv4 addresses (mapped, NAT64, 6to4, Teredo,
 * ISATAP) are public only if all of these are. Text that is no address is not public.
 *
 * Prefixes that an operator chooses for itself (RFC 6052 §2.2, 6rd) look like any other address.
 */
export function isPublicAddress(text: string): boolean {
  // Strict: the parser below also reads `127.1` and octal numbers.
  if (!isIP(text)) return false;
  const address = ipaddr.parse(withoutDots(text));
  if (address.kind() === "ipv4") return isPublic(address);
  const bytes = address.toByteArray();
  const contained = containedAddresses(bytes);
  if (!contained.every(isPublic)) return false;
  return isTranslated(bytes) || (address.range() === "unicast" && isGlobalUnicast(bytes)) || isTunnel(bytes);
}

/** An IPv6 address in hexadecimal alone: the parser takes `::1.2.3.4` for `::ffff:1.2.3.4`. */
function withoutDots(text: string): string {
  if (!text.includes(":")) return text;
  return text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
}

const isPublic = (address: ipaddr.IPv4 | ipaddr.IPv6) => address.range() === "unicast";

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
const NAT64 = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0];
const SIX_TO_FOUR = [0x20, 0x02];
const TEREDO = [0x20, 0x01, 0, 0];
const ISATAP = [0, 0, 0x5e, 0xfe];

const startsWith = (bytes: readonly number[], prefix: readonly number[]) =>
  prefix.every((byte, i) => bytes[i] === byte);

/** Mapped, ::ffff:0:0/96 (RFC 4291 §2.5.5.2), and NAT64, 64:ff9b::/96 (RFC 6052 §2.1): another spelling of an IPv4 address. */
const isTranslated = (bytes: readonly number[]) => startsWith(bytes, MAPPED) || startsWith(bytes, NAT64);

/** 6to4, 2002::/16 (RFC 3056 §2), and Teredo, 2001::/32 (RFC 4380 §4): packets leave as IPv4. */
const isTunnel = (bytes: readonly number[]) => startsWith(bytes, SIX_TO_FOUR) || startsWith(bytes, TEREDO);

/** The IPv4 addresses inside an IPv6 address to which packets may go. */
function containedAddresses(bytes: readonly number[]): ipaddr.IPv4[] {
  const at = (start: number) => new ipaddr.IPv4(bytes.slice(start, start + 4));
  const found: ipaddr.IPv4[] = [];
  if (isTranslated(bytes)) found.push(at(12));
  if (startsWith(bytes, SIX_TO_FOUR)) found.push(at(2));
  // The server, and the client with all bits inverted.
  if (startsWith(bytes, TEREDO)) {
    found.push(at(4), new ipaddr.IPv4(bytes.slice(12).map((byte) => byte ^ 0xff)));
  }
  // Below any prefix, with the universal/local bit set or not (RFC 5214 §6.1).
  if (startsWith([(bytes[8] ?? 0) & ~0x02, ...bytes.slice(9)], ISATAP)) found.push(at(12));
  return found;
}

/** 2000::/3 is all that is assigned for use on the internet (RFC 4291 §2.4). */
function isGlobalUnicast(bytes: readonly number[]): boolean {
  return ((bytes[0] ?? 0) & 0xe0) === 0x20;
}
