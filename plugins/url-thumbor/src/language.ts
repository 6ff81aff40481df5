import { defineLanguage, type Language } from "@mediatap/core/language";
import { grammar } from "./grammar.ts";
import { PARAMETERS, type ThumborValues } from "./parameters.ts";
import { createSignature, type SignatureOptions } from "./signature.ts";
import { ORDER } from "./steps.ts";

export interface ThumborOptions extends SignatureOptions {
  readonly autoFormat: boolean;
}

export function createThumbor({ autoFormat, ...signature }: ThumborOptions): Language<ThumborValues> {
  return defineLanguage({
    name: "url-thumbor",
    version: "0.1.0",
    grammar,
    parameters: PARAMETERS,
    order: ORDER,
    signature: createSignature(signature),
    defaults: { format: autoFormat ? "auto" : "source", sanitizeSvg: true },
  });
}
