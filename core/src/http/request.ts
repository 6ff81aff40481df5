import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import ipaddr from "ipaddr.js";
import type { Logger } from "pino";
import type { Endpoint } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";
import type { Claims, Exchange, MediaRequest, Target } from "../model/exchange.ts";
import type { AcceptClass } from "../model/job.ts";
import type { Provenance } from "../model/rendition.ts";
import type { Spans } from "../model/spans.ts";
import { acceptClass } from "../request/accept.ts";
import { createIpTest } from "../util/ip-ranges.ts";
import { createSpans } from "../util/spans.ts";

/** Ids are a random prefix of the process and a count: unique, and cheap to make. */
const PREFIX = randomBytes(6).toString("hex");
let count = 0;

export function nextId(): string {
  return `${PREFIX}-${(++count).toString(36)}`;
}

/** What is known of clients: by the socket, or by what trusted proxies send. */
export function createClients(trustedProxies: readonly string[] = []) {
  const isTrusted = createIpTest(trustedProxies);
  return {
    /** Whether the client uses HTTPS: by `X-Forwarded-Proto`, which counts only from a trusted proxy. */
    isSecure({ headers, socket }: IncomingMessage): boolean {
      const scheme = headers["x-forwarded-proto"];
      return (
        scheme !== undefined && /^https\b/i.test(String(scheme)) && isTrusted(socket.remoteAddress ?? "")
      );
    },
    /** The client's address: the socket's, or what trusted proxies send in `X-Forwarded-For`, read from the right. */
    ipOf({ headers, socket }: IncomingMessage): string {
      let ip = socket.remoteAddress ?? "";
      if (trustedProxies.length === 0) return ip;
      const forwarded = String(headers["x-forwarded-for"] ?? "")
        .split(",")
        .slice(-20);
      while (isTrusted(ip) && forwarded.length > 0) {
        const next = forwarded.pop()?.trim() ?? "";
        if (!ipaddr.isValid(next)) break;
        ip = next;
      }
      return ip;
    },
  };
}

/** Host name of the `Host` header, lower-case, without port. Throws `EINVAL` for one that is missing, doubled or odd. */
export function hostOf(req: IncomingMessage): string {
  const host = req.headers.host;
  const named = host === undefined ? null : /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host);
  if (!named?.[1] || occurrences(req.rawHeaders, "host") !== 1) {
    throw new MediaError("EINVAL", "Expected one Host header with a host name");
  }
  return named[1].toLowerCase();
}

/** Bytes of a request's body that are read and forgotten before its connection is closed. */
const MAX_BODY_BYTES = 1024 * 1024;

/**
 * The unread rest of a body is read and discarded, so that the next request is found after it, or cut off if it is long, or
 * takes more than `timeout` milliseconds.
 */
export function discardRest(req: IncomingMessage, res: ServerResponse, timeout: number): void {
  const { headers } = req;
  if (headers["transfer-encoding"] === undefined && headers["content-length"] === undefined) return;
  let bytes = 0;
  req.on("data", (chunk: Buffer) => {
    bytes += chunk.byteLength;
    if (bytes <= MAX_BODY_BYTES) return;
    req.pause();
    if (res.writableFinished) req.socket.destroy();
    else res.once("finish", () => req.socket.destroy());
  });
  req.resume();
  cutAfter(req, timeout);
}

/** Closes the connection of a client that takes too long to send a body. */
function cutAfter(req: IncomingMessage, timeout: number): () => void {
  const { socket } = req;
  if (req.complete || socket.destroyed) return () => {};
  const timer = setTimeout(() => socket.destroy(), timeout);
  // A request whose response has been sent gets no event for the end of its connection.
  const end = () => {
    clearTimeout(timer);
    socket.off("close", end);
  };
  req.once("end", end);
  socket.once("close", end);
  return end;
}

/** Throws `EINVAL` for a transfer coding other than `chunked`, whose end other servers may see elsewhere (RFC 9112 §6.1). */
export function assertCoding(req: IncomingMessage, res: ServerResponse): void {
  const coding = req.headers["transfer-encoding"];
  if (coding === undefined || coding.trim().toLowerCase() === "chunked") return;
  res.shouldKeepAlive = false;
  throw new MediaError("EINVAL", "Expected chunked for Transfer-Encoding");
}

/** Reads the body of a request. Throws `EINVAL` for more than a megabyte, or if the client breaks off or takes more than `timeout`. */
export async function readBody(req: IncomingMessage, timeout: number): Promise<Uint8Array> {
  const end = cutAfter(req, timeout);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of partsOf(req)) {
      bytes += chunk.byteLength;
      if (bytes > MAX_BODY_BYTES) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw new MediaError("EINVAL", "The client disconnected", { cause });
  } finally {
    end();
  }
  if (bytes > MAX_BODY_BYTES) throw new MediaError("EINVAL", "Expected a body of at most a megabyte");
  return Buffer.concat(chunks);
}

