import { hash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { type Exchange, isMediaError, maskUrl, type PluginApi } from "@mediatap/core";
import type { Response } from "./compare.ts";
import type { Observe, Observer } from "./relay.ts";
import type { ShadowLog } from "./shadow-log.ts";

/** Responses of the old service that are kept for a comparison, or are being compared, in this process. */
const MAX_COMPARISONS = 2;

/** Bytes of a response that are kept. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** Pixels to which pictures are scaled down before they are compared, on the thread that also answers requests. */
const MAX_PIXELS = 1_000_000;

/** Characters of a URL, above which it is not compared. */
const MAX_URL_CHARACTERS = 2000;

/** URLs that are not compared again by this process. */
const MAX_SEEN = 20_000;

/** Milliseconds for a rendition of this server. */
const TIMEOUT_MS = 60_000;

/** Least structural similarity of pictures that count as equal. */
const MIN_SSIM = 0.9;

export interface ShadowParts extends Pick<PluginApi, "jobs" | "logger" | "state"> {
  /** The report of an endpoint. */
  readonly logOf: (exchange: Exchange) => ShadowLog | undefined;
  /** Between 0 and 1. @default Math.random */
  readonly random?: () => number;
}

/**
 * Renders what the old service has answered, for a share of requests, and compares. It never waits for a comparison, nor begins one while
 * the server is busy.
 */
export function createShadow({ jobs, logger, state, logOf, random = Math.random }: ShadowParts) {
  const stop = new AbortController();
  const seen = new Set<string>();
  const running = new Set<Promise<void>>();
  let active = 0;

  const isBusy = () => {
    const { waiting, running, places } = state().work;
    return waiting > 0 || running >= places;
  };

  /** Conditional and partial requests are not answered with a whole picture. */
  const isWhole = ({ request }: Exchange) =>
    ["range", "if-none-match", "if-modified-since"].every((name) => request.header(name) === undefined);

  const observe: Observe = (exchange): Observer | undefined => {
    const { request, endpoint } = exchange;
    const log = logOf(exchange);
    const share = endpoint.fields.migrate?.share ?? 0;
    if (!log || random() >= share || active >= MAX_COMPARISONS) return undefined;
    if (stop.signal.aborted || !isWhole(exchange) || isBusy()) return undefined;
    if (request.url.length > MAX_URL_CHARACTERS) return undefined;
    const name = hash("sha256", `${endpoint.tenant}/${endpoint.name} ${request.url}`, "base64");
    if (seen.has(name)) return undefined;
    active++;
    const started = performance.now();
    return {
      maxBytes: MAX_BODY_BYTES,
      onLost: () => {
        active--;
      },
      onComplete(response, body) {
        if (seen.size >= MAX_SEEN) seen.delete(seen.values().next().value as string);
        seen.add(name);
        const old = responseOf(response, body, performance.now() - started);
        const work = compareWith(exchange, old, log)
          .catch((err: unknown) => {
            if (!stop.signal.aborted) logger.warn({ err, url: maskUrl(request.url) }, "a comparison failed");
          })
          .finally(() => {
            active--;
            running.delete(work);
          });
        running.add(work);
      },
    };
  };

  async function compareWith(exchange: Exchange, old: Response, log: ShadowLog): Promise<void> {
    const { judge, understand } = await import("./check.ts");
    const { request, endpoint } = exchange;
    const headers = { host: request.host, accept: request.header("accept") ?? "*/*" };
    const { path, query } = exchange.target;
    const url = maskUrl(`/${path}${query === "" ? "" : `?${query}`}`);
    const understood = await understand(request.url, jobs, headers);
    if ("verdict" in understood) {
      return await log.add(endpoint, { url, ...understood, message: maskUrl(understood.message) });
    }
    const own = await ownResponse(exchange, headers);
    const pictures = { old, new: own };
    await log.add(
      endpoint,
      await judge(url, understood, pictures, { ssim: MIN_SSIM, pixels: MAX_PIXELS }),
      pictures,
    );
  }

  /** What this server would answer. */
  async function ownResponse({ request, endpoint }: Exchange, headers: Readonly<Record<string, string>>) {
    const started = performance.now();
    try {
      const job = await jobs.admit(request.url, headers, request.ip);
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
      const { record, body } = await jobs.obtain(job, { signal });
      try {
        const bytes = body ? await buffer(await body.stream()) : Buffer.alloc(0);
        const { etag, lastModified, control = endpoint.cacheControl, type } = record;
        const fields = {
          "content-type": type,
          "cache-control": control,
          ...(etag !== undefined && { etag }),
          ...(lastModified !== undefined && { "last-modified": new Date(lastModified).toUTCString() }),
          ...(endpoint.cors !== false && { "access-control-allow-origin": endpoint.cors }),
          ...(job.delivery.attachment !== undefined && { "content-disposition": "attachment" }),
        };
        return responseOf({ status: 200, headers: fields }, bytes, performance.now() - started);
      } finally {
        await body?.close?.();
      }
    } catch (error) {
      if (!isMediaError(error) || stop.signal.aborted) throw error;
      const { status } = error;
      return responseOf(
        { status, headers: { "content-type": "text/plain" } },
        Buffer.alloc(0),
        performance.now() - started,
      );
    }
  }

  return {
    observe,
    async stop(): Promise<void> {
      stop.abort();
      await Promise.allSettled(running);
    },
  };
}

function responseOf(
  { status, headers }: Pick<Response, "status" | "headers">,
  body: Buffer,
  time: number,
): Response {
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  return { status, type: type.trim(), headers, body, time };
}
