import { MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { SourceFacts } from "../model/source.ts";
import { accessCheck } from "./access.ts";
import type { Services } from "./services.ts";

/**
 * May the request be answered at all? Several things wrong at once: access rules speak first (403), then the
 * signature (401), then the grammar (400).
 */
export function createAdmit({ hooks, endpoints }: Services) {
  const checks = new Map([...endpoints.values()].map((endpoint) => [endpoint, accessCheck(endpoint)]));
  return async function admit(exchange: Exchange, job: Job): Promise<void> {
    checks.get(exchange.endpoint)?.(exchange.request);
    if (hooks.admit.isUsed()) await hooks.admit.promise(exchange, job);
    if (job.problem) throw new MediaError(job.problem.code, job.problem.message);
  };
}

/** Whether private files are open to a request: it is signed, or asks for named transformations only. */
export function isTrusted(exchange: Exchange): boolean {
  return exchange.claims.signed === true || exchange.claims.named === true;
}

/** May the request have what was made of these sources? */
export function createAuthorize({ hooks }: Services) {
  return async function authorize(exchange: Exchange, facts: readonly SourceFacts[]): Promise<void> {
    if (facts.some((source) => source.private) && !isTrusted(exchange)) throw privateFile();
    if (hooks.authorize.isUsed()) await hooks.authorize.promise(exchange, facts);
  };
}

export function privateFile(): MediaError {
  return new MediaError("ESIGNATURE", "A valid signature is required");
}
