import { MediaError, printable } from "@mediatap/core";
import { suggesting, withWord } from "./errors.ts";
import { OPERATIONS } from "./operations.ts";
import type { Parameter } from "./tokenize.ts";

/** Keys whose steps do not say it themselves, and what SDKs and other products call them, in lower case. */
const NAMES = `w width, h height, ar aspectratio, c crop, c fit, cm cropmode, fo focus, fo gravity, z zoom, xc xcenter, yc ycenter,
  bg background, pg page, f format, q quality, lo lossless, pr progressive, cp colorprofile, md metadata, dn density,
  di defaultimage, orig original, n named, vc videocodec, ac audiocodec, so startoffset, eo endoffset, du duration,
  sr streamingresolutions`;

/** Such a name → the key of the language. */
const LONG_NAMES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(OPERATIONS).flatMap(([key, { names }]) => names.map((name) => [name, key] as const)),
  ...NAMES.split(/,\s+/).map((pair) => pair.split(" ").reverse() as [string, string]),
]);

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
