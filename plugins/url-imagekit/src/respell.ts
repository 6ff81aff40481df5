import { MediaError, printable } from "@mediatap/core";
import { suggesting, withWord } from "./errors.ts";
import { OPERATIONS } from "./operations.ts";
import type { Parameter } from "./tokenize.ts";

/** The option names of the SDKs and what other products call them, in lower case → the key of the language. */
const LONG_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...Object.fromEntries(
      Object.entries(OPERATIONS).flatMap(([key, { names }]) => names.map((name) => [name, key])),
    ),
    width: "w",
    height: "h",
    aspectratio: "ar",
    crop: "c",
    fit: "c",
    cropmode: "cm",
    focus: "fo",
    gravity: "fo",
    zoom: "z",
    xcenter: "xc",
    ycenter: "yc",
    background: "bg",
    page: "pg",
    format: "f",
    quality: "q",
    lossless: "lo",
    progressive: "pr",
    colorprofile: "cp",
    metadata: "md",
    density: "dn",
    defaultimage: "di",
    original: "orig",
    named: "n",
    videocodec: "vc",
    audiocodec: "ac",
    startoffset: "so",
    endoffset: "eo",
    duration: "du",
    streamingresolutions: "sr",
  }),
);

/** What `width-400`, `w=400`, `w_400` or `w400` is in the language: `w-400`. `undefined`: none of its parameters. */
export function respelled({ key, value }: Pick<Parameter, "key" | "value">, keys: ReadonlySet<string>) {
  const [, word = "", rest = ""] = /^([A-Za-z]{1,24})[=_]?(.{0,40})$/.exec(key) ?? [];
  const known = keys.has(word) ? word : LONG_NAMES.get(word.toLowerCase());
  if (known === undefined || known === key) return undefined;
  const given = [rest, value].filter(Boolean).join("-");
  return given === "" ? known : `${known}-${given}`;
}

/** The error for a parameter that is not of the language; `key` is decoded. */
export function unknownParameter(key: string, value: string, keys: ReadonlySet<string>): MediaError {
  const plain = key.trim();
  if (plain !== key && keys.has(plain)) {
    return new MediaError("EINVAL", `Expected no space before '${printable(`${plain}-${value}`)}'`);
  }
  const error = new MediaError("EINVAL", `Expected known parameter but received '${printable(key)}'`);
  const word = respelled({ key: plain, value }, keys);
  return word === undefined ? suggesting(error, plain.slice(0, 20), keys) : withWord(error, word);
}
