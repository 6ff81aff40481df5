import { pipeline, Transform } from "node:stream";
import type { Exchange, PluginApi } from "@mediatap/core";

type Relay = Parameters<PluginApi["hooks"]["relay"]["tapPromise"]>[1];
type RelayResponse = NonNullable<Awaited<ReturnType<Relay>>>;

/** Headers that the old service gets: what the response may depend on, and no secret. */
const SENT = [
  "accept",
  "accept-language",
  "range",
  "if-range",
  "if-none-match",
  "if-modified-since",
  "save-data",
  "dpr",
  "width",
  "viewport-width",
  "sec-ch-dpr",
  "sec-ch-width",
  "sec-ch-viewport-width",
];

/** Headers of its response that the client gets. */
const FORWARDED = new Set([
  "accept-ch",
  "accept-ranges",
  "access-control-allow-origin",
  "access-control-expose-headers",
  "age",
  "cache-control",
  "content-disposition",
  "content-dpr",
  "content-language",
  "content-length",
  "content-range",
  "content-security-policy",
  "content-type",
  "cross-origin-resource-policy",
  "etag",
  "expires",
  "last-modified",
  "link",
  "location",
  "retry-after",
  "timing-allow-origin",
  "vary",
]);

/** Who looks at a response on its way to the client. */
export interface Observer {
  /** Body and response once the client has all of it. */
  onComplete(response: Omit<RelayResponse, "body">, body: Buffer): void;
  /** It is too long, or broke off. */
  onLost(): void;
  /** Bytes of a body that are kept. */
  readonly maxBytes: number;
}

export type Observe = (exchange: Exchange) => Observer | undefined;

/** The tap of `relay`: responses of the old service. If that sends none, or a 5xx, this server answers. */
export function createRelay(
  { fetcher, logger }: Pick<PluginApi, "fetcher" | "logger">,
  observe: Observe,
): Relay {
  return async (exchange) => {
    const { migrate } = exchange.endpoint.fields;
    if (!migrate || migrate.serve === "new") return undefined;
    const { request, target, signal } = exchange;
    const url = oldUrl(migrate.from, target);
    if (url === undefined) return undefined;
    const observer = request.method === "GET" ? observe(exchange) : undefined;
    const method = request.method === "HEAD" ? "HEAD" : "GET";
    const headers = Object.fromEntries(
      SENT.flatMap((name) => {
        const value = request.header(name);
        return value === undefined ? [] : [[name, value]];
      }),
    );
    try {
      // A redirect is the client's to follow.
      const options = { method, headers, signal, trusted: migrate.from, follows: () => false } as const;
      const response = await fetcher.fetch(url, options);
      if (response.status < 500) return forwarded(response, method, observer);
      response.cancel();
      logger.warn(
        { status: response.status, id: exchange.id },
        "the old service failed, this server answers",
      );
    } catch (err) {
      if (!signal.aborted)
        logger.warn({ err, id: exchange.id }, "the old service does not answer, this server does");
    }
    observer?.onLost();
    return undefined;
  };
}

/** Decodings of a path after which it has to be plain. */
const MAX_DECODINGS = 8;

/** Whether a server that decodes a path, once or more often, could read a way upwards in it. */
function leadsUp(path: string): boolean {
  return path.split("/").some((segment) => {
    let plain = segment;
    for (let count = 0; count < MAX_DECODINGS; count++) {
      // Byte by byte: what is no UTF-8 must not hide the rest.
      const decoded = plain.replace(/%([\da-f]{2})/gi, (_, hex) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      if (decoded === plain) return /^\.{1,2}$/.test(plain) || (/[\\/]/.test(plain) && plain.includes(".."));
      plain = decoded;
    }
    return true;
  });
}

/** `undefined`: the path leads, or could lead, out of the old service's own. */
function oldUrl(from: string, { path, query }: Exchange["target"]): string | undefined {
  if (leadsUp(path)) return undefined;
  const base = new URL(from);
  const prefix = base.pathname.replace(/\/$/, "");
  const url = URL.parse(`${base.origin}${prefix}/${path}${query === "" ? "" : `?${query}`}`);
  return url?.origin === base.origin && url.pathname.startsWith(`${prefix}/`) ? url.href : undefined;
}

type Fetched = Awaited<ReturnType<PluginApi["fetcher"]["fetch"]>>;

function forwarded(response: Fetched, method: "GET" | "HEAD", observer: Observer | undefined): RelayResponse {
  const { status, body } = response;
  const headers = Object.fromEntries(
    Object.entries(response.headers).filter(([name]) => FORWARDED.has(name)),
  );
  if (method === "HEAD" || status === 204 || status === 304) {
    response.cancel();
    observer?.onLost();
    return { status, headers };
  }
  if (!observer) return { status, headers, body };
  const chunks: Buffer[] = [];
  let bytes = 0;
  const through = new Transform({
    transform(chunk: Buffer, _, done) {
      bytes += chunk.length;
      if (bytes <= observer.maxBytes) chunks.push(chunk);
      else chunks.length = 0;
      done(null, chunk);
    },
  });
  pipeline(body, through, (error) => {
    if (error || bytes > observer.maxBytes) observer.onLost();
    else observer.onComplete({ status, headers }, Buffer.concat(chunks));
  });
  return { status, headers, body: through };
}
