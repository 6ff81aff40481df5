import {
  type Asset,
  type Endpoint,
  type Exchange,
  HEADER_FIELDS,
  type Job,
  type LimitsOf,
} from "@mediatap/core";
import { withoutRounding } from "@mediatap/core/language";
import type { CustomParameters } from "./custom.ts";
import { endingsOf } from "./endings.ts";
import { wordingOf } from "./named.ts";
import { printChain } from "./print.ts";
import { readSignature, sign } from "./signature.ts";
import { locate, writtenChain } from "./target.ts";
import type { ChainLimits } from "./tokenize.ts";

interface LinkOptions {
  readonly limits: ChainLimits;
  readonly parameters: CustomParameters;
}

/** The tap of `link`. */
export function createLink(limitsOf: LimitsOf, parameters: CustomParameters = {}) {
  return (job: Job, exchange: Exchange) =>
    linkTo(job, exchange, { limits: limitsOf(exchange.endpoint.tenant), parameters });
}

/**
 * Path and query of a job, from the root of the asking request's host. Signed with the same expiry if that request
 * was signed. For any part of a stream it holds one `*`, where the part's name goes; its signature is good for all of
 * them.
 */
function linkTo(job: Job, exchange: Exchange, { limits, parameters }: LinkOptions): string {
  const { endpoint, target, claims } = exchange;
  const path = printPath(job);
  const names = isAnyPart(job) ? namesAsked(job, exchange, limits) : undefined;
  const query = printQuery(
    job,
    endpoint,
    names ?? printChain(withoutRounding(job.transformation), parameters),
  );
  const url = query === "" ? path : `${path}?${query}`;
  const [key] = endpoint.privateKeys;
  const signed = claims.signature === "valid" && key !== undefined ? signature(url, key, target.query) : [];
  const fullQuery = [query, ...signed].filter(Boolean).join("&");
  return `/${target.mount}${path}${fullQuery === "" ? "" : `?${fullQuery}`}`;
}

function signature(url: string, key: string, asking: string): string[] {
  const time = readSignature(asking);
  const expires = /(?:^|&)ik-t=/.test(asking) ? time?.expiry : undefined;
  const name = `ik-s=${sign(url, key, expires)}`;
  return expires === undefined ? [name] : [`ik-t=${expires}`, name];
}

function isAnyPart({ transformation }: Job): boolean {
  return transformation.output.video?.part?.kind === "any";
}

/**
 * The names of transformations by which the stream was asked for: where only names are allowed, or open a private file, the parts
 * need them too. `undefined`: it was asked for in other words.
 */
function namesAsked({ asset }: Job, { target, endpoint }: Exchange, limits: ChainLimits): string | undefined {
  const located = locate(target, endpoint);
  if (!located || located.address.kind !== asset.kind || !asset.path.startsWith(located.address.path)) {
    return undefined;
  }
  const chain = writtenChain(located, limits);
  if (wordingOf(chain) !== "named") return undefined;
  const words = (step: (typeof chain)[number]) =>
    step.map((item) => (item.kind === "parameter" ? `n-${item.value}` : ""));
  return chain.map((step) => words(step).join(",")).join(":");
}

function printPath(job: Job): string {
  return [printAsset(job.asset), ...endingsOf(job)].join("/");
}

function printAsset({ kind, path }: Asset): string {
  if (kind === "url") return encoded(path);
  // An encoded hyphen keeps a name that begins like a reserved part from being one.
  return path
    .split("/")
    .map((name) => encoded(name).replace(/^ik-/, "ik%2D"))
    .join("/");
}

/** A star stands for the name of a part, so all others are encoded. */
const encoded = (text: string) => encodeURIComponent(text).replaceAll("*", "%2A");

function printQuery(job: Job, endpoint: Endpoint, words: string): string {
  const { query, transformation, delivery } = job;
  const chain = words || (needsChain(job, endpoint) ? NOTHING : "");
  const fallback = delivery.fallback && `di-${delivery.fallback.path.replaceAll("/", "@@")}`;
  const tr = [chain, fallback].filter(Boolean).join(",");
  const { fields = HEADER_FIELDS } = transformation.output.info ?? {};
  // What leads to a playlist is what may be a download.
  const attachment = isAnyPart(job) ? undefined : delivery.attachment;
  return [
    ...query.map(([name, value]) => `${encoded(name)}=${encoded(value)}`),
    // Commas and colons stand in a query as they are.
    tr && `tr=${encoded(tr).replace(/%2C/g, ",").replace(/%3A/g, ":")}`,
    transformation.output.sanitizeSvg && !endpoint.sanitizeSvg && "ik-sanitizeSvg=true",
    String(fields) !== String(HEADER_FIELDS) && `fields=${fields}`,
    attachment && "ik-attachment=true",
    typeof attachment === "string" && `ik-attachment-filename=${encoded(attachment)}`,
  ]
    .filter(Boolean)
    .join("&");
}

/** A parameter that stands for no step. */
const NOTHING = "rt-0";

/** Whether a video that is written again would without parameters be taken for the untouched one. */
function needsChain(job: Job, { autoVideo }: Endpoint): boolean {
  const { video } = job.transformation.output;
  return video !== undefined && !video.part && !autoVideo && !endingsOf(job).includes("ik-gif-video.mp4");
}
