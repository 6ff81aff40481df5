import { LRUCache } from "lru-cache";
import type { Signed } from "../hooks.ts";
import type { Endpoint } from "../model/endpoint.ts";
import { isMediaError } from "../model/errors.ts";
import type { Exchange } from "../model/exchange.ts";
import type { Job } from "../model/job.ts";
import type { LimitsOf } from "../model/limits.ts";
import type { Output } from "../model/transformation.ts";
import type { Plugin } from "../plugin/plugin.ts";
import { mediaOf } from "./address.ts";
import { builderOf } from "./builder.ts";
import { createPrinter, type Printed } from "./print.ts";
import {
  assertVocabulary,
  createGroupReader,
  type GroupReader,
  type Meaning,
  readGroups,
  type Vocabulary,
} from "./read.ts";
import { claimOf, isGenuine, type SignatureScheme, type SignedUrl, signed } from "./signature.ts";
import {
  type Grammar,
  type Group,
  type Located,
  type ReadContext,
  type UnsignedUrl,
  unprintable,
} from "./table.ts";

/** A URL language: how it writes URLs, what its parameters mean, and how its URLs are signed. */
export interface Language<T> extends Vocabulary<T> {
  /** Of the plugin and of the language: `url-…`. */
  readonly name: string;
  readonly version: string;
  readonly grammar: Grammar;
  /** Left out: the language has no signatures. */
  readonly signature?: SignatureScheme;
  /**
   * Reads the groups of a URL in another way than one after the other: conditions, layers, named transformations. `read` reads one
   * group by the table.
   */
  readonly read?: (groups: readonly Group[], context: ReadContext, read: GroupReader<T>) => Meaning;
  /** Prints what `read` reads in another way; `print` prints by the table. */
  readonly print?: (
    job: Job,
    context: ReadContext,
    print: (job: Job, context: ReadContext) => Printed,
  ) => Printed;
  /** Whether all that the groups ask for comes from named transformations. Left out: never. */
  readonly isNamed?: (groups: readonly Group[], endpoint: Endpoint) => boolean;
  /** What a URL gets that does not ask for something else. Left out: the endpoint's rules decide. */
  readonly defaults?: Output;
  /** As in `Plugin`. */
  readonly parameterNames?: Readonly<Record<string, string>>;
  /** As in `Plugin`. */
  readonly endpointFields?: Plugin["endpointFields"];
}

/** A language whose table is complete: no parameter is dropped. Throws `TypeError` for one that is not. */
export function defineLanguage<T>(language: Language<T>): Language<T> {
  assertVocabulary(language);
  return language;
}

/** Characters of the memoized transformations, about 2,500 of them: sites use some hundred for all of their pictures. */
const MAX_MEMO_CHARACTERS = 400_000;

/** Characters that the objects of a transformation count for. */
const ENTRY_OVERHEAD_CHARACTERS = 100;

/** Shared objects: the core memoizes the jobs of many URLs, and most have none of these. */
const NO_QUERY: Job["query"] = Object.freeze([]);
const NO_DELIVERY: Job["delivery"] = Object.freeze({});

/** Stem of the name of a file whose path the URL hides. */
const NEUTRAL_NAME = "file";

/** The plugin of a language: it taps `resolve`, `admit`, `link` and, if the language has signatures, `sign`. */
export function languagePlugin<T>(language: Language<T>): Plugin {
  const { name, version, grammar, signature: scheme, parameterNames, endpointFields } = language;
  return {
    name,
    version,
    apiVersion: 1,
    urlBuilder: builderOf(language),
    ...(parameterNames && { parameterNames }),
    ...(endpointFields && { endpointFields }),
    apply({ hooks, limitsOf, steps }) {
      const read = createGroupReader(language);
      const readAll = (groups: readonly Group[], context: ReadContext): Meaning => {
        const { transformation, delivery } = (language.read ?? readGroups)(groups, context, read);
        const { steps, output } = transformation;
        return { transformation: { steps, output: { ...language.defaults, ...output } }, delivery };
      };
      const print = createPrinter({
        vocabulary: language,
        read,
        readAll,
        chains: grammar.chains ?? false,
        registry: steps,
      });
      const printAll = (job: Job, context: ReadContext) =>
        language.print?.(job, context, print) ?? print(job, context);
      hooks.resolve.tap(name, createResolve(language, limitsOf, readAll));
      hooks.admit.tap(name, createAdmit(language));
      hooks.link.for(name).tap(name, (job, exchange) => {
        const context = contextOf(exchange, exchange.endpoint, limitsOf, job.media);
        const { groups, missing } = printAll(job, context);
        if (missing.length > 0) throw unprintable(missing.join(", "));
        const { asset, query } = job;
        const located = { asset, query, text: grammar.print(groups) };
        const url = grammar.compose(located, signsLinks(exchange, scheme));
        return mounted(likeSent(url, exchange, scheme), exchange);
      });
      if (scheme) {
        hooks.sign.for(name).tap(name, (_, exchange, expires) => signAgain(scheme, exchange, expires));
      }
    },
  };
}

