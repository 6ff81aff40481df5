import {
  type AcceptClass,
  type Asset,
  type Endpoint,
  type Exchange,
  isMediaError,
  type Job,
  type LimitsOf,
  type Transformation,
} from "@mediatap/core";
import { ORIGINAL, type ParsedChain, readChain } from "./chain.ts";
import type { CustomParameters } from "./custom.ts";
import { wantedOf } from "./endings.ts";
import { type RequestHints, requestHints } from "./hints.ts";
import { pathOf } from "./layer-parts.ts";
import { mediaOf } from "./media.ts";
import { notesOf } from "./notes.ts";
import type { Address } from "./path.ts";
import { lenient } from "./percent.ts";
import { attachmentOf, freePairs, type Pair, sanitizesSvg } from "./query.ts";
import { locate, writtenChain } from "./target.ts";
import type { Chain } from "./tokenize.ts";
import type { Wanted } from "./wanted.ts";

/** Name of the plugin and of the language. */
export const NAME = "url-imagekit";

export interface ResolveOptions {
  readonly limitsOf: LimitsOf;
  /** Quality for clients that ask for less data. Left out: they are not told apart. */
  readonly saveDataQuality?: number | undefined;
  /** Parameters beside those of the language. @default {} */
  readonly parameters?: CustomParameters;
}

/** The tap of `resolve`. */
export function createResolve(options: ResolveOptions) {
  return (exchange: Exchange, endpoint: Endpoint) => resolve(exchange, endpoint, options);
}

/**
 * URL → job. A transformation that is wrong becomes the job's `problem`; a path that is wrong is thrown.
 * `undefined`: the URL names no asset.
 */
function resolve(
  exchange: Exchange,
  endpoint: Endpoint,
  { limitsOf, saveDataQuality, parameters = {} }: ResolveOptions,
): Job | undefined {
  const limits = limitsOf(endpoint.tenant);
  const located = locate(exchange.target);
  if (!located) return undefined;
  const { address, pairs } = located;
  const free = freePairs(pairs, endpoint.ignoreQuery);
  const hints = requestHints((name) => exchange.request.header(name));
  const asset: Asset = {
    tenant: endpoint.tenant,
    endpoint: endpoint.name,
    kind: address.kind,
    path: address.sharesQuery ? withQuery(address.path, free) : address.path,
  };
  const attachment = attachmentOf(pairs);
  const job = {
    asset,
    query: address.sharesQuery ? [] : free.map(({ name, rawValue }) => [name, lenient(rawValue)] as const),
    language: NAME,
    media: mediaOf(address),
  };
  try {
    const chain = writtenChain(located, limits);
    const wanted = wantedOf(address);
    const parsed = isUntouched(chain, wanted, address, endpoint)
      ? ORIGINAL
      : readChain(chain, { named: endpoint.namedTransformations, hints, limits, wanted, parameters });
    const jpeg = endsAsJpeg(wanted, parsed.transformation);
    const inFormat = jpeg ? withJpeg(parsed.transformation, endpoint) : parsed.transformation;
    const weighed = lighter(inFormat, job.media, saveDataQuality, hints);
    const transformation = sanitizesSvg(pairs) ? sanitized(weighed) : weighed;
    const notes = notesOf(address, free, chain);
    const fallback = parsed.fallback === undefined ? undefined : standIn(parsed.fallback, endpoint);
    return {
      ...job,
      transformation,
      ...(notes.length > 0 && { notes }),
      accept: acceptFor(transformation, parsed, exchange.accept, jpeg),
      delivery: {
        ...(attachment !== undefined && { attachment }),
        ...(fallback && { fallback }),
        ...(hints.vary.length > 0 && { vary: hints.vary }),
        ...(Object.keys(hints.headers).length > 0 && { headers: hints.headers }),
      },
    };
  } catch (error) {
    if (!isMediaError(error)) throw error;
    const { code, message } = error;
    return {
      ...job,
      transformation: { steps: [], output: {} },
      accept: exchange.accept,
      delivery: {},
      problem: { code, message },
    };
  }
}

/** The transformation in the quality of those who save data, where it names none. */
function lighter(
  transformation: Transformation,
  media: Job["media"],
  quality: number | undefined,
  hints: RequestHints,
): Transformation {
  const { steps, output } = transformation;
  const concerned = media === "image" && output.format !== "original" && output.quality === undefined;
  if (quality === undefined || !concerned || !hints.saveData()) return transformation;
  return { steps, output: { ...output, quality } };
}

const sanitized = ({ steps, output }: Transformation): Transformation => ({
  steps,
  output: { ...output, sanitizeSvg: true },
});

/** Whether the URL ends in `ik-thumbnail.jpg` and asks for a still. */
function endsAsJpeg(wanted: Wanted, { steps }: Transformation): boolean {
  const thumbnail = wanted.kind === "still" || (wanted.kind === "picture" && wanted.page !== undefined);
  return thumbnail && !steps.some(({ op }) => op === "clip");
}

/** The same as a JPEG, on an endpoint that does not negotiate and if the URL names no format. */
function withJpeg(transformation: Transformation, { autoFormat, allowedFormats }: Endpoint): Transformation {
  const { steps, output } = transformation;
  const allowed = allowedFormats.length === 0 || allowedFormats.includes("jpeg");
  if (autoFormat || !allowed || output.format !== undefined) return transformation;
  return { steps, output: { ...output, format: "jpeg" } };
}

function withQuery(address: string, free: readonly Pair[]): string {
  const url = new URL(address);
  url.search = free.map(({ raw }) => raw).join("&");
  return url.href;
}

/** The asset of `di`: the language looks for it in the default endpoint. */
function standIn(text: string, { tenant }: Endpoint): Asset {
  const path = pathOf(text, "di");
  return { tenant, endpoint: "default", kind: /^https?:\/\//.test(path) ? "url" : "path", path };
}

/** A video without parameters is what it is, unless the endpoint makes the best of each, or it is to become one first. */
function isUntouched(chain: Chain, wanted: Wanted, { suffixes }: Address, { autoVideo }: Endpoint): boolean {
  const plain = chain.length === 0 && wanted.kind === "video";
  return plain && !autoVideo && !suffixes.includes("ik-gif-video.mp4");
}

/**
 * What negotiation may choose. `jpeg`: a client that accepts no better gets the JPEG that the URL's ending promises. The
 * language keeps AVIF from pictures that keep their colour profile (`cp-true`) or are sharpened by `e-usm`.
 */
function acceptFor(
  { steps }: Transformation,
  { keepsProfile }: ParsedChain,
  accept: AcceptClass,
  jpeg: boolean,
): Job["accept"] {
  if (jpeg && accept === "basic") return "jpeg";
  const excluded = keepsProfile || steps.some((step) => step.op === "unsharp");
  return accept === "avif" && excluded ? "webp" : accept;
}
