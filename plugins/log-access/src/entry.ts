import { type Exchange, maskUrl } from "@mediatap/core";
import { type AddressForm, addressAs } from "./address.ts";

/** Characters of a text from a client that are logged. */
const MAX_TEXT_CHARACTERS = 500;

/** The line of one request. Times are milliseconds. */
export interface Entry {
  readonly id: string;
  readonly ip?: string;
  readonly method: string;
  readonly host: string;
  /** Path and query, signatures and keys masked. */
  readonly url: string;
  /** 499: the client closed the connection before the response. */
  readonly status: number;
  readonly bytes: number;
  readonly ms: number;
  readonly tenant?: string;
  readonly endpoint: string;
  /** `hit`, `miss`, `stale` …, and the cache of a hit. */
  readonly cache?: string;
  readonly layer?: string;
  readonly collapsed?: true;
  readonly provenance: string;
  readonly lane?: string;
  /** Code of the error in the response. */
  readonly code?: string;
  /** Attempts at origins, in the endpoint's order. */
  readonly origins?: readonly { readonly place: number; readonly outcome: string; readonly ms: number }[];
  /** Duration of the work for which this request waited, by phase. */
  readonly phases?: Readonly<Record<string, number>>;
  readonly referrer?: string;
  readonly agent?: string;
  /** Joins the lines of this request with those of its origins. */
  readonly key?: string;
}

/** Status of requests whose client closed the connection (nginx: "client closed request"). */
const CLIENT_CLOSED_REQUEST = 499;

export function entryOf(exchange: Exchange, duration: number, bytes: number, form: AddressForm): Entry {
  const { request, endpoint, cache, spans, error, lane, reply, key } = exchange;
  const ip = addressAs(form, request.ip);
  const referrer = request.header("referer");
  const agent = request.header("user-agent");
  return {
    id: exchange.id,
    ...(ip === undefined ? {} : { ip }),
    method: request.method,
    host: request.host,
    url: maskUrl(request.url),
    status: reply?.status ?? CLIENT_CLOSED_REQUEST,
    bytes,
    ms: rounded(duration),
    ...(endpoint.tenant === "" ? {} : { tenant: endpoint.tenant }),
    endpoint: endpoint.name,
    ...(cache ? { cache: cache.forward ?? "hit" } : {}),
    ...(cache?.cache === undefined ? {} : { layer: cache.cache }),
    ...(cache?.collapsed ? { collapsed: true } : {}),
    provenance: exchange.provenance,
    ...(lane ? { lane } : {}),
    ...(error ? { code: error.code } : {}),
    ...(spans.list.length > 0 ? timesOf(exchange) : {}),
    ...(referrer === undefined ? {} : { referrer: maskUrl(referrer).slice(0, MAX_TEXT_CHARACTERS) }),
    ...(agent === undefined ? {} : { agent: agent.slice(0, MAX_TEXT_CHARACTERS) }),
    ...(key === undefined ? {} : { key }),
  };
}

function timesOf({ spans }: Exchange): Pick<Entry, "origins" | "phases"> {
  const origins: { place: number; outcome: string; ms: number }[] = [];
  const phases: Record<string, number> = {};
  for (const { name, duration, description = "" } of spans.list) {
    const place = /^origin-(\d+)$/.exec(name)?.[1];
    if (place === undefined) phases[name] = rounded((phases[name] ?? 0) + duration);
    else origins.push({ place: Number(place), outcome: description, ms: rounded(duration) });
  }
  return { ...(origins.length > 0 ? { origins } : {}), phases };
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
