import { codeOf, type Endpoint, type LimitsOf, MediaError } from "@mediatap/core";
import { type ChainOptions, parseChain } from "./chain.ts";
import type { CustomParameters } from "./custom.ts";
import { NAME } from "./resolve.ts";
import { PICTURE, VIDEO, type Wanted } from "./wanted.ts";

/** What a stored chain may be for. */
const KINDS: readonly Wanted[] = [PICTURE, VIDEO, { kind: "still" }, { kind: "master", protocol: "hls" }];

/** Reads every stored chain once, at the start. Throws `ECONFIG` naming the one that is wrong. */
export function checkNamed(
  endpoints: readonly Endpoint[],
  limitsOf: LimitsOf,
  parameters: CustomParameters = {},
): void {
  for (const { tenant, namedTransformations: named, languages } of endpoints) {
    if (languages.length > 0 && !languages.includes(NAME)) continue;
    const limits = limitsOf(tenant);
    for (const [name, { enabled }] of Object.entries(named)) {
      if (!enabled) continue;
      const problems = KINDS.map((wanted) => problemOf(`n-${name}`, { named, limits, wanted, parameters }));
      const [cause] = problems;
      if (!problems.every((problem) => problem)) continue;
      throw new MediaError("ECONFIG", `namedTransformations.${name}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** What is wrong with a chain. What no plugin can do yet is answered when it is asked for. */
function problemOf(text: string, options: ChainOptions): unknown {
  try {
    parseChain(text, options);
    return undefined;
  } catch (error) {
    return codeOf(error) === "EUNSUPPORTED" ? undefined : error;
  }
}
