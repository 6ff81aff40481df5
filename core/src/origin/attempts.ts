import type { Logger } from "pino";
import type { Attempt, AttemptOutcome, Hooks } from "../hooks.ts";
import type { Asset } from "../model/asset.ts";
import { codeOf, type MediaError } from "../model/errors.ts";
import { NOT_MODIFIED, type Source } from "../model/source.ts";
import { wrap } from "../plugin/errors.ts";
import { traced } from "../traced.ts";
import { reasonOf } from "../util/log.ts";
import { maskText } from "../util/redact.ts";
import { currentTrace } from "../util/trace.ts";
import { SKIPPED } from "./pauses.ts";

export type FetchResult = Source | typeof NOT_MODIFIED | undefined;

/**
 * Notes what came of each attempt: for the client how long it took, by the place of the origin, since its name is the
 * operator's; for the operator a line in the log, which is a warning where the origin failed, and a report.
 */
export function createAttempts(hooks: Hooks, log: Logger) {
  return (attempt: Attempt, fetch: () => Promise<FetchResult>): Promise<FetchResult> =>
    traced(hooks, { kind: "attempt", attempt }, () => recorded(attempt, fetch));

  async function recorded(attempt: Attempt, fetch: () => Promise<FetchResult>): Promise<FetchResult> {
    const { place, origin, asset, context } = attempt;
    const started = performance.now();
    const report = (outcome: AttemptOutcome, error?: MediaError) => {
      const duration = performance.now() - started;
      hooks.report.call({ kind: "attempt", attempt, outcome, duration, ...(error ? { error } : {}) });
    };
    const note = (outcome: string) =>
      context.spans.add(`origin-${place}`, performance.now() - started, outcome, started);
    const lineOf = (outcome: string) => ({
      origin,
      path: shown(asset),
      outcome,
      ms: Math.round(performance.now() - started),
      key: context.key,
      trace: currentTrace()?.id,
    });
    try {
      const result = await fetch();
      const outcome = outcomeOf(result);
      note(outcome);
      if (log.isLevelEnabled("debug")) log.debug(lineOf(outcome), "an origin was tried");
      report(outcome);
      return result;
    } catch (error) {
      if (context.signal.aborted) {
        report("aborted");
        throw error;
      }
      const failure = wrap(error, "fetch", origin);
      if (codeOf(failure.cause) === SKIPPED) {
        note("skipped");
        log.debug(lineOf("skipped"), "an origin was skipped");
        report("skipped", failure);
      } else {
        const outcome = `failed ${failure.code}`;
        note(outcome);
        report("failed", failure);
        log.warn(
          { ...lineOf(outcome), reason: reasonOf(failure) },
          MESSAGES[codeOf(failure.cause) ?? ""] ?? FAILED,
        );
      }
      throw failure;
    }
  }
}

/** The file as the log names it. */
export function shown({ path }: Asset): string {
  return maskText(path).slice(0, 500);
}

const FAILED = "an origin failed";
/** By the code of the cause. */
const MESSAGES: Readonly<Record<string, string>> = { EGUARD: "an address of an origin was refused" };

function outcomeOf(result: FetchResult): AttemptOutcome {
  if (result === undefined) return "not here";
  return result === NOT_MODIFIED ? "not modified" : "found";
}
