import { MediaError, parseOptions } from "@mediatap/core";
import {
  createHttpFiles,
  type Fetcher,
  type FetchResponse,
  type HttpFilesOptions,
  type OriginConfig,
  type Storage,
} from "@mediatap/core/storage";
import { z } from "zod";
import { PRIVATE_HEADERS } from "./private.ts";

/** Fields of an origin of type `WEB_PROXY`. */
export interface WebProxyOptions {
  /**
   * Hosts that may be asked, redirects included: `images.example.com`, or `*.example.com` for all names below.
   * @default every public host
   */
  readonly hosts?: readonly string[] | undefined;
  /** Ports that may be asked. @default [80, 443] */
  readonly ports?: readonly number[] | undefined;
}

const schema = z.strictObject({
  hosts: z
    .array(
      z.string().refine((text) => hostOf(text.replace(/^\*\./, "")) !== undefined, {
        error: "Expected a host name or *.name",
      }),
    )
    .min(1)
    .optional(),
  ports: z.array(z.int().min(1).max(65535)).min(1).default([80, 443]),
  includeCanonicalHeader: z.literal(false).optional(),
});

/** The storage of a `WEB_PROXY` origin: its paths are absolute URLs. Throws `ECONFIG`. */
export function createWebProxy(origin: OriginConfig, fetcher: Fetcher, settings: HttpFilesOptions): Storage {
  const { hosts, ports } = parseOptions(schema, origin.options, `origins.${origin.name}`);
  const admits = hosts && matcherOf(hosts);
  const files = createHttpFiles(fetcher, settings);
  return {
    label: hosts ? hosts.join(", ") : "any public host",
    urls: true,
    async open(path, options) {
      const url = URL.parse(path);
      if (!url) throw new MediaError("EACCES", "The origin's address is not allowed");
      const address = (refusal?: FetchResponse) => (refusal ? undefined : { url: url.href });
      const file = { path: url.pathname, privateHeaders: PRIVATE_HEADERS, address, ports };
      return files.open({ ...file, admits }, options);
    },
  };
}

/** Compares parsed host names, label by label: never text that only begins or ends alike. */
function matcherOf(hosts: readonly string[]): (url: URL) => boolean {
  const exact = new Set<string>();
  const suffixes: string[] = [];
  for (const text of hosts) {
    const host = hostOf(text.replace(/^\*\./, ""));
    if (host === undefined) continue;
    if (text.startsWith("*.")) suffixes.push(`.${host}`);
    else exact.add(host);
  }
  return (url) => {
    const host = url.hostname.replace(/\.$/, "");
    return exact.has(host) || suffixes.some((suffix) => host.endsWith(suffix));
  };
}

/** A host as the URL parser spells it; `undefined` if the text is more or less than a host. */
function hostOf(text: string): string | undefined {
  if (/[\s/?#@\\*]/.test(text)) return undefined;
  const url = URL.parse(`http://${text}/`);
  return url && url.port === "" ? url.hostname.replace(/\.$/, "") : undefined;
}
