import type { Logger } from "pino";
import { wrap } from "../facade.ts";
import { reasonOf } from "../log.ts";
import { maskText } from "../mask.ts";
import type { Asset } from "../model/asset.ts";
import { codeOf } from "../model/errors.ts";
import type { Flight } from "../model/flight.ts";
import { NOT_MODIFIED, type Source } from "../model/source.ts";
import { currentTrace } from "../trace.ts";
import { SKIPPED } from "./breaker.ts";

/** One origin asked for one file. */
export interface Attempt {
  /** Its place in the endpoint's order, from 1. */
  readonly place: number;
  readonly origin: string;
  readonly asset: Asset;
  readonly flight: Flight;
}

type Answer = Source | typeof NOT_MODIFIED | undefined;

/**
 * Notes what came of each attempt: for the client how long it took, by the place of the origin, since its name is the
 * operator's; for the operator a line in the log, which is a warning where the origin failed.
 */
export function createAttempts(log: Logger) {
  return async function attempt({ place, origin, asset, flight }: Attempt, ask: () => Promise<Answer>) {
    const started = performance.now();
    const noted = (outcome: string) => {
      const duration = performance.now() - started;
      flight.spans.add(`origin-${place}`, duration, outcome);
      return {
        origin,
        path: shown(asset),
        outcome,
        ms: Math.round(duration),
        key: flight.key,
        trace: currentTrace()?.id,
      };
    };
    try {
      const answer = await ask();
      const line = noted(outcomeOf(answer));
      log.debug(line, "an origin was asked");
      return answer;
    } catch (error) {
      if (flight.signal.aborted) throw error;
      const failure = wrap(error, "fetch", origin);
      if (codeOf(failure.cause) === SKIPPED) {
        log.debug(noted("skipped"), "an origin was passed over");
      } else {
        const line = noted(`failed ${failure.code}`);
        log.warn({ ...line, reason: reasonOf(failure) }, MESSAGES[codeOf(failure.cause) ?? ""] ?? FAILED);
      }
      throw failure;
    }
  };
}

/** The file as the log names it. */
export function shown({ path }: Asset): string {
  return maskText(path).slice(0, 500);
}

const FAILED = "an origin failed";
/** By the code of the cause. */
const MESSAGES: Readonly<Record<string, string>> = { EGUARD: "an address of an origin was refused" };

function outcomeOf(answer: Answer): string {
  if (answer === undefined) return "not here";
  return answer === NOT_MODIFIED ? "not modified" : "found";
}
