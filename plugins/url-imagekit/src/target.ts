import { type Endpoint, invalid, type Target } from "@mediatap/core";
import { decodeText, type Pair, readQuery } from "@mediatap/core/language";
import { type Address, readAddress } from "./path.ts";
import { rewritten } from "./rewriter.ts";
import { type Chain, type ChainLimits, tokenize } from "./tokenize.ts";

/** A request's URL, taken apart but not yet understood. */
export interface Located {
  readonly address: Address;
  readonly pairs: readonly Pair[];
  /** Once it has been read. */
  chain?: Chain;
}

/** The hooks of a request ask for the same, most often one right after the other. */
let last: { readonly target: Target; readonly located: Located } | undefined;

/** `undefined`: the URL names no asset. */
export function locate(target: Target, endpoint: Endpoint): Located | undefined {
  if (last?.target === target) return last.located;
  const { path, query } = rewritten(target, endpoint);
  const address = readAddress(path);
  if (!address) return undefined;
  const located = { address, pairs: readQuery(query) };
  last = { target, located };
  return located;
}

/** The steps of a URL: those in the path first, then those in the query. Throws `EINVAL` where they are malformed. */
export function writtenChain(located: Located, limits: ChainLimits): Chain {
  located.chain ??= read(located, limits);
  return located.chain;
}

/** Whether a parameter of the query holds steps. */
export const isTransformation = ({ name, rawValue }: Pair) => name === "tr" && rawValue !== "";

function read({ address, pairs }: Located, limits: ChainLimits): Chain {
  const [inQuery, second] = pairs.filter(isTransformation);
  if (second) throw invalid("tr", "one transformation in the query", second.rawValue);
  // In the path, values may hold encoded separators; in the query, clients encode the separators themselves, and some
  // write a space as `+`, as forms do.
  const chain = address.chains.flatMap((text) => tokenize(text, { encoded: true, limits }));
  if (!inQuery) return chain;
  const text = decodeText(inQuery.rawValue.replaceAll("+", "%20"), "tr");
  return [...chain, ...tokenize(text, { limits })];
}
