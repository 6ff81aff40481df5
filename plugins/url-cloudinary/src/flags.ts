import type { Job, Output } from "@mediatap/core";
import { checkName, type Reader, unsupported } from "@mediatap/core/language";

/** The fields of the output that a flag sets. */
const OUTPUT: ReadonlyMap<string, Partial<Output>> = new Map<string, Partial<Output>>([
  ["progressive", { progressive: true }],
  ["progressive:semi", { progressive: true }],
  ["progressive:steep", { progressive: true }],
  ["progressive:none", { progressive: false }],
  ["lossy", { lossless: false }],
  ["keep_iptc", { metadata: "keep" }],
  ["force_strip", { metadata: "strip" }],
  ["strip_profile", { colorProfile: "srgb" }],
  ["sanitize", { sanitizeSvg: true }],
]);

export const ATTACHMENT = "attachment";

/** Flags that change nothing here: the cache of the service, and what every result has anyway. */
const WITHOUT = new Set(["immutable_cache", "awebp", "animated", "any_format"]);

/** Flags that belong to a layer. */
export const LAYER_FLAGS = new Set(["layer_apply", "relative", "no_overflow", "cutter"]);

/** `progressive.attachment:name`. A file name reaches to the end. */
const read: Reader<readonly string[]> = (text, key) => {
  const [, before = "", name] = /^(.*?)(attachment:.+)$/.exec(text) ?? [undefined, text];
  const words = before.split(".").filter((word) => word !== "");
  for (const word of words) {
    if (!OUTPUT.has(word) && !WITHOUT.has(word) && word !== ATTACHMENT && !LAYER_FLAGS.has(word)) {
      throw unsupported("this flag", key, word);
    }
  }
  if (name !== undefined) checkName(name.slice(ATTACHMENT.length + 1));
  return name === undefined ? words : [...words, name];
};

export const flags = {
  read,
  values: [...OUTPUT.keys(), ATTACHMENT, `${ATTACHMENT}:<name>`, ...WITHOUT]
    .map((word) => `\`${word}\``)
    .join(", "),
};

export const flagOutput = (words: readonly string[]): Partial<Output> =>
  Object.assign({}, ...words.map((word) => OUTPUT.get(word) ?? {}));

/** The flags for an output; `undefined`: none. */
export function flagsFor(output: Output): readonly string[] | undefined {
  const matching = [...OUTPUT].filter(([, fields]) =>
    Object.entries(fields).every(([field, value]) => output[field as keyof Output] === value),
  );
  // One flag for each field.
  const first = matching.filter(
    ([, fields], index) =>
      matching.findIndex(([, other]) => Object.keys(other)[0] === Object.keys(fields)[0]) === index,
  );
  return first.length === 0 ? undefined : first.map(([word]) => word);
}

export function flagDelivery(words: readonly string[]): Partial<Job["delivery"]> {
  const word = words.find((word) => word.startsWith(ATTACHMENT));
  if (word === undefined) return {};
  return { attachment: word === ATTACHMENT ? true : word.slice(ATTACHMENT.length + 1) };
}
