import { inTime } from "./time.ts";

/** Credentials that expire. */
export interface Token {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** A token is not used in the last milliseconds before it expires, so that it lasts for a request. */
const EXPIRY_MARGIN_MS = 60_000;
/** Milliseconds for which a token counts as new: many requests that were refused together log in once. */
const NEW_TOKEN_MS = 1_000;

/**
 * Keeps a token until shortly before it expires. Requests that need one at the same time share one login. With `renew`
 * a token that is not new is replaced. A failed login is not cached. A login belongs to no request: its signal ends it
 * after `timeout` milliseconds, and requests that still wait for it fail with `ECONNREFUSED`.
 */
export function createTokens(
  login: (signal: AbortSignal) => Promise<Token>,
  timeout = 30_000,
): (renew?: boolean) => Promise<string> {
  let current: Token | undefined;
  let since = 0;
  /** Expiry of the token as of `performance.now()`: a clock that is set back does not make it last longer. */
  let until = 0;
  let pending: Promise<Token> | undefined;

  async function replace(): Promise<Token> {
    const work = new AbortController();
    try {
      current = await inTime(login(work.signal), performance.now() + timeout);
      since = performance.now();
      until = since + current.expires - Date.now() - EXPIRY_MARGIN_MS;
      return current;
    } finally {
      work.abort();
      pending = undefined;
    }
  }

  return async (renew = false) => {
    const isNew = performance.now() - since < NEW_TOKEN_MS;
    const lasts = (token: Token) =>
      performance.now() < until && Date.now() < token.expires - EXPIRY_MARGIN_MS;
    if (current && (isNew || (!renew && lasts(current)))) return current.text;
    pending ??= replace();
    return (await pending).text;
  };
}
