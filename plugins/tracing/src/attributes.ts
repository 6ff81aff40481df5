import type { Attempt, AttemptOutcome, Exchange, Job, Plan } from "@mediatap/core";
import { maskUrl } from "@mediatap/core";
import type { Attributes } from "@opentelemetry/api";

const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "TRACE",
]);

/** The method as defined by the semantic conventions: a known one, or `_OTHER`. */
export function methodOf({ request }: Exchange): string {
  return METHODS.has(request.method) ? request.method : "_OTHER";
}

/** What is known of a request as it arrives (HTTP semantic conventions, server span). */
export function requestAttributes(exchange: Exchange): Attributes {
  const { request, endpoint, id } = exchange;
  const masked = maskUrl(request.url);
  const at = masked.indexOf("?");
  const agent = request.header("user-agent");
  return {
    "http.request.method": methodOf(exchange),
    "url.scheme": "http",
    "url.path": at < 0 ? masked : masked.slice(0, at),
    ...(at < 0 ? {} : { "url.query": masked.slice(at + 1) }),
    "server.address": request.host,
    "client.address": request.ip,
    ...(agent === undefined ? {} : { "user_agent.original": agent.slice(0, 500) }),
    "mediatap.request.id": id,
    "mediatap.endpoint": endpoint.name,
    ...(endpoint.tenant === "" ? {} : { "mediatap.tenant": endpoint.tenant }),
  };
}

/** What is known of the response. */
export function responseAttributes(
  { reply, cache, provenance, error, key }: Exchange,
  bytes: number,
): Attributes {
  return {
    ...(reply ? { "http.response.status_code": reply.status } : {}),
    "http.response.body.size": bytes,
    "mediatap.provenance": provenance,
    ...(key === undefined ? {} : { "mediatap.key": key }),
    ...(cache ? { "mediatap.cache.hit": cache.hit } : {}),
    ...(cache?.cache === undefined ? {} : { "mediatap.cache.name": cache.cache }),
    ...(cache?.forward === undefined ? {} : { "mediatap.cache.forward": cache.forward }),
    ...(cache?.collapsed ? { "mediatap.cache.collapsed": true } : {}),
    ...(error ? { "error.type": error.code } : {}),
  };
}

export function renderAttributes({ asset, language }: Job, key: string): Attributes {
  return {
    "mediatap.key": key,
    "mediatap.language": language,
    "mediatap.endpoint": asset.endpoint,
    ...(asset.tenant === "" ? {} : { "mediatap.tenant": asset.tenant }),
  };
}

export function planAttributes({ engine, lane, cost, memory }: Plan): Attributes {
  return {
    "mediatap.engine": engine,
    "mediatap.lane": lane,
    "mediatap.cost_ms": Math.round(cost),
    "mediatap.memory_bytes": Math.round(memory),
  };
}

export function attemptAttributes({ origin, place, asset }: Attempt): Attributes {
  return {
    "mediatap.origin": origin,
    "mediatap.origin.place": place,
    "mediatap.path": maskUrl(asset.path).slice(0, 500),
  };
}

export function outcomeAttributes(outcome: AttemptOutcome): Attributes {
  return { "mediatap.outcome": outcome };
}
