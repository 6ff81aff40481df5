import type { Hooks } from "../hooks.ts";
import { MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { Prepared } from "./deliver.ts";
import { commonHeaders, pendingHeaders } from "./headers.ts";

/**
 * The response while the work goes on: a redirect to the untouched original, signed as the asking URL was, or 202 and no
 * body.
 */
export async function pendingReply(hooks: Hooks, exchange: Exchange, job: Job): Promise<Prepared> {
  const isRedirect = job.delivery.ifNotStored?.kind === "redirect";
  const location = isRedirect ? await originalLink(hooks, exchange, job) : undefined;
  const headers = { ...commonHeaders(exchange), ...pendingHeaders(exchange), location, "content-length": 0 };
  return { reply: { status: location === undefined ? 202 : 302, headers } };
}

async function originalLink(hooks: Hooks, exchange: Exchange, job: Job): Promise<string> {
  const original = { ...job, transformation: { steps: [], output: { format: "original" } } } as const;
  const link = await hooks.link.for(job.language).promise(original, exchange);
  if (link === undefined) throw new MediaError("EUNSUPPORTED", "This URL language has no URLs for originals");
  return link;
}
