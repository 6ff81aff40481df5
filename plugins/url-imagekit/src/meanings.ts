import type { Endpoint, Job, LimitsOf } from "@mediatap/core";
import { deepFreeze } from "@mediatap/core/language";
import { LRUCache } from "lru-cache";
import { ORIGINAL, type ParsedChain, readChain } from "./chain.ts";
import type { CustomParameters } from "./custom.ts";
import { wantedOf } from "./endings.ts";
import type { RequestHints } from "./hints.ts";
import type { Address } from "./path.ts";
import { isTransformation, type Located, writtenChain } from "./target.ts";
import type { Chain } from "./tokenize.ts";
import type { Wanted } from "./wanted.ts";

/** Characters of the cached transformations, about 2,500 of them: sites use a few hundred for all of their pictures. */
const MAX_CHARACTERS = 400_000;

/** Size of the objects of a short one, in characters. */
const OVERHEAD_CHARACTERS = 100;

/** What the transformation of a URL means. */
interface Meaning {
  readonly chain: Chain;
  /** As the URL writes it; `""`: it has none. */
  readonly written: string;
  readonly parsed: ParsedChain;
  /** Whose rules it was read by. */
  readonly endpoint: Endpoint;
}

export interface MeaningOptions {
  readonly limitsOf: LimitsOf;
  readonly parameters: CustomParameters;
}

/** What a URL is about, and who asks. */
export interface MeaningContext {
  readonly media: Job["media"];
  readonly hints: RequestHints;
  readonly endpoint: Endpoint;
}

/**
 * Reads the transformations of URLs. One that was read before, for the same kind of asset on the same endpoint, is the same frozen
 * object again, unless it depends on the client's hints: so the core memoizes what depends only on it.
 */
export function createMeanings({ limitsOf, parameters }: MeaningOptions) {
  const meanings = new LRUCache<string, Meaning>({
    maxSize: MAX_CHARACTERS,
    sizeCalculation: (_, name) => OVERHEAD_CHARACTERS + name.length,
  });

  return (
    located: Located,
    context: MeaningContext,
  ): Pick<Meaning, "parsed" | "written"> & { readonly wanted: Wanted } => {
    const { media, endpoint, hints } = context;
    const { address } = located;
    const { namedTransformations: named } = endpoint;
    const limits = limitsOf(endpoint.tenant);
    const name = nameOf(located, context);
    const known = meanings.get(name);
    const isKnown = known?.endpoint === endpoint;
    if (isKnown) located.chain ??= known.chain;
    const chain = writtenChain(located, limits);
    // Its checks are of the path, too, which is no part of a meaning.
    const wanted = wantedOf(address, media);
    if (isKnown) return { wanted, parsed: known.parsed, written: known.written };
    const parsed = isUntouched(chain, wanted, address, endpoint)
      ? ORIGINAL
      : readChain(chain, { named, hints, limits, wanted, parameters });
    const written = textOf(located);
    if (hints.vary.length === 0) meanings.set(name, { chain, written, parsed: deepFreeze(parsed), endpoint });
    return { wanted, parsed, written };
  };
}

/** All that a meaning depends on; no two different ones share a name. */
function nameOf({ address, pairs }: Located, { media, endpoint }: MeaningContext): string {
  const { chains, suffixes } = address;
  const inQuery = pairs.filter(isTransformation);
  const isPlain = chains.length === 1 && suffixes.length === 0 && inQuery.length === 0;
  const text = isPlain
    ? `:${chains[0]}`
    : JSON.stringify([chains, suffixes, inQuery.map(({ rawValue }) => rawValue)]);
  return `${endpoint.tenant}/${endpoint.name} ${media} ${text}`;
}

/** Transformations of the path and of the query, as the URL writes them. One text for all URLs that share it. */
function textOf({ address, pairs }: Located): string {
  const inQuery = pairs.filter(isTransformation).map(({ rawValue }) => rawValue);
  return [...address.chains, ...inQuery].filter((text) => text !== "").join(":");
}

/** A video without parameters is what it is, unless the endpoint makes the best of each, or it is to become one first. */
function isUntouched(chain: Chain, wanted: Wanted, { suffixes }: Address, { autoVideo }: Endpoint): boolean {
  const plain = chain.length === 0 && wanted.kind === "video";
  return plain && !autoVideo && !suffixes.includes("ik-gif-video.mp4");
}
