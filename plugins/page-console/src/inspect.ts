import type { IncomingMessage } from "node:http";
import {
  type Explanation,
  type Job,
  MediaError,
  type PluginApi,
  type RouteReply,
  type RouteRequest,
  typeOfName,
} from "@mediatap/core";
import type { Session } from "./session.ts";

/** What browsers show; originals of other types, and larger ones, are shown as a preview. */
const SHOWN = /^image\/(?:jpeg|png|webp|gif|avif|svg\+xml)$/;
const MAX_ORIGINAL_BYTES = 12e6;
const PREVIEW_PIXELS = 2400;

/** Milliseconds for the headers of a real request. */
const ANSWER_TIMEOUT_MS = 120_000;

/** Headers that a page has no use for, or that would act on the console itself. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "date"]);

/** An opened file is shown as a file, whatever is in it. */
const INERT = {
  "cache-control": "no-store",
  "cross-origin-resource-policy": "same-origin",
  "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
};

/** A request of the page: which URL, and as which client. */
interface Asked {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The calls of the page Inspect. */
export function createInspect({ jobs, logger }: Pick<PluginApi, "jobs" | "logger">) {
  return {
    /** What the server would do for a URL, and why. */
    async explain(request: RouteRequest, { endpoints }: Session): Promise<Explanation> {
      return await jobs.explain({ ...askedOf(request), endpoints });
    },

    /** The URL with a valid signature, as it can be pasted. */
    async sign(
      { url, expires }: { url: string; expires?: number | undefined },
      request: RouteRequest,
      { endpoints }: Session,
    ) {
      const target = { url, headers: { host: request.header("host") ?? "" } };
      const path = await jobs.sign({ ...target, endpoints }, expires);
      const [origin = ""] = /^https?:\/\/[^/?#]+/i.exec(url) ?? [];
      return { url: origin + path };
    },

    /**
     * The answer to a real request, which the server sends to itself: the body as it is, status and headers in one header. So the page
     * sees answers of every host name, as a client gets them, and the browser's own cache has no part in them.
     */
    async response(request: RouteRequest, session: Session): Promise<RouteReply> {
      const { url, headers } = askedOf(request);
      const job = await ownJob({ url, headers }, session);
      const [, host = String(headers.host), rest = ""] =
        /^(?:https?:\/\/([^/?#]+))?(.*)$/is.exec(url.replace(/#.*$/s, "")) ?? [];
      const path = encodeUnsafe(rest.startsWith("/") ? rest : `/${rest}`);
      if (!/^[\w.:[\]-]{1,260}$/.test(host))
        throw new MediaError("EINVAL", "Expected a host name in the URL");
      // Pages and calls of the server may trust its own address.
      if (!job || path.startsWith("/-/")) throw new MediaError("ENOENT", "This URL names no file");
      const began = performance.now();
      const response = await ask(request, { path, headers: { ...headers, host } });
      const seen = {
        status: response.statusCode ?? 0,
        milliseconds: Math.round((performance.now() - began) * 10) / 10,
        headers: pairsOf(response),
      };
      const type = response.headers["content-type"] ?? "";
      return {
        headers: {
          ...INERT,
          // Nothing that a browser would run if somebody opened this address.
          "content-type": /^(?:image|video|audio)\//.test(type) ? type : "text/plain; charset=utf-8",
          "x-answer": Buffer.from(JSON.stringify(seen)).toString("base64url"),
        },
        body: response,
      };
    },

    /**
     * The original for comparison: its bytes if browsers show them, else a preview. Who may not sign URLs sees what the URL itself
     * would show.
     */
    async original(request: RouteRequest, session: Session): Promise<RouteReply> {
      const target = askedOf(request);
      const job = await ownJob(target, session);
      if (!job) throw new MediaError("ENOENT", "This URL names no file");
      const trusted = session.isSignedIn && session.rights.role !== "read";
      if (!trusted) await jobs.admit(target.url, target.headers, request.ip);
      const plain: Job = {
        asset: job.asset,
        language: job.language,
        media: job.media,
        accept: "basic",
        query: [],
        delivery: {},
        transformation: { steps: [], output: { format: "original" } },
      };
      const type = typeOfName(job.asset.path);
      const isShown = type === undefined || SHOWN.test(type);
      const original = isShown ? await renditionOf(plain, trusted) : undefined;
      if (
        original &&
        SHOWN.test(original.record.type) &&
        (original.record.length ?? 0) <= MAX_ORIGINAL_BYTES
      ) {
        return await replyOf(original);
      }
      await original?.body?.close?.();
      const preview = await renditionOf(
        {
          ...plain,
          transformation: {
            steps: [
              { op: "resize", width: PREVIEW_PIXELS, height: PREVIEW_PIXELS, fit: "inside", enlarge: false },
            ],
            output: { format: "webp", quality: 90 },
          },
        },
        trusted,
      );
      return await replyOf(preview, { "x-preview": "1" });
    },
  };

  async function renditionOf(job: Job, trusted: boolean) {
    return await jobs.obtain(job, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS), trusted });
  }

  /** The job of a URL, if it leads to an endpoint of the account; `undefined`: it names no asset. */
  async function ownJob({ url, headers }: Asked, { endpoints }: Session): Promise<Job | undefined> {
    const job = await jobs.resolve(url, headers).catch((error: unknown) => {
      logger.debug({ err: error }, "a URL of the console names no asset");
      return undefined;
    });
    const { tenant, endpoint } = job?.asset ?? {};
    const isOwn = endpoints.some((one) => one.tenant === tenant && one.name === endpoint);
    if (isOwn) return job;
    if (!job) return undefined;
    throw new MediaError("EFORBIDDEN", "This URL leads to an endpoint of another account");
  }
}

type Obtained = Awaited<ReturnType<PluginApi["jobs"]["obtain"]>>;

export async function replyOf(
  { record, body }: Obtained,
  more: Readonly<Record<string, string>> = {},
): Promise<RouteReply> {
  if (!body) throw new MediaError("ENOENT", "This file has no content");
  const { type, width, height } = record;
  const size = width === undefined ? {} : { "x-size": `${width}x${height}` };
  return { headers: { ...INERT, "content-type": type, ...size, ...more }, body: await body.stream() };
}

/** `url`, and the `accept` of the client that is played; a URL without a host is one of the console's own host. */
function askedOf({ query, header }: RouteRequest): Asked {
  const url = query.get("url")?.trim();
  if (!url) throw new MediaError("EINVAL", "Expected a URL for url");
  const accept = query.get("accept") ?? "*/*";
  if (!/^[\x20-\x7e]{0,1000}$/.test(accept))
    throw new MediaError("EINVAL", "Expected a value of the header Accept for accept");
  return { url, headers: { host: header("host") ?? "localhost", accept } };
}

function ask(
  { server: { address, port } }: RouteRequest,
  { path, headers }: { path: string; headers: Readonly<Record<string, string>> },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    // An import would load Node's own undici with it.
    const sent = process.getBuiltinModule("node:http").request({
      host: address.replace(/^::ffff:/, ""),
      port,
      path,
      headers,
      agent: false,
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    sent.once("response", resolve);
    sent.once("error", (cause) =>
      reject(new MediaError("ETIMEDOUT", "The server did not answer its own request", { cause })),
    );
    sent.end();
  });
}

function pairsOf({ rawHeaders }: IncomingMessage): [string, string][] {
  const pairs = Array.from({ length: rawHeaders.length / 2 }, (_, at): [string, string] => [
    String(rawHeaders[at * 2]).toLowerCase(),
    String(rawHeaders[at * 2 + 1]),
  ]);
  return pairs.filter(([name]) => !HOP_BY_HOP.has(name));
}

/** As browsers send it. */
const encodeUnsafe = (path: string) => path.replace(/[^\x21-\x7e]/gu, encodeURIComponent);