/**
 * The body of a request as it arrives. To destroy the stream leaves the connection open, for the response. Fails with `ETIMEDOUT` and
 * status 408 if the client sends nothing for `idle` milliseconds.
 */
export function streamBody(req: IncomingMessage, idle: number): Readable {
  return Readable.from(withinIdle(partsOf(req), idle), { objectMode: false });
}

/** Only the time in which a reader waits for the next part counts. */
async function* withinIdle<T>(parts: AsyncIterable<T>, idle: number): AsyncGenerator<T> {
  const iterator = parts[Symbol.asyncIterator]();
  for (;;) {
    const expired = Promise.withResolvers<never>();
    const text = `Expected a part of the body every ${idle} ms at least`;
    const fail = () => expired.reject(new MediaError("ETIMEDOUT", text, { status: 408 }));
    const timer = setTimeout(fail, idle);
    const part = await Promise.race([iterator.next(), expired.promise]).finally(() => clearTimeout(timer));
    if (part.done) return;
    yield part.value;
  }
}

function partsOf(req: IncomingMessage): AsyncIterable<Buffer> {
  return req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

function occurrences(rawHeaders: readonly string[], name: string): number {
  let found = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const header = rawHeaders[i] as string;
    if (header.length === name.length && header.toLowerCase() === name) found++;
  }
  return found;
}

/** The path and query of a request line; absolute forms (RFC 9112 §3.2.2) lose scheme and host. */
export function targetOf(url: string, longest: number): string {
  if (url.length > longest) throw new MediaError("EURL", `Expected a URL of at most ${longest} bytes`);
  if (url.startsWith("/")) return url;
  const absolute = /^https?:\/\/[^/?#]*/i.exec(url);
  if (!absolute) throw new MediaError("EINVAL", "Expected a path that begins with a slash");
  const rest = url.slice(absolute[0].length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

interface ExchangeParts {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly url: string;
  readonly host: string;
  readonly ip: string;
  readonly isSecure: boolean;
  readonly endpoint: Endpoint;
  readonly target: Target;
  readonly log: Logger;
  /** Milliseconds after which the request has taken too long. */
  readonly timeout: number;
}

class HttpRequest implements MediaRequest {
  readonly method: string;
  readonly url: string;
  readonly host: string;
  readonly ip: string;
  readonly isSecure: boolean;
  readonly #headers: IncomingMessage["headers"];

  constructor({ req: { method = "GET", headers }, url, host, ip, isSecure }: ExchangeParts) {
    this.method = method;
    this.url = url;
    this.host = host;
    this.ip = ip;
    this.isSecure = isSecure;
    this.#headers = headers;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name.toLowerCase()];
    return Array.isArray(value) ? value.join(", ") : value;
  }
}

/**
 * The exchange of a request. Its signal is made on first use: hits need none. A class, because a getter in an object
 * literal gives every object a hidden class of its own, which keeps the whole request until a full garbage collection.
 */
export class HttpExchange implements Exchange {
  readonly id = nextId();
  readonly started = performance.now();
  readonly request: MediaRequest;
  readonly endpoint: Endpoint;
  readonly target: Target;
  readonly accept: AcceptClass;
  readonly claims: Claims = {};
  readonly spans: Spans = createSpans();
  readonly log: Logger;
  provenance: Provenance = "real";
  private readonly res: ServerResponse;
  private readonly timeout: number;
  private made: AbortSignal | undefined;

  constructor(parts: ExchangeParts) {
    const { req, res, endpoint, target, log, timeout } = parts;
    this.request = new HttpRequest(parts);
    this.endpoint = endpoint;
    this.target = target;
    this.accept = acceptClass(req.headers.accept, req.headers["user-agent"], endpoint);
    this.log = log;
    this.res = res;
    this.timeout = timeout;
  }

  get signal(): AbortSignal {
    this.made ??= leaveSignal(this.res, this.timeout);
    return this.made;
  }
}

/** Aborted when the client has gone, or after `timeout`. */
function leaveSignal(res: ServerResponse, timeout: number): AbortSignal {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new MediaError("ETIMEDOUT", "The request took too long")),
    timeout,
  );
  const gone = () => {
    clearTimeout(timer);
    if (!res.writableFinished) controller.abort(new MediaError("ETIMEDOUT", "The client disconnected"));
  };
  if (res.closed) gone();
  else res.once("close", gone);
  return controller.signal;
}
