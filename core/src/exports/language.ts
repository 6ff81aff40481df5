// What a URL language is made of: its table of parameters, its grammar, its signatures.

export {
  absoluteUrl,
  assetOf,
  assetPath,
  assetUrl,
  checkName,
  joinNames,
  mediaOf,
  printPath,
} from "../language/address.ts";
export type { Pair } from "../language/grammars.ts";
export {
  freeQuery,
  itemsOf,
  pathGrammar,
  printQuery,
  queryGrammar,
  readQuery,
} from "../language/grammars.ts";
export type { Language } from "../language/language.ts";
export { deepFreeze, defineLanguage, languagePlugin } from "../language/language.ts";
export { decodeText, lenient, UTF8 } from "../language/percent.ts";
export { withoutRounding } from "../language/print.ts";
export type { GroupReader, Meaning } from "../language/read.ts";
export { readGroups } from "../language/read.ts";
export {
  boolean,
  decimal,
  hexColour,
  integer,
  number,
  oneOf,
  printHexColour,
  printNumber,
  same,
  unlisted,
  wordFor,
  words,
} from "../language/readers.ts";
export type { SignatureScheme } from "../language/signature.ts";
export type {
  Grammar,
  Group,
  Item,
  Located,
  Parameter,
  Parameters,
  ReadContext,
  Reader,
  Rule,
  UnsignedUrl,
  Values,
} from "../language/table.ts";
export { ignored, neutral, parameterTable, refused, unprintable, unsupported } from "../language/table.ts";
export type { UrlBuilder, UrlParameter, UrlValues } from "../model/url-builder.ts";
