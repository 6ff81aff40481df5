import type { Logger } from "pino";
import type { Exchange } from "../model/exchange.ts";
import type { LimitsOf } from "../model/limits.ts";
import { acceptClass } from "../request/accept.ts";
import { createSpans } from "../util/spans.ts";
import type { FindEndpoint } from "./endpoint-router.ts";
import { nextId, targetOf } from "./request.ts";

/** A request that no client has sent: for purges, explanations and work of plugins. */
export interface SyntheticRequest {
  /** Absolute URL, or its path and query. */
  readonly url: string;
  /** By lower-case name. @default none */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Address of the client. @default 127.0.0.1 */
  readonly ip?: string | undefined;
}

/** The exchange that a request would become. Throws the error that the server would respond with before that. */
export type SyntheticExchange = (request: SyntheticRequest) => Exchange;

interface Parts {
  readonly find: FindEndpoint;
  readonly limitsOf: LimitsOf;
  readonly log: Logger;
}

export function createSyntheticExchange({ find, limitsOf, log }: Parts): SyntheticExchange {
  return ({ url, headers = {}, ip = "127.0.0.1" }) => {
    const limits = limitsOf();
    const target = targetOf(asSent(url), limits.urlBytes);
    const host = hostNamed(url) ?? headers.host?.replace(/:\d+$/, "").toLowerCase() ?? "localhost";
    const found = find(host, target);
    const request = {
      method: "GET",
      url: target,
      host,
      ip,
      isSecure: false,
      header: (name: string) => headers[name.toLowerCase()],
    };
    return {
      id: nextId(),
      started: performance.now(),
      request,
      ...found,
      accept: acceptClass(headers.accept, headers["user-agent"], found.endpoint),
      signal: AbortSignal.timeout(limits.request),
      claims: {},
      spans: createSpans(),
      log,
      provenance: "real",
    };
  };
}

/** What a client would put on the wire: no fragment, nothing but printable ASCII, a slash at the start. */
function asSent(url: string): string {
  const text = url.replace(/#.*$/s, "").replace(/[^\x21-\x7e]/gu, encodeURIComponent);
  return text.startsWith("/") || /^https?:\/\//i.test(text) ? text : `/${text}`;
}

function hostNamed(url: string): string | undefined {
  return /^https?:\/\/(?:[^/?#@]*@)?([^/?#@:]+)/i.exec(url)?.[1]?.toLowerCase();
}
