import { type Endpoint, invalid, MediaError } from "@mediatap/core";
import { type Group, type Item, unsupported } from "@mediatap/core/language";
import { expression } from "./expression.ts";
import { isExtension, tokenize } from "./grammar.ts";

/** Names of names. */
const MAX_DEPTH = 5;
const MAX_CHARACTERS = 4000;

/** Whether a component consists of names alone. */
const isName = (group: Group) => group.length > 0 && group.every(({ key }) => key === "t");

/** Whether all that a URL asks for comes from named transformations. */
export function isNamed(groups: readonly Group[]): boolean {
  const components = groups.filter((group) => !isExtension(group));
  return components.length > 0 && components.every(isName);
}

/** Puts stored transformations in the place of their names: `t_thumb`, and `t_a.b` for one after the other. */
export function withNames(
  groups: readonly Group[],
  endpoint: Endpoint,
  limit: number,
  depth = 0,
): readonly Group[] {
  const expanded = groups.flatMap((group) => {
    const names = group.filter(({ key }) => key === "t");
    if (names.length === 0) return [group];
    if (depth === MAX_DEPTH) throw invalid("t", "transformation that does not name itself", names[0]?.value);
    const rest = group.filter(({ key }) => key !== "t");
    const stored = names.flatMap(({ value }) =>
      value.split(".").flatMap((name) => tokenize(textOf(name, endpoint))),
    );
    return [...withNames(stored, endpoint, limit, depth + 1), ...(rest.length > 0 ? [rest] : [])];
  });
  if (expanded.length > limit) {
    throw new MediaError("ELIMIT", `Expected at most ${limit} components but received ${expanded.length}`);
  }
  return expanded;
}

function textOf(name: string, { namedTransformations }: Endpoint): string {
  const entry = Object.hasOwn(namedTransformations, name) ? namedTransformations[name] : undefined;
  if (!entry?.enabled) throw invalid("t", "name of a stored transformation", name);
  return entry.transformation;
}

/** Puts the values of variables (`$width_300`, `$name_!text!`) in the place of their names, from left to right. */
export function withVariables(groups: readonly Group[]): readonly Group[] {
  const known = new Map<string, string>();
  const valueFor = (written: string, name: string) => {
    const value = known.get(name);
    if (value === undefined) throw invalid("the URL", "variable that is set before", written);
    return value;
  };
  const filled = ({ key, value }: Item): Item => {
    if (!value.includes("$")) return { key, value };
    const name = key === "l" || key === "d" ? /\$\(([a-zA-Z]\w*)\)/g : /\$\(?([a-zA-Z][a-zA-Z0-9]*)\)?/g;
    const text = value.replace(name, valueFor);
    if (text.length > MAX_CHARACTERS)
      throw new MediaError("ELIMIT", "Expected variables with shorter values");
    return { key, value: text };
  };
  let isConditional = false;
  return groups.flatMap((group) => {
    const marker = group.find(({ key }) => key === "if")?.value;
    if (marker !== undefined) isConditional = marker !== "end";
    const rest: Item[] = [];
    for (const item of group) {
      const { key, value } = filled(item);
      if (!key.startsWith("$")) rest.push({ key, value });
      else if (isConditional) throw unsupported("variables that are set in a condition", key, value);
      else known.set(key.slice(1), variable(value, key));
    }
    return rest.length > 0 ? [rest] : [];
  });
}

function variable(text: string, key: string): string {
  const [, string] = /^!(.*)!$/.exec(text) ?? [];
  if (string !== undefined) return string;
  // Its value where it is set, not where it is used.
  if (/\b(?:current)/.test(JSON.stringify(expression(text, key)))) {
    throw unsupported("variables of the size at one point", key, text);
  }
  return text.includes("_") ? `(${text})` : text;
}
