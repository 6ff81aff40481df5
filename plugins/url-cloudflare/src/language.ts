import { defineLanguage, pathGrammar } from "@mediatap/core/language";
import { PARAMETERS } from "./parameters.ts";
import { ORDER } from "./steps.ts";

/** The language, with `base` before the options. */
export const createCloudflare = ({ base }: { readonly base: string }) =>
  defineLanguage({
    name: "url-cloudflare",
    version: "0.1.0",
    grammar: pathGrammar({
      base,
      between: /,/,
      assign: /=/,
      print: { between: ",", assign: "=" },
      // A URL has at least one option, and this one changes nothing.
      none: "anim=true",
    }),
    parameters: PARAMETERS,
    order: ORDER,
    // Without a format, an image keeps that of its source.
    defaults: { format: "source", sanitizeSvg: true },
  });
