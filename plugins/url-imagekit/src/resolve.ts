import {
  type AcceptClass,
  type Asset,
  type Endpoint,
  type Exchange,
  isMediaError,
  type Job,
  type LimitsOf,
  type Output,
  type Step,
} from "@mediatap/core";
import { lenient, type Pair } from "@mediatap/core/language";
import type { ParsedChain } from "./chain.ts";
import type { CustomParameters } from "./custom.ts";
import { isInfo } from "./endings.ts";
import { requestHints } from "./hints.ts";
import { pathOf } from "./layer-parts.ts";
import { createMeanings } from "./meanings.ts";
import { mediaOf } from "./media.ts";
import { notesOf } from "./notes.ts";
import { pollingOf } from "./polling.ts";
import { attachmentOf, fieldsOf, freePairs, sanitizesSvg } from "./query.ts";
import { locate } from "./target.ts";
import type { Wanted } from "./wanted.ts";

/** Name of the plugin and of the language. */
export const NAME = "url-imagekit";

/** The core keeps the jobs of many URLs, and most have nothing of these. */
const NO_QUERY: Job["query"] = Object.freeze([]);
const NO_DELIVERY: Job["delivery"] = Object.freeze({});

export interface ResolveOptions {
  readonly limitsOf: LimitsOf;
  /** Quality for clients that ask for less data. Left out: they are not told apart. */
  readonly saveDataQuality?: number | undefined;
  /** Parameters beside those of the language. @default {} */
  readonly parameters?: CustomParameters;
}

/**
 * The tap of `resolve`: URL → job. A transformation that is wrong becomes the job's `problem`; a path that is wrong is thrown.
 * `undefined`: the URL names no asset.
 */
export function createResolve({ limitsOf, saveDataQuality, parameters = {} }: ResolveOptions) {
  const read = createMeanings({ limitsOf, parameters });
  return (exchange: Exchange, endpoint: Endpoint): Job | undefined => {
    const { tenant } = endpoint;
    const located = locate(exchange.target, endpoint);
    if (!located) return undefined;
    const { address, pairs } = located;
    const { kind, path, sharesQuery } = address;
    const free = freePairs(pairs, endpoint.ignoreQuery, isInfo(address));
    const attachment = attachmentOf(pairs);
    const media = mediaOf(address);
    const job = {
      asset: { tenant, endpoint: endpoint.name, kind, path: sharesQuery ? withQuery(path, free) : path },
      query:
        sharesQuery || free.length === 0
          ? NO_QUERY
          : free.map(({ name, rawValue }) => [name, lenient(rawValue)] as const),
      language: NAME,
      media,
    };
    try {
      const hints = requestHints((name) => exchange.request.header(name));
      const { wanted, parsed, written } = read(located, { media, hints, endpoint });
      const { transformation } = parsed;
      const { steps, output } = transformation;
      const jpeg = isThumbnail(wanted) && !steps.some(({ op }) => op === "clip");
      const isUsual = saveDataQuality !== undefined && media === "image" && output.quality === undefined;
      const isLighter = isUsual && output.format !== "original" && !output.info && hints.saveData();
      const fields = output.info && fieldsOf(pairs);
      const further: Partial<Output> = {
        ...(jpeg && output.format === undefined && isFixedAsJpeg(endpoint) && { format: "jpeg" }),
        ...(isLighter && { quality: saveDataQuality }),
        ...(sanitizesSvg(pairs) && { sanitizeSvg: true }),
        ...(fields && { info: { fields } }),
      };
      const notes = notesOf(address, free, located.chain ?? []);
      const { vary, headers } = hints;
      const delivery = {
        ...(attachment !== undefined && { attachment }),
        ...(parsed.fallback !== undefined && { fallback: standIn(parsed.fallback, endpoint) }),
        ...pollingOf(output, endpoint),
        ...(vary.length > 0 && { vary }),
        ...(Object.keys(headers).length > 0 && { headers }),
      };
      return {
        ...job,
        // The same object for all URLs of it: its canonical form is worked out once.
        transformation:
          Object.keys(further).length > 0 ? { steps, output: { ...output, ...further } } : transformation,
        ...(written !== "" && { written }),
        ...(notes.length > 0 && { notes }),
        accept: acceptFor(steps, parsed, exchange.accept, jpeg),
        delivery: Object.keys(delivery).length > 0 ? delivery : NO_DELIVERY,
      };
    } catch (error) {
      if (!isMediaError(error)) throw error;
      const { code, message } = error;
      const transformation = { steps: [], output: {} };
      return { ...job, transformation, accept: exchange.accept, delivery: {}, problem: { code, message } };
    }
  };
}

/** Whether the URL ends in `ik-thumbnail.jpg`. */
const isThumbnail = (wanted: Wanted) =>
  wanted.kind === "still" || (wanted.kind === "picture" && wanted.page !== undefined);

/** Whether such a URL is a JPEG's if it names no format: the endpoint does not negotiate. */
const isFixedAsJpeg = ({ autoFormat, allowedFormats }: Endpoint) =>
  !autoFormat && (allowedFormats.length === 0 || allowedFormats.includes("jpeg"));

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

/**
 * What negotiation may choose. `jpeg`: a client that accepts no better gets the JPEG that the URL's ending promises. The
 * language keeps AVIF from pictures that keep their colour profile (`cp-true`) or are sharpened by `e-usm`.
 */
function acceptFor(
  steps: readonly Step[],
  { keepsProfile }: ParsedChain,
  accept: AcceptClass,
  jpeg: boolean,
): Job["accept"] {
  if (jpeg && accept === "basic") return "jpeg";
  const excluded = keepsProfile || steps.some((step) => step.op === "unsharp");
  return accept === "avif" && excluded ? "webp" : accept;
}
