/** Retries that an idle origin has saved up, and what each request adds: a tenth, so an outage is not amplified. */
const SAVED = 10;
const SHARE = 0.1;

/** Keeps retries below a share of the requests. */
export interface Budget {
  /** A request begins. */
  earn(): void;
  /** Takes one retry; `false`: none is left. */
  spend(): boolean;
}

export function createBudget(): Budget {
  let left = SAVED;
  return {
    earn() {
      left = Math.min(SAVED, left + SHARE);
    },
    spend() {
      if (left < 1) return false;
      left -= 1;
      return true;
    },
  };
}
