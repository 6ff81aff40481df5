import { invalid, type Target } from "@mediatap/core";
import { type Address, readAddress } from "./path.ts";
import { decodeText } from "./percent.ts";
import { type Pair, readQuery } from "./query.ts";
import { type Chain, type ChainLimits, tokenize } from "./tokenize.ts";

/** A request's URL, taken apart but not yet understood. */
export interface Located {
  readonly address: Address;
  readonly pairs: readonly Pair[];
}

/** `undefined`: the URL names no asset. */
export function locate(target: Target): Located | undefined {
  const address = readAddress(target.path);
  return address && { address, pairs: readQuery(target.query) };
}

/** The steps of a URL: those in the path first, then those in the query. Throws `EINVAL` where they are malformed. */
export function writtenChain({ address, pairs }: Located, limits: ChainLimits): Chain {
  const asked = pairs.filter(({ name, rawValue }) => name === "tr" && rawValue !== "");
  if (asked.length > 1) throw invalid("tr", "one transformation in the query", asked[1]?.rawValue);
  return [
    // In the path, values may hold encoded separators; in the query, clients encode the separators themselves, and some
    // write a space as `+`, as forms do.
    ...address.chains.flatMap((text) => tokenize(text, { encoded: true, limits })),
    ...asked.flatMap(({ rawValue }) =>
      tokenize(decodeText(rawValue.replaceAll("+", "%20"), "tr"), { limits }),
    ),
  ];
}
