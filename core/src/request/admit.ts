import type { Hooks } from "../hooks.ts";
import { isTrusted, signatureRequired } from "../model/claims.ts";
import { type Endpoint, endpointId } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { SourceMetadata } from "../model/source.ts";
import { after, callHook, type MaybePromise } from "../util/maybe.ts";
import { checkClaims, clientCheck } from "./access.ts";

export interface AdmitParts {
  readonly hooks: Pick<Hooks, "admit">;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
}

export type Admit = ReturnType<typeof createAdmit>;
export type Authorize = ReturnType<typeof createAuthorize>;

/**
 * May the request be answered at all? If several things are wrong, access rules come first (403), then the signature
 * (401), then the grammar (400). The taps of `admit` only report: the endpoint's rules are enforced here, after all of
 * them, whatever language the URL is in.
 */
export function createAdmit({ hooks, endpoints }: AdmitParts) {
  const clientChecks = new Map([...endpoints.values()].map((endpoint) => [endpoint, clientCheck(endpoint)]));

  function admit(exchange: Exchange, job: Job): MaybePromise<void> {
    client(exchange);
    if (!hooks.admit.isUsed()) return enforce(exchange, job);
    return after(callHook(hooks.admit, exchange, job), () => enforce(exchange, job));
  }

  /** May this client have anything of the endpoint? */
  function client({ endpoint, request }: Exchange): void {
    clientChecks.get(endpoint)?.(request);
  }

  function enforce(exchange: Exchange, job: Job): void {
    const { endpoint, claims } = exchange;
    checkClaims(endpoint, claims, job);
    // A language may find the asset on another endpoint: both have to allow it.
    if (endpoints.get(endpointId(job.asset)) !== endpoint) ofAsset(exchange, job);
    if (job.problem) throw new MediaError(job.problem.code, job.problem.message);
  }

  /** The rules of the endpoint to which a job's asset belongs, for a request that has been admitted. */
  function ofAsset({ request, claims }: Exchange, job: Job): void {
    const endpoint = endpoints.get(endpointId(job.asset));
    if (!endpoint) return;
    clientChecks.get(endpoint)?.(request);
    checkClaims(endpoint, claims, job);
  }

  return Object.assign(admit, { client, ofAsset });
}

/** May the request have what was made of these sources? */
export function createAuthorize(hooks: Pick<Hooks, "authorize">) {
  return function authorize(exchange: Exchange, metadata: readonly SourceMetadata[]): MaybePromise<void> {
    if (metadata.some((source) => source.private) && !isTrusted(exchange)) throw signatureRequired();
    return hooks.authorize.isUsed() ? callHook(hooks.authorize, exchange, metadata) : undefined;
  };
}
