import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { pipeline as pipe } from "node:stream/promises";
import type { RelayResponse } from "../hooks.ts";
import type { MediaError } from "../model/errors.ts";
import { addTo, type Exchange, type Reply } from "../model/exchange.ts";
import type { Limits } from "../model/limits.ts";
import type { Body, Rendition } from "../model/rendition.ts";
import { clientHasIt } from "../request/conditions.ts";
import { codedTag, codingOf } from "../util/content-coding.ts";
import { after, callHook, type MaybePromise } from "../util/maybe.ts";
import { encoded, isCompressible } from "./coding.ts";
import type { Within } from "./deadline.ts";
import {
  commonHeaders,
  errorHeaders,
  errorText,
  type HeaderFields,
  relayHeaders,
  renditionHeaders,
} from "./headers.ts";
import { withLinks } from "./links.ts";
import { rangeCounts, rangeOf } from "./range.ts";
import type { Runtime } from "./runtime.ts";

/** What all responses of a runtime are sent with. */
interface DeliveryParts extends Pick<Runtime, "hooks" | "limitsOf"> {
  readonly within: Within;
  /** `false` while the server drains: each connection is closed with its response. */
  readonly isReady: () => boolean;
}

/** Headers of responses for this client only. */
const UNCACHED_HEADERS: HeaderFields = {
  "cache-control": "no-store",
  "cdn-cache-control": undefined,
  age: undefined,
};

/** A response: its head, and nothing, bytes, or a stream that is opened only when it is needed. */
export interface Prepared {
  readonly reply: Reply;
  readonly sending?: Uint8Array | string | (() => Promise<Readable>) | undefined;
}

/** Sends responses; each of these functions returns the number of bytes sent. */
export function createDelivery({ hooks, limitsOf, within, isReady }: DeliveryParts) {
  /** Sends a rendition: conditions first, then coding, then a range (RFC 9110 §13.2.2, §14.2). */
  function deliver(exchange: Exchange, rendition: Rendition, res: ServerResponse): MaybePromise<number> {
    const { record, body } = rendition;
    if (record.links || (body && (!body.complete || body.close))) {
      return deliverLater(exchange, rendition, res);
    }
    return after(prepare(exchange, rendition), (prepared) => send(exchange, prepared, res));
  }

  /** Sends what has to be completed first, or closed afterwards. */
  async function deliverLater(
    exchange: Exchange,
    rendition: Rendition,
    res: ServerResponse,
  ): Promise<number> {
    try {
      const linked = await withLinks(hooks, exchange, rendition);
      return await send(exchange, await prepare(exchange, await completeFor(exchange, linked)), res);
    } finally {
      await rendition.body?.close?.();
    }
  }

  /**
   * A range of a body that is still streaming is sent once the body is complete: players that need ranges request two bytes
   * first. Reading meanwhile keeps the work going.
   */
  async function completeFor({ request, signal }: Exchange, rendition: Rendition): Promise<Rendition> {
    const { record, body } = rendition;
    const range = request.header("range")?.trim() ?? "";
    const isPart = /^bytes=/i.test(range) && !/^bytes=0*-$/i.test(range);
    if (!isPart || !body || body.complete || !body.completed) return rendition;
    const reader = await body.stream();
    reader.on("error", () => {}).resume();
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = () => reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    try {
      signal.throwIfAborted();
      return { record, body: await within(Promise.race([body.completed, left])) };
    } finally {
      signal.removeEventListener("abort", leave);
      reader.destroy();
    }
  }

  /** Sends the response of another server. */
  async function deliverRelayed(
    exchange: Exchange,
    relayed: RelayResponse,
    res: ServerResponse,
  ): Promise<number> {
    const { status, headers, body } = relayed;
    addTo(exchange, { cache: { hit: false, forward: "bypass", forwardStatus: status }, provenance: "real" });
    const reply = { status, headers: relayHeaders(exchange, headers) };
    try {
      return await send(exchange, { reply, sending: body && (async () => body) }, res);
    } finally {
      body?.destroy();
    }
  }

  /** Lets `respond` have the last word on the headers, then sends. */
  function send(exchange: Exchange, prepared: Prepared, res: ServerResponse): MaybePromise<number> {
    const { reply } = prepared;
    addTo(exchange, { reply });
    if (!hooks.respond.isUsed()) return write(exchange, prepared, res);
    const responded = callHook(hooks.respond, reply, exchange);
    return after(responded instanceof Promise ? within(responded) : responded, () =>
      write(exchange, prepared, res),
    );
  }

  function write(
    { request }: Exchange,
    { reply, sending }: Prepared,
    res: ServerResponse,
  ): MaybePromise<number> {
    if (res.destroyed) return 0;
    const isWanted = request.method !== "HEAD";
    if (isWanted && typeof sending === "function") return writeStream(reply, sending, res);
    if (!isReady()) res.shouldKeepAlive = false;
    res.writeHead(reply.status, rawHeaders(reply.headers));
    if (!isWanted || sending === undefined || typeof sending === "function") {
      res.end();
      return 0;
    }
    res.end(sending);
    return typeof sending === "string" ? sending.length : sending.byteLength;
  }

  async function writeStream(
    reply: Reply,
    open: () => Promise<Readable>,
    res: ServerResponse,
  ): Promise<number> {
    // Opened before the head is written: a failure to open is still an error the client can read.
    const stream = await within(open());
    if (!isReady()) res.shouldKeepAlive = false;
    try {
      res.writeHead(reply.status, rawHeaders(reply.headers));
    } catch (error) {
      stream.destroy();
      throw error;
    }
    return await sendStream(stream, res, limitsOf().clientWriteIdle, reply.headers["content-length"]);
  }

  return { deliver, deliverRelayed, send };
}