const unsigned = (url: UnsignedUrl, scheme: SignatureScheme | undefined): UnsignedUrl =>
  scheme?.find(url)?.url ?? url;

function contextOf(exchange: Exchange, endpoint: Endpoint, limitsOf: LimitsOf, media: Job["media"]) {
  /** Headers that took part. */
  const vary: string[] = [];
  let isNegotiated = false;
  return {
    endpoint,
    media,
    limits: limitsOf(endpoint.tenant),
    header: (name: string) => {
      if (!vary.includes(name)) vary.push(name);
      return exchange.request.header(name);
    },
    accept: () => {
      isNegotiated = true;
      return exchange.accept;
    },
    vary,
    isNegotiated: () => isNegotiated,
  };
}

/** The tap of `resolve`. Equal transformations are read once, and are the same frozen object for all URLs that share them. */
function createResolve<T>(
  { name, grammar, signature }: Language<T>,
  limitsOf: LimitsOf,
  read: (groups: readonly Group[], context: ReadContext) => Meaning,
) {
  const meanings = new LRUCache<string, { readonly meaning: Meaning; readonly endpoint: Endpoint }>({
    maxSize: MAX_MEMO_CHARACTERS,
    sizeCalculation: (_, text) => ENTRY_OVERHEAD_CHARACTERS + text.length,
  });

  function meaningOf({ text }: Located, exchange: Exchange, endpoint: Endpoint, media: Job["media"]) {
    const key = `${endpoint.tenant}/${endpoint.name} ${media} ${text}`;
    const keyOfClass = `${exchange.accept} ${key}`;
    const known = meanings.get(key) ?? meanings.get(keyOfClass);
    if (known?.endpoint === endpoint) return known.meaning;
    const context = contextOf(exchange, endpoint, limitsOf, media);
    const { transformation, delivery } = read(grammar.tokenize(text), context);
    const isNegotiated = context.isNegotiated();
    // The core names Accept for a format that it negotiates itself.
    const isNamed = isNegotiated && transformation.output.format !== "auto";
    const vary = [...(isNamed ? ["Accept"] : []), ...context.vary];
    const meaning = deepFreeze({
      transformation,
      delivery: vary.length > 0 ? { ...delivery, vary } : delivery,
    });
    if (context.vary.length === 0) meanings.set(isNegotiated ? keyOfClass : key, { meaning, endpoint });
    return meaning;
  }

  return (exchange: Exchange, endpoint: Endpoint): Job | undefined => {
    const { tenant } = endpoint;
    const found = signature?.find(exchange.target);
    const located = grammar.locate(
      found?.url ?? exchange.target,
      endpoint,
      () =>
        found !== undefined && signature !== undefined && isGenuine(found, signature, endpoint.privateKeys),
    );
    if (!located) return undefined;
    const { asset, text, query, isHidden } = located;
    const media = mediaOf(asset);
    const job = {
      asset: { tenant, endpoint: endpoint.name, ...asset },
      accept: exchange.accept,
      query: query.length === 0 ? NO_QUERY : query,
      language: name,
      media,
      ...(text !== "" && { written: text }),
    };
    try {
      const { transformation, delivery: meant } = meaningOf(located, exchange, endpoint, media);
      const delivery = isHidden && meant.attachment === true ? { ...meant, attachment: NEUTRAL_NAME } : meant;
      return {
        ...job,
        transformation,
        delivery: Object.keys(delivery).length > 0 ? delivery : NO_DELIVERY,
      };
    } catch (error) {
      if (!isMediaError(error)) throw error;
      const { code, message } = error;
      return {
        ...job,
        transformation: { steps: [], output: {} },
        delivery: NO_DELIVERY,
        problem: { code, message },
      };
    }
  };
}

