import type { ErrorCode, MediaError } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { Provenance } from "./rendition.ts";

/** What became of a request, for those who watch the server: the status of the response does not tell an outage from a missing file. */
export const REQUEST_OUTCOMES = [
  /** Answered with what was asked for. */
  "served",
  /** Answered with something in its place, by its provenance. */
  "stale",
  "fallback",
  "degraded",
  "placeholder",
  /** No origin has the file. */
  "not_found",
  /** The client asked for something that it may not have, or that does not exist. */
  "refused",
  /** The file is there, and cannot be read as what it should be. */
  "unreadable",
  /** An origin failed, or denied access to this server. */
  "origin_failed",
  /** The server was full. */
  "busy",
  /** The server failed, or took too long. */
  "failed",
  /** The client had gone. */
  "aborted",
] as const;

export type RequestOutcome = (typeof REQUEST_OUTCOMES)[number];

/** Outcomes that an operator should look at. */
export const FAILED_OUTCOMES: ReadonlySet<RequestOutcome> = new Set(["origin_failed", "failed"]);

/** What became of a finished exchange. */
export function requestOutcomeOf({
  error,
  provenance,
  reply,
}: Pick<Exchange, "error" | "provenance" | "reply">): RequestOutcome {
  if (!reply) return "aborted";
  if (error) return outcomeOfError(error);
  return provenance === "real" ? "served" : (provenance satisfies Exclude<Provenance, "real">);
}

function outcomeOfError({ code, outage }: Pick<MediaError, "code" | "outage">): RequestOutcome {
  if (code === "UNIDENTIFIED") return outage ? "origin_failed" : "unreadable";
  return BY_CODE[code] ?? "refused";
}

const BY_CODE: Partial<Record<ErrorCode, RequestOutcome>> = {
  ENOENT: "not_found",
  EACCES: "origin_failed",
  ECONNREFUSED: "origin_failed",
  EBUSY: "busy",
  ETIMEDOUT: "failed",
  EINTERNAL: "failed",
  ECONFIG: "failed",
};
