import { type InfoField, infoFields, invalid } from "@mediatap/core";
import { lenient, type Pair } from "@mediatap/core/language";

/** Tags of SDKs, which mean nothing. */
const SDK_TAGS: ReadonlySet<string> = new Set(["sdk-version"]);

/** Names what a description of a file is to contain. */
const FIELDS = "fields";

/**
 * The parameters that the language leaves alone: they tell versions of a file apart. `isInfo`: the URL is one of a description.
 */
export function freePairs(pairs: readonly Pair[], ignored: readonly string[], isInfo: boolean): Pair[] {
  return pairs.filter(({ name }) => {
    if (name === "tr" || name.startsWith("ik-") || SDK_TAGS.has(name)) return false;
    return !ignored.includes(name) && !(isInfo && name === FIELDS);
  });
}

/** The fields that a description is to contain. Throws `EINVAL` for a name that is no field's. `undefined`: none are named. */
export function fieldsOf(pairs: readonly Pair[]): readonly InfoField[] | undefined {
  const [named, second] = pairs.filter(({ name }) => name === FIELDS);
  if (second) throw invalid(FIELDS, "one list", second.rawValue);
  return named && infoFields(lenient(named.rawValue).split(","));
}

/** Whether `ik-sanitizeSvg` asks for an SVG without scripts. Throws `EINVAL` for what is neither `true` nor `false`. */
export function sanitizesSvg(pairs: readonly Pair[]): boolean {
  const values = pairs
    .filter(({ name }) => name === "ik-sanitizeSvg")
    .map(({ rawValue }) => lenient(rawValue));
  const wrong = values.find((value) => value !== "true" && value !== "false");
  if (wrong !== undefined) throw invalid("ik-sanitizeSvg", "true or false", wrong);
  return values.includes("true");
}

/** The download that `ik-attachment` asks for: a name without extension, or `true`. */
export function attachmentOf(pairs: readonly Pair[]): string | true | undefined {
  const value = (name: string) => pairs.find((pair) => pair.name === name)?.rawValue;
  if (value("ik-attachment") !== "true") return undefined;
  const name = lenient(value("ik-attachment-filename") ?? "")
    .slice(0, 200)
    // Whatever could end a header, leave the folder or hide the name.
    .replace(/[\p{C}/\\:*?"<>|]/gu, "")
    .trim()
    .replace(/^\.+/, "");
  return name === "" ? true : name;
}
