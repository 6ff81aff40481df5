import { MediaError } from "../model/errors.ts";

/** What a scheduler holds at a moment; costs in estimated milliseconds of one core. */
export interface Load {
  /** How many plans run at once at most. */
  readonly places: number;
  readonly running: number;
  readonly waiting: number;
  readonly waitingCost: number;
  /** Bytes that the plans which run take, by their estimates. */
  readonly memory: number;
}

/** The server is too busy for more. */
export function busy(seconds: number): MediaError {
  return new MediaError("EBUSY", "The server is busy", {
    retryAfterSeconds: Math.max(1, Math.ceil(seconds)),
  });
}
