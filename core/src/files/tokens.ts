import { inTime } from "./time.ts";

/** Something that opens an origin's doors for a while. */
export interface Token {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** Milliseconds before its end at which a token is no longer used, so that it lasts for a request. */
const MARGIN = 60_000;
/** Milliseconds for which a token counts as new: many requests that were refused together log in once. */
const NEW = 1_000;

/**
 * Keeps a token until shortly before it expires; requests that need one at the same time share one login. With `renew`
 * a token that is not quite new is given up for another. A login that fails is not remembered. It belongs to no request,
 * so it has `timeout` milliseconds of its own; then its signal ends it, and those who still wait get `ECONNREFUSED`.
 */
export function createTokens(
  login: (signal: AbortSignal) => Promise<Token>,
  timeout = 30_000,
): (renew?: boolean) => Promise<string> {
  let current: Token | undefined;
  let since = 0;
  /** When the token has run its time, as of `performance.now()`: a clock that is set back does not make it last longer. */
  let until = 0;
  let pending: Promise<Token> | undefined;

  async function replace(): Promise<Token> {
    const work = new AbortController();
    try {
      current = await inTime(login(work.signal), performance.now() + timeout);
      since = performance.now();
      until = since + current.expires - Date.now() - MARGIN;
      return current;
    } finally {
      work.abort();
      pending = undefined;
    }
  }

  return async (renew = false) => {
    const isNew = performance.now() - since < NEW;
    const lasts = (token: Token) => performance.now() < until && Date.now() < token.expires - MARGIN;
    if (current && (isNew || (!renew && lasts(current)))) return current.text;
    pending ??= replace();
    return (await pending).text;
  };
}
