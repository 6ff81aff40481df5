import { codeOf, type Endpoint, type Limits, MediaError } from "@mediatap/core";
import { parseChain } from "./chain.ts";
import { NAME } from "./resolve.ts";

/** Reads every stored chain once, at the start. Throws `ECONFIG` naming the one that is wrong. */
export function checkNamed(endpoints: readonly Endpoint[], limits: Limits): void {
  for (const { namedTransformations: named, languages } of endpoints) {
    if (languages.length > 0 && !languages.includes(NAME)) continue;
    for (const [name, { enabled }] of Object.entries(named)) {
      if (!enabled) continue;
      try {
        parseChain(`n-${name}`, { named, limits });
      } catch (cause) {
        // What no plugin can do yet is answered when it is asked for.
        if (codeOf(cause) === "EUNSUPPORTED") continue;
        throw new MediaError("ECONFIG", `namedTransformations.${name}: ${(cause as Error).message}`, {
          cause,
        });
      }
    }
  }
}