/** What a URL can claim, the same for every request of it. */
interface Verdict {
  /** URL as received, and the endpoint's mount: a verdict holds for no other. */
  readonly url: string;
  readonly mount: string;
  readonly found: SignedUrl | undefined;
  readonly genuine: boolean;
  readonly transformation: "none" | "named" | undefined;
}

/** The tap of `admit`: reports signature and named transformations. The core enforces the endpoint's rules. */
function createAdmit<T>({ grammar, signature: scheme, isNamed }: Language<T>) {
  // Keyed by job because the core keeps the job of a URL; expiry is judged for each request.
  const verdicts = new WeakMap<Job, Verdict>();

  function judge({ endpoint, target, request }: Exchange, job: Job): Verdict {
    const found = scheme?.find(target);
    return {
      url: request.url,
      mount: target.mount,
      found,
      genuine: found !== undefined && scheme !== undefined && isGenuine(found, scheme, endpoint.privateKeys),
      transformation: wording(job, endpoint),
    };
  }

  function wording({ written, problem }: Job, endpoint: Endpoint): Verdict["transformation"] {
    if (written === undefined) return "none";
    if (problem || !isNamed) return undefined;
    return isNamed(grammar.tokenize(written), endpoint) ? "named" : undefined;
  }

  return (exchange: Exchange, job: Job): void => {
    const { claims, endpoint, request, target } = exchange;
    let verdict = verdicts.get(job);
    if (verdict?.url !== request.url || verdict.mount !== target.mount) {
      verdict = judge(exchange, job);
      verdicts.set(job, verdict);
    }
    const { found, genuine, transformation } = verdict;
    if (scheme && found && endpoint.privateKeys.length > 0) {
      claims.signature = claimOf(genuine, found.url, scheme);
    }
    if (transformation) claims.transformation = transformation;
  };
}

const signsLinks = ({ claims, endpoint }: Exchange, scheme: SignatureScheme | undefined) =>
  scheme !== undefined && claims.signature === "valid" && endpoint.privateKeys.length > 0;

/** A URL, signed with the same expiry if the request was signed. */
function likeSent(url: UnsignedUrl, exchange: Exchange, scheme: SignatureScheme | undefined) {
  const { endpoint, target } = exchange;
  const [key] = endpoint.privateKeys;
  if (!scheme || key === undefined || !signsLinks(exchange, scheme)) return url;
  const expires = scheme.expiryOf?.(unsigned(target, scheme));
  return signed(scheme.withExpiry?.(url, expires) ?? url, scheme, key) ?? url;
}

/** The tap of `sign`: the URL as it was sent, with a valid signature in the place of the one that it has. */
function signAgain(scheme: SignatureScheme, exchange: Exchange, expires: number | undefined): Signed {
  const { endpoint, target } = exchange;
  const found = scheme.find(target);
  const fault = found && faultOf(found, scheme, endpoint);
  const plain = found?.url ?? { path: target.path, query: target.query };
  const [key] = endpoint.privateKeys;
  const url = key === undefined ? undefined : signed(lasting(plain, scheme, expires), scheme, key);
  return { ...(url && { url: mounted(url, exchange) }), ...(fault !== undefined && { fault }) };
}

/** The URL with the expiry asked for; an expiry of its own stays only if it is not over. */
function lasting(url: UnsignedUrl, { expiryOf, withExpiry }: SignatureScheme, expires: number | undefined) {
  const own = expiryOf?.(url);
  const lasting = expires ?? (own !== undefined && own > Date.now() / 1000 ? own : undefined);
  return lasting === own ? url : (withExpiry?.(url, lasting) ?? url);
}

function faultOf(found: SignedUrl, scheme: SignatureScheme, endpoint: Endpoint): string | undefined {
  const { privateKeys, name } = endpoint;
  if (privateKeys.length === 0) return `The endpoint ${name} has no private key, so no signature is checked.`;
  const claim = claimOf(isGenuine(found, scheme, privateKeys), found.url, scheme);
  if (claim === "valid") return undefined;
  return claim === "expired" ? "It has expired." : "It was made with another key, or for another URL.";
}

const mounted = ({ path, query }: UnsignedUrl, { target }: Exchange) =>
  `/${target.mount}${path}${query === "" ? "" : `?${query}`}`;

export function deepFreeze<V>(value: V): V {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const field of Object.values(value)) deepFreeze(field);
  return value;
}
