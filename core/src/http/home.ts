import { createHash } from "node:crypto";
import type { Tenant } from "../config/resolve.ts";
import type { Endpoint } from "../model/endpoint.ts";
import { hostTables } from "./endpoint-router.ts";

/** Names on the page, at most. */
const MAX_NAMES = 50;

const STYLE = `:root{color-scheme:light dark;font:16px/1.6 system-ui,sans-serif}
body{max-width:34em;margin:18vh auto;padding:0 24px}
h1{font-size:1.25em}`;

const HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy": `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "referrer-policy": "no-referrer",
  "x-robots-tag": "noindex",
};

/**
 * The page at `/` of a server that has nothing else there: that it is a media server, and under which paths its endpoints answer
 * on the host asked. It tells nobody what only operators know: no version, origin, host name or tenant, and no endpoint whose
 * URLs have to be signed.
 */
export function createHome(endpoints: readonly Endpoint[], tenants: readonly Tenant[]) {
  const { byHost, tenantByHost } = hostTables(endpoints, tenants);
  const pages = new Map<string, string>();

  return (host: string): { readonly headers: Readonly<Record<string, string>>; readonly text: string } => {
    const own = byHost.get(host);
    const tenant = tenantByHost.get(host) ?? "";
    // Hosts that nobody configured share the page of the first account.
    const id = own ? `endpoint ${own.tenant}/${own.name}` : `tenant ${tenant}`;
    let text = pages.get(id);
    if (text === undefined) {
      text = html(
        own ? (isPublic(own) ? ["/"] : []) : pathsOf(endpoints.filter((one) => one.tenant === tenant)),
      );
      pages.set(id, text);
    }
    return { headers: HEADERS, text };
  };
}

function pathsOf(endpoints: readonly Endpoint[]): string[] {
  return endpoints.filter(isPublic).flatMap(({ name, prefix, hosts }) => {
    if (name === "default") return ["/"];
    // An endpoint with hosts of its own is known by these.
    return prefix === "" || hosts.length > 0 ? [] : [`/${prefix}/`];
  });
}

const isPublic = ({ restrictUnsigned }: Endpoint) => restrictUnsigned !== "all";

function html(paths: readonly string[]): string {
  const names = paths.slice(0, MAX_NAMES).map((path) => `<li><code>${escaped(path)}</code></li>`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Media server</title>
<style>${STYLE}</style>
<main>
<h1>This is a media server.</h1>
<p>It has no pages: request an image or a video by its URL.</p>
${names.length === 0 ? "" : `<p>Its endpoints:</p>\n<ul>${names.join("")}</ul>\n`}</main>
</html>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
