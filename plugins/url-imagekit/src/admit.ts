import { type Exchange, type Job, type LimitsOf, MediaError, type Restriction } from "@mediatap/core";
import { mediaOf } from "./media.ts";
import { type Wording, wordingOf } from "./named.ts";
import { isExpired, isGenuine, readSignature, type Signature } from "./signature.ts";
import { locate, writtenChain } from "./target.ts";
import type { ChainLimits } from "./tokenize.ts";

/** What a URL is worth to `admit`; the same for every request of it. */
interface Verdict {
  /** URL as received, with the endpoint's mount: a verdict holds for no other. */
  readonly url: string;
  readonly signature: Signature | undefined;
  readonly genuine: boolean;
  /** `invalid`: the chain cannot be read. */
  readonly wording: Wording | "invalid";
}

export interface AdmitOptions {
  readonly limitsOf: LimitsOf;
  /** Seconds for which an expired URL still counts, because clocks differ. */
  readonly skewSeconds: number;
}

/**
 * Checks signature and restrictions of the endpoint, and sets the claims. A signature that is present must be right,
 * unless there are no keys to check it with. Throws `ESIGNATURE`, `EEXPIRED`, or `EINVAL` for parameters outside of
 * named transformations where only those are allowed.
 */
export function createAdmit({ skewSeconds, limitsOf }: AdmitOptions): (exchange: Exchange, job: Job) => void {
  // Keyed by job because the core keeps the job of a URL; expiry is judged anew each time.
  const verdicts = new WeakMap<Job, Verdict>();
  return (exchange, job) => {
    const { endpoint, claims } = exchange;
    let verdict = verdicts.get(job);
    if (verdict?.url !== urlOf(exchange)) {
      verdict = judge(exchange, limitsOf(endpoint.tenant));
      verdicts.set(job, verdict);
    }
    if (verdict.signature && endpoint.privateKeys.length > 0) {
      if (!verdict.genuine) throw unsigned();
      if (isExpired(verdict.signature, skewSeconds)) {
        throw new MediaError("EEXPIRED", "The signature has expired");
      }
      claims.signed = true;
    }
    if (!claims.signed && covers(endpoint.restrictUnsigned, job)) {
      throw unsigned();
    }
    if (verdict.wording === "named") claims.named = true;
    if (endpoint.restrictUnnamed && (verdict.wording === "explicit" || verdict.wording === "invalid")) {
      throw new MediaError("EINVAL", "Expected named transformations only");
    }
  };
}

/** One text for whatever is wrong with a signature, and for private files: it tells nothing about the file. */
function unsigned(): MediaError {
  return new MediaError("ESIGNATURE", "A valid signature is required");
}

function judge(exchange: Exchange, limits: ChainLimits): Verdict {
  const { endpoint, target } = exchange;
  const signature = readSignature(target.query);
  return {
    url: urlOf(exchange),
    signature,
    genuine: signature !== undefined && isGenuine(target, signature, endpoint.privateKeys),
    wording: wording(exchange, limits),
  };
}

function urlOf({ target }: Exchange): string {
  return `${target.mount} ${target.path}?${target.query}`;
}

function wording({ target }: Exchange, limits: ChainLimits): Verdict["wording"] {
  try {
    const located = locate(target);
    return located ? wordingOf(writtenChain(located, limits)) : "plain";
  } catch {
    return "invalid";
  }
}

/**
 * `images` covers whatever is not a video by its name, `videos` whatever is asked for as a video: what a file is
 * shows only after it has been fetched, and an ending such as `/ik-video.mp4` must not lead around either.
 */
function covers(restriction: Restriction, { asset, media }: Job): boolean {
  switch (restriction) {
    case "none":
      return false;
    case "images":
      return mediaOf({ ...asset, suffixes: [] }) !== "video";
    case "videos":
      return media === "video";
    case "all":
      return true;
  }
}
