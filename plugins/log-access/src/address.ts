import { isIPv4, isIPv6 } from "node:net";

/** How a client's address is written: whole, the network alone (IPv4: 24 bits, IPv6: 48), not at all. */
export type AddressForm = "full" | "network" | "none";

export function addressAs(form: AddressForm, ip: string): string | undefined {
  if (form === "none") return undefined;
  if (form === "full") return ip;
  // An IPv4 address that came over an IPv6 socket.
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1] ?? ip;
  if (isIPv4(mapped)) return mapped.replace(/\d+$/, "0");
  return isIPv6(ip) ? `${groupsOf(ip).slice(0, 3).join(":")}::` : undefined;
}

/** The groups of an IPv6 address from its beginning, `::` filled in as far as three are asked for. */
function groupsOf(ip: string): string[] {
  const [head = "", tail] = ip.split("::");
  const groups = head === "" ? [] : head.split(":");
  return tail === undefined ? groups : [...groups, "0", "0", "0"];
}
