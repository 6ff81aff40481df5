/** Retries in the budget of an origin: at the beginning, and at most. */
const INITIAL_BUDGET = 10;
const MAX_BUDGET = 100;
/** What a request adds to the budget: in an outage retries stay below a tenth of the requests. */
const BUDGET_PER_REQUEST = 0.1;
/** What a response adds, and a response to a retry: an origin that responds to some requests can be retried for the others. */
const BUDGET_PER_RESPONSE = 1;
const BUDGET_PER_RETRY_RESPONSE = 3;
/** Ratio of responses to recent retries from which a request is repeated more often than configured … */
const MIN_RESPONSE_RATIO = 0.2;
/** … and how often then, in multiples of that. */
const RETRY_FACTOR = 3;
/** Weight of the newest retry in that ratio. */
const NEWEST_RETRY_WEIGHT = 0.1;

/** Retries of one request. */
interface RequestRetries {
  /** Milliseconds to wait before the next retry after a transient fault; `undefined`: there is none after so many. */
  pause(repeated: number): number | undefined;
  /** Takes one retry from the budget, for whatever reason; `false`: none is left. */
  spend(): boolean;
  /** The last response is there; `worked`: the origin has no outage, whatever the response is. */
  end(worked: boolean): void;
}

/** The retries of an origin, which share a budget. */
export interface Retries {
  /** A request begins. */
  begin(): RequestRetries;
}

/**
 * Repeats requests that may succeed, without making an outage worse. A failed request is repeated up to `retries` times, and up
 * to three times as often while retries get responses, because the origin then fails at random. The budget grows with responses,
 * and hardly without them.
 */
export function createRetries(retries: number, random: () => number = Math.random): Retries {
  let budget = INITIAL_BUDGET;
  let responseRatio = 0;

  return {
    begin() {
      budget = Math.min(MAX_BUDGET, budget + BUDGET_PER_REQUEST);
      let isRetry = false;
      const note = (worked: boolean) => {
        if (isRetry) responseRatio += NEWEST_RETRY_WEIGHT * (Number(worked) - responseRatio);
      };
      return {
        pause(repeated) {
          const maxRetries = responseRatio >= MIN_RESPONSE_RATIO ? retries * RETRY_FACTOR : retries;
          return repeated < maxRetries ? pauseBefore(repeated, random) : undefined;
        },
        spend() {
          if (budget < 1) return false;
          note(false);
          budget -= 1;
          isRetry = true;
          return true;
        },
        end(worked) {
          note(worked);
          if (!worked) return;
          budget = Math.min(MAX_BUDGET, budget + (isRetry ? BUDGET_PER_RETRY_RESPONSE : BUDGET_PER_RESPONSE));
        },
      };
    },
  };
}

/** 50 to 150 ms before the first retry, 100 to 300 ms before the others. */
function pauseBefore(repeated: number, random: () => number): number {
  return (repeated === 0 ? 1 : 2) * (50 + random() * 100);
}
