import { invalid } from "@mediatap/core";
import {
  decodeText,
  defineLanguage,
  type Grammar,
  type Group,
  type Item,
  printQuery,
  queryGrammar,
  readQuery,
} from "@mediatap/core/language";
import { splitOutside } from "./arguments.ts";
import { PARAMETERS } from "./parameters.ts";
import { ORDER } from "./steps.ts";

/** Parameters of the query that contain transformations; the second one is older. */
const QUERIES: readonly string[] = ["im", "imop"];

/** Parameters of the query that are one by themselves. */
const isSingle = (name: string) => name.startsWith("im") && Object.hasOwn(PARAMETERS, name);

/** `Resize=(300,200)` and `Resize,width=300` → name and arguments. */
function itemOf(text: string): Item {
  const [, key, value = ""] = /^([A-Za-z]+)(?:[=,](.*))?$/s.exec(text) ?? [];
  if (key === undefined) throw invalid("im", "transformation such as Resize,width=300", text);
  return { key, value };
}

const textOf = ({ key, value }: Item) =>
  value === "" ? key : `${key}${/^[A-Za-z]+(?:=|,|$)/.test(value) ? "," : "="}${value}`;

const grammar: Grammar = {
  ...queryGrammar({ isOwn: (name) => QUERIES.includes(name) || isSingle(name) }),
  // What the sizes of the query ask for is done last, wherever they are.
  tokenize(text): readonly Group[] {
    const pairs = readQuery(text);
    const transformations = pairs
      .filter(({ name }) => QUERIES.includes(name))
      .flatMap(({ name, rawValue }) => splitOutside(decodeText(rawValue, name), ";"))
      .filter((part) => part !== "")
      .map((part) => [itemOf(part)]);
    const singles = pairs
      .filter(({ name }) => isSingle(name))
      .map(({ name, rawValue }) => ({ key: name, value: decodeText(rawValue, name) }));
    return singles.length === 0 ? transformations : [...transformations, singles];
  },
  print(groups) {
    const items = groups.flat();
    const chain = items.filter(({ key }) => !isSingle(key)).map(textOf);
    const singles = items.filter(({ key }) => isSingle(key)).map(({ key, value }) => [key, value] as const);
    return printQuery([...(chain.length > 0 ? [["im", chain.join(";")] as const] : []), ...singles]);
  },
  chains: true,
};

export const AKAMAI = defineLanguage({
  name: "url-akamai",
  version: "0.1.0",
  grammar,
  parameters: PARAMETERS,
  order: ORDER,
  // The service negotiates the format of each image.
  defaults: { format: "auto", sanitizeSvg: true },
});
