import type { ErrorCode } from "../model/errors.ts";
import type { AcceptClass, Job } from "../model/job.ts";
import type { LimitName } from "../model/limits.ts";
import type { Lane } from "../model/plan.ts";
import type { Header } from "../model/render-context.ts";
import type { SourceMetadata } from "../model/source.ts";
import type { Transformation } from "../model/transformation.ts";
import type { CacheState, TierState } from "./cache-state.ts";

/** An origin, and whether it has the file. `not asked`: one before it has. */
export interface OriginAnswer {
  readonly name: string;
  readonly type: string;
  readonly label?: string;
  readonly answer: "found" | "not here" | "failed" | "not asked";
  readonly error?: Problem;
}

export interface Problem {
  readonly code: ErrorCode;
  readonly status: number;
  readonly message: string;
  /** What went wrong underneath, for the operator. */
  readonly cause?: string;
  readonly plugin?: string;
}

/** How much of a limit the request takes. */
export interface LimitUse {
  readonly name: LimitName;
  readonly used: number;
  readonly allowed: number;
  readonly exceeded: boolean;
}

export interface PlanSummary {
  readonly engine: string;
  readonly lane: Lane;
  /** Estimated milliseconds of one core. */
  readonly cost: number;
  /** Estimated bytes. */
  readonly memory: number;
  readonly explanation: unknown;
}

/** `unsigned` also where a signature is there but the endpoint has no key to check it with. */
export type SignatureState = "unsigned" | "valid" | "wrong" | "expired";

/** What would be done for a request, found out without pixel work. `pending`: not known, because something before failed. */
export interface Explanation {
  readonly url: string;
  /** Status of the response: of the first error, unless a default image stands in; else 200. */
  readonly status: number;
  /** Name of the endpoint, and how the request got to it. */
  readonly endpoint?: { readonly name: string; readonly by: "host" | "path" | "default" };
  readonly language?: string;
  readonly asset?: { readonly kind: "path" | "url"; readonly path: string; readonly media: Job["media"] };
  readonly signature?: SignatureState;
  /** Why the signature is not valid, in words for the author of the URL. */
  readonly signatureFault?: string;
  /** In canonical form, the endpoint's defaults filled in. */
  readonly transformation?: Transformation;
  readonly accept?: { readonly class: AcceptClass; readonly negotiated: boolean };
  readonly key?: string;
  readonly cache?: CacheState;
  /** What each cache has of it, the nearest first. */
  readonly tiers?: readonly TierState[];
  readonly origins: readonly OriginAnswer[];
  readonly source?: SourceMetadata;
  /** `none`: no engine reads this kind of file. */
  readonly metadata: { readonly header: Header | "pending" | "none" };
  /** `none`: the file is delivered as it is. */
  readonly plan: PlanSummary | "pending" | "none";
  /** Limits that are known in advance; what else an engine refuses is among the errors. */
  readonly limits: readonly LimitUse[] | "pending";
  /** Stands in when the asset is missing. */
  readonly fallback?: string;
  /** What in the URL probably does not do what was meant. */
  readonly notes?: readonly string[];
  /** All that is wrong; the client hears of the first. */
  readonly errors: readonly Problem[];
}
