import { defineLanguage, type Grammar, itemsOf, type Language, pathGrammar } from "@mediatap/core/language";
import { type IpxValues, PARAMETERS } from "./parameters.ts";
import { ORDER } from "./steps.ts";

/** Separators: both of parameters, all three of values. */
const BETWEEN = /[&,]/;
const ASSIGN = /[:=_]/;

/** The language, with `base` before the modifiers. */
export function createIpx({ base }: { readonly base: string }): Language<IpxValues> {
  const grammar: Grammar = {
    ...pathGrammar({
      base,
      between: BETWEEN,
      assign: ASSIGN,
      print: { between: ",", assign: "_" },
      none: "_",
    }),
    // The parts of a value have the same separators as parameter and value.
    tokenize: (text) => (text === "" ? [] : [itemsOf(text.replace(/[:=]/g, "_"), BETWEEN, ASSIGN)]),
  };
  return defineLanguage({
    name: "url-ipx",
    version: "0.1.0",
    grammar,
    parameters: PARAMETERS,
    order: ORDER,
    // Without a format, an image keeps that of its source.
    defaults: { format: "source", sanitizeSvg: true },
  });
}