function prepare(exchange: Exchange, { record, body }: Rendition): MaybePromise<Prepared> {
  const { request } = exchange;
  const headers = renditionHeaders(exchange, record);
  const rangeHeader = request.method === "GET" ? request.header("range") : undefined;
  const isCompressed = record.format === "svgz";
  const compressible = record.original && !isCompressed && isCompressible(record.type, record.length);
  if (compressible)
    headers.vary = headers.vary === undefined ? "Accept-Encoding" : `${headers.vary}, Accept-Encoding`;
  // Only a client that has the bytes gets a record without a body.
  if (!body) return notModified(headers);
  // A body that is not complete must not be stored, compared or resumed.
  if (!body.complete) Object.assign(headers, { etag: undefined, ...UNCACHED_HEADERS });
  const coding =
    compressible && rangeHeader === undefined ? codingOf(request.header("accept-encoding")) : undefined;
  if (coding && typeof headers.etag === "string") headers.etag = codedTag(headers.etag, coding);

  const etag = headers.etag as string | undefined;
  const lastModified = headers["last-modified"] === undefined ? undefined : record.lastModified;
  if (clientHasIt(request, etag, lastModified)) return notModified(headers);
  return after(coding ? encoded(body, coding, etag) : body, (chosen) => {
    if (coding || isCompressed) headers["content-encoding"] = coding ?? "gzip";
    return ranged(exchange, headers, chosen, rangeHeader, record.lastModified);
  });
}

/** 304 carries the headers of the 200 that describe the stored response, and no body (RFC 9110 §15.4.5). */
function notModified(headers: HeaderFields): Prepared {
  return { reply: { status: 304, headers: { ...headers, "content-type": undefined } } };
}

function ranged(
  { request }: Exchange,
  headers: HeaderFields,
  body: Body,
  rangeHeader: string | undefined,
  lastModified: number | undefined,
): Prepared {
  if (!body.complete) return { reply: { status: 200, headers }, sending: () => body.stream() };
  headers["accept-ranges"] = "bytes";
  const counts =
    rangeHeader !== undefined && rangeCounts(request, headers.etag as string | undefined, lastModified);
  const range = counts ? rangeOf(rangeHeader, body.length) : undefined;
  if (range === "unsatisfiable") {
    const { "content-type": _, "content-encoding": __, ...rest } = headers;
    // What this request's headers brought about is not for the next one.
    const own = { ...UNCACHED_HEADERS, "content-range": `bytes */${body.length}`, "content-length": 0 };
    return { reply: { status: 416, headers: { ...rest, ...own } } };
  }
  if (!range) {
    headers["content-length"] = body.length;
    return { reply: { status: 200, headers }, sending: body.bytes ?? (() => body.stream()) };
  }
  headers["content-length"] = range.end - range.start + 1;
  headers["content-range"] = `bytes ${range.start}-${range.end}/${body.length}`;
  const part = body.bytes?.subarray(range.start, range.end + 1);
  return { reply: { status: 206, headers }, sending: part ?? (() => body.stream(range)) };
}

/** The response to a failure: a status, a short text, no more. */
export function errorReply(exchange: Exchange, error: MediaError, limits: Limits): Prepared {
  addTo(exchange, { error });
  const text = `${errorText(error, exchange.job?.notes)}\n`;
  return textReply(exchange, { headers: errorHeaders(error, exchange, limits), text }, error.status);
}

/** A response with a text of the server itself. */
export function textReply(
  exchange: Exchange,
  { headers: own, text }: { readonly headers: HeaderFields; readonly text: string },
  status = 200,
): Prepared {
  const headers = { ...commonHeaders(exchange), ...own, "content-length": Buffer.byteLength(text) };
  return { reply: { status, headers }, sending: text };
}

/** Sends a stream; a reader that takes nothing for `idle` milliseconds is cut off, a failure resets the connection. */
async function sendStream(
  stream: Readable,
  res: ServerResponse,
  idle: number,
  promised: string | number | undefined,
): Promise<number> {
  let bytes = 0;
  let seen = -1;
  async function* counted(chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      bytes += chunk.byteLength;
      yield chunk;
    }
    // The client must see a truncated response, not wait for the rest.
    if (promised !== undefined && bytes !== Number(promised)) throw new Error("fewer bytes than promised");
  }
  const timer = setInterval(() => {
    if (bytes === seen) res.destroy();
    seen = bytes;
  }, idle);
  try {
    await pipe(stream, counted, res);
  } catch {
    res.destroy();
  } finally {
    clearInterval(timer);
  }
  return bytes;
}

function rawHeaders(headers: HeaderFields): string[] {
  const raw: string[] = [];
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) raw.push(name, String(value));
  }
  return raw;
}
