import { DEFAULT_LIMITS, type Endpoint, invalid, MediaError } from "@mediatap/core";
import { suggesting } from "./errors.ts";
import { type Chain, type ChainLimits, type Item, tokenize } from "./tokenize.ts";

export type NamedTransformations = Endpoint["namedTransformations"];

/** Items that stored chains may add to one step: names that repeat names would grow without bound. */
const MAX_ITEMS = 500;

/**
 * Replaces every `n-<name>` by its stored chain, as if that had been written in its place: `n-thumb,rt-90` with
 * `thumb` = `w-150:bl-2` is `w-150:bl-2,rt-90`. Throws `EINVAL` for a name that is unknown, disabled or names itself.
 */
export function expand(
  chain: Chain,
  named: NamedTransformations,
  limits: ChainLimits = DEFAULT_LIMITS,
  within: readonly string[] = [],
): Chain {
  if (!chain.some((step) => step.some((item) => isName(item) || item.kind === "if"))) return chain;
  const steps: Item[][] = [];
  const finish = (step: Item[]) => {
    // A chain that is written out has been checked for this; one that names have made has not.
    if (step.length > 1 && step.some((item) => item.kind === "if")) {
      throw new MediaError("EINVAL", "Expected if- alone in its step, also where a name stands for it");
    }
    steps.push(step);
  };
  for (const step of chain) {
    let current: Item[] = [];
    for (const item of step) {
      if (item.kind === "if") {
        const [yes, no] = [item.yes, item.no].map((branch) => expand(branch, named, limits, within));
        current.push({ ...item, yes: yes ?? [], no: no ?? [] });
        continue;
      }
      if (!isName(item)) {
        current.push(item);
        continue;
      }
      const [first = [], ...rest] = stored(item.value, named, limits, within);
      current.push(...first);
      for (const next of rest) {
        finish(current);
        current = [...next];
      }
      if (steps.length > limits.steps || current.length > MAX_ITEMS) {
        throw new MediaError("ELIMIT", "Expected named transformations that expand to fewer steps");
      }
    }
    finish(current);
  }
  return steps;
}

function stored(
  name: string,
  named: NamedTransformations,
  limits: ChainLimits,
  within: readonly string[],
): Chain {
  const entry = Object.hasOwn(named, name) ? named[name] : undefined;
  if (!entry?.enabled) {
    const names = Object.keys(named).filter((known) => named[known]?.enabled);
    throw suggesting(invalid("n", "name of a stored transformation", name), name, names);
  }
  if (within.includes(name)) throw invalid("n", "transformation that does not name itself", name);
  const text = entry.transformation.startsWith("tr:") ? entry.transformation.slice(3) : entry.transformation;
  return expand(tokenize(text, { limits }), named, limits, [...within, name]);
}

/** Where the parameters of a chain come from. `none`: there are none. */
export type Wording = "none" | "named" | "explicit";

/** Whether all of `chain`, as written in the URL, is names. */
export function wordingOf(chain: Chain): Wording {
  if (chain.length === 0) return "none";
  return chain.every((step) => step.every(isName)) ? "named" : "explicit";
}

function isName(item: Item): item is Extract<Item, { kind: "parameter" }> {
  return item.kind === "parameter" && item.key === "n";
}
