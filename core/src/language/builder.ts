import type { UrlBuilder, UrlParameter } from "../model/url-builder.ts";
import { assetOf } from "./address.ts";
import type { Vocabulary } from "./read.ts";
import { entriesOf, type Grammar, type Parameter } from "./table.ts";

/** Names that languages have for the width and the height of an image. */
const WIDTHS = new Set(["w", "width"]);
const HEIGHTS = new Set(["h", "height"]);

/** In the order in which tools show them. */
const GROUPS = ["Size and crop", "Effects", "Output", "Other"] as const;
type GroupName = (typeof GROUPS)[number];

/** A list of all values, in the words of a table: no example and no description is among them. */
const LIST = /^`(?:[a-z][\w-]*|[01])`(?:, `(?:[a-z][\w-]*|[01])`)*$/i;

/** What tools know of a language by its table and its grammar. Parameters without an effect here are left out. */
export function builderOf<T>({
  parameters,
  grammar,
  order,
}: Vocabulary<T> & { readonly grammar: Grammar }): UrlBuilder {
  const inRules = new Set<string>(order?.flatMap((entry) => (typeof entry === "object" ? entry.uses : [])));
  const entries = entriesOf(parameters).filter(
    ([, { cannot, ignored, isNeutral }]) => cannot === undefined && ignored === undefined && !isNeutral,
  );
  const width = entries.find(([name, parameter]) => hasName(name, parameter, WIDTHS));
  let rows: readonly Row[] | undefined;
  return {
    get parameters() {
      rows ??= entries
        .map(([name, parameter]) => rowOf(name, parameter, groupOf(name, parameter, inRules.has(name))))
        .sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group));
      return rows;
    },
    ...(width && { width: width[0] }),
    build(path, values) {
      const text = grammar.print(values.length === 0 ? [] : [values.map(([key, value]) => ({ key, value }))]);
      const url = grammar.compose({ asset: assetOf(path), text, query: [] });
      return url.query === "" ? url.path : `${url.path}?${url.query}`;
    },
  };
}

type Row = UrlParameter & { readonly group: GroupName };

function rowOf(name: string, parameter: Parameter<unknown>, group: GroupName): Row {
  const { means, values } = parameter;
  const [first = ""] = means.split(/[;.](?: |$)/);
  const choices = values !== undefined && LIST.test(values) ? listOf(values, name, parameter) : [];
  return {
    name,
    group,
    title: plain(first.charAt(0).toUpperCase() + first.slice(1)),
    expected: values === undefined ? "" : plain(withoutName(values, name)),
    ...(choices.length > 0 && { choices }),
  };
}

/** What parameters stand for together is a size, in all languages. */
function groupOf(name: string, parameter: Parameter<unknown>, isInRule: boolean): GroupName {
  const { step, output, delivery } = parameter;
  if (output) return "Output";
  if (delivery) return "Other";
  const isSize = isInRule || hasName(name, parameter, WIDTHS) || hasName(name, parameter, HEIGHTS);
  return step && !isSize ? "Effects" : "Size and crop";
}

const hasName = (name: string, { also = [] }: Parameter<unknown>, names: ReadonlySet<string>) =>
  [name, ...also].some((one) => names.has(one));

/** Those values of a list that are not refused. */
function listOf(values: string, name: string, { read }: Parameter<unknown>): string[] {
  return values
    .split(", ")
    .map(plain)
    .filter((value) => {
      try {
        read(value, name);
        return true;
      } catch {
        return false;
      }
    });
}

/** Examples of some tables repeat the name of the parameter. */
const withoutName = (values: string, name: string) =>
  ["=", ":", ","].reduce((text, separator) => text.replaceAll(`\`${name}${separator}`, "`"), values);

const plain = (text: string) => text.replaceAll("`", "");
