import type { ServerResponse } from "node:http";
import { MediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Pending } from "../request/result.ts";
import { type Sender, send } from "./deliver.ts";
import { commonHeaders, pendingHeaders } from "./headers.ts";

/**
 * Answers while the work goes on: with a redirect to the untouched original, signed as the asking URL was, or with 202 and no
 * body.
 */
export async function deliverPending(
  sender: Sender,
  exchange: Exchange,
  { pending }: Pending,
  res: ServerResponse,
): Promise<number> {
  const location =
    pending.delivery.ifNotStored?.kind === "redirect"
      ? await originalLink(sender, exchange, pending)
      : undefined;
  const headers = { ...commonHeaders(exchange), ...pendingHeaders(exchange), location, "content-length": 0 };
  const reply = { status: location === undefined ? 202 : 302, headers };
  return await send(sender, exchange, { reply, sending: undefined }, res);
}

async function originalLink(
  { hooks }: Sender,
  exchange: Exchange,
  pending: Pending["pending"],
): Promise<string> {
  const job = { ...pending, transformation: { steps: [], output: { format: "original" } } } as const;
  const link = await hooks.link.for(job.language).promise(job, exchange);
  if (link === undefined) throw new MediaError("EUNSUPPORTED", "This URL language has no URLs for originals");
  return link;
}
