import {
  type AcceptClass,
  type Asset,
  type Endpoint,
  type Exchange,
  isMediaError,
  type Job,
  MediaError,
  type Transformation,
} from "@mediatap/core";
import { type ParsedChain, readChain } from "./chain.ts";
import { type RequestHints, requestHints } from "./hints.ts";
import { mediaOf } from "./media.ts";
import { type Address, parameterPath, type Suffix } from "./path.ts";
import { attachmentOf, freePairs, lenient, type Pair } from "./query.ts";
import { locate, writtenChain } from "./target.ts";
import type { ChainLimits } from "./tokenize.ts";

/** Name of the plugin and of the language. */
export const NAME = "url-imagekit";

/** Endings that ask for something no step and no output stands for. */
const WITHOUT: Readonly<Partial<Record<Suffix, string>>> = {
  "ik-gif-video.mp4": "video from animations",
  "ik-master.m3u8": "adaptive streaming",
  "ik-master.mpd": "adaptive streaming",
  "ik-seek-thumbnail-track.vtt": "seek previews",
  "ik-genchapter.vtt": "generated chapters",
  "ik-gensubtitle.vtt": "generated subtitles",
  "ik-gensubtitle.transcript": "generated transcripts",
};

export interface ResolveOptions {
  readonly limits: ChainLimits;
  /** Quality for clients that ask for less data. Left out: they are not told apart. */
  readonly saveDataQuality?: number | undefined;
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
  { limits, saveDataQuality }: ResolveOptions,
): Job | undefined {
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
    const parsed = readChain(writtenChain(located, limits), {
      named: endpoint.namedTransformations,
      hints,
      limits,
    });
    const asked = withSuffixes(parsed.transformation, address);
    const transformation = lighter(asked, job.media, saveDataQuality, hints);
    const fallback = parsed.fallback === undefined ? undefined : standIn(parsed.fallback, endpoint);
    return {
      ...job,
      transformation,
      accept: acceptFor(transformation, parsed, exchange.accept),
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

function withQuery(address: string, free: readonly Pair[]): string {
  const url = new URL(address);
  url.search = free.map(({ raw }) => raw).join("&");
  return url.href;
}

/** The asset of `di`: the language looks for it in the default endpoint. */
function standIn(path: string, { tenant }: Endpoint): Asset {
  return { tenant, endpoint: "default", kind: "path", path: parameterPath(path) };
}

/** What the endings of the path add to the transformation. */
function withSuffixes(transformation: Transformation, address: Address): Transformation {
  const { suffixes, path } = address;
  if (path.startsWith("ik-genimg-prompt-")) {
    throw new MediaError("EUNSUPPORTED", "Not supported here: generated images (ik-genimg-prompt)");
  }
  for (const suffix of suffixes) {
    const capability = WITHOUT[suffix];
    if (capability) throw new MediaError("EUNSUPPORTED", `Not supported here: ${capability} (${suffix})`);
  }
  if (!suffixes.includes("ik-thumbnail.jpg")) return transformation;
  if (mediaOf(address) === "video") {
    throw new MediaError("EUNSUPPORTED", "Not supported here: stills of videos (ik-thumbnail.jpg)");
  }
  const { steps, output } = transformation;
  const chosen = output.format === "original" || steps[0]?.op === "frame";
  return chosen ? transformation : { steps: [{ op: "frame", page: 1 }, ...steps], output };
}

/** The language keeps AVIF from pictures that keep their colour profile (`cp-true`) or are sharpened by `e-usm`. */
function acceptFor(
  { steps }: Transformation,
  { keepsProfile }: ParsedChain,
  accept: AcceptClass,
): AcceptClass {
  const excluded = keepsProfile || steps.some((step) => step.op === "unsharp");
  return accept === "avif" && excluded ? "webp" : accept;
}
