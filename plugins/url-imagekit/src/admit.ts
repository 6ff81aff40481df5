import {
  type Endpoint,
  type Exchange,
  HEADER_FIELDS,
  type Job,
  type LimitsOf,
  type Target,
} from "@mediatap/core";
import { type Wording, wordingOf } from "./named.ts";
import { isExpired, isGenuine, readSignature, type Signature } from "./signature.ts";
import { locate, writtenChain } from "./target.ts";
import type { ChainLimits } from "./tokenize.ts";

/** What a URL can claim; the same for every request of it. */
interface Verdict {
  /** URL as received, and the endpoint's mount: a verdict holds for no other. */
  readonly url: string;
  readonly mount: string;
  readonly signature: Signature | undefined;
  readonly genuine: boolean;
  /** `undefined`: the chain cannot be read. */
  readonly wording: Wording | undefined;
}

export interface AdmitOptions {
  readonly limitsOf: LimitsOf;
  /** Seconds for which an expired URL still counts, because clocks differ. */
  readonly skewSeconds: number;
}

/** The tap of `admit`: reports signature and named transformations. The core enforces the endpoint's rules. */
export function createAdmit({ skewSeconds, limitsOf }: AdmitOptions): (exchange: Exchange, job: Job) => void {
  // Keyed by job because the core keeps the job of a URL; expiry is judged for each request.
  const verdicts = new WeakMap<Job, Verdict>();
  return ({ endpoint, claims, target, request: { url } }, job) => {
    const { privateKeys, tenant } = endpoint;
    const { mount } = target;
    let verdict = verdicts.get(job);
    if (verdict?.url !== url || verdict.mount !== mount) {
      const signature = readSignature(target.query);
      const genuine = signature !== undefined && isGenuine(target, signature, privateKeys);
      verdict = { url, mount, signature, genuine, wording: wording(target, endpoint, limitsOf(tenant)) };
      verdicts.set(job, verdict);
    }
    const { signature, genuine } = verdict;
    if (signature && privateKeys.length > 0) {
      claims.signature = !genuine ? "wrong" : isExpired(signature, skewSeconds) ? "expired" : "valid";
    }
    // Fields of a description are chosen by the client, as a transformation is.
    const { fields = HEADER_FIELDS } = job.transformation.output.info ?? {};
    const isChosen = fields !== HEADER_FIELDS && String(fields) !== String(HEADER_FIELDS);
    if (verdict.wording === "named" || (verdict.wording === "none" && !isChosen)) {
      claims.transformation = verdict.wording;
    }
  };
}

function wording(target: Target, endpoint: Endpoint, limits: ChainLimits): Wording | undefined {
  try {
    const located = locate(target, endpoint);
    return located && wordingOf(writtenChain(located, limits));
  } catch {
    return undefined;
  }
}
