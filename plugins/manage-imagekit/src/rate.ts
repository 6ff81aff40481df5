import { type CallHandler, type CallRights, isMediaError } from "@mediatap/core";

export const HELP = "See the README of manage-imagekit.";

export type Reply = Awaited<ReturnType<CallHandler>>;

/** A handler whose responses contain the rate limit of the caller, refusals included. */
export function limited(handler: CallHandler, rate: "purgeRate" | "changeRate"): CallHandler {
  return async (request, endpoints, rights) => {
    const reply = await replyOf(() => handler(request, endpoints, rights));
    return { ...reply, headers: { ...rateHeaders(rights[rate]()), ...reply.headers } };
  };
}

/** The same of a handler that changes files, which is counted before it does. */
export const limitedChange = (handler: CallHandler): CallHandler =>
  limited((request, endpoints, rights) => {
    rights.countChange();
    return handler(request, endpoints, rights);
  }, "changeRate");

function rateHeaders({ limit, interval, reset }: ReturnType<CallRights["changeRate"]>) {
  return {
    "X-RateLimit-Limit": String(limit),
    "X-RateLimit-Reset": String(reset),
    "X-RateLimit-Interval": String(interval),
  };
}

async function replyOf(work: () => Reply | Promise<Reply>): Promise<Reply> {
  try {
    return await work();
  } catch (error) {
    if (!isMediaError(error) || error.status >= 500) throw error;
    const { status, message, retryAfterSeconds: seconds } = error;
    const headers = seconds === undefined ? {} : { "Retry-After": String(seconds) };
    return { status, headers, body: { message, help: HELP } };
  }
}
