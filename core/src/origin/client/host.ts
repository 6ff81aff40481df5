/**
 * The host to judge and to connect to: without brackets and trailing dot. The URL parser has already made every
 * spelling of an IPv4 address dotted, names lower-case, and IDNA dots and full-width digits plain (WHATWG URL §3.5).
 */
export function normalHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
}

export function portOf(url: URL): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}

/** Whether two URLs have the same scheme, host and port. */
export function sameOrigin(a: URL, b: URL): boolean {
  return a.protocol === b.protocol && normalHost(a) === normalHost(b) && portOf(a) === portOf(b);
}
