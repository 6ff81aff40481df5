import { isMediaError, MediaError } from "@mediatap/core";
import {
  type Grammar,
  type Group,
  type Item,
  type Located,
  lenient,
  printQuery,
} from "@mediatap/core/language";
import { INFO } from "./info.ts";
import { CHAIN, type Parts, split, UNSAFE } from "./parts.ts";
import type { Source, Sources } from "./source.ts";

/** Options that stand for several others, by the place of their arguments; what follows belongs to the last one. */
const META: ReadonlyMap<string, readonly string[]> = new Map(
  (
    [
      ["rs", "resize", ["rt", "w", "h", "el", "ex"]],
      ["s", "size", ["w", "h", "el", "ex"]],
      ["a", "adjust", ["br", "co", "sa"]],
    ] as const
  ).flatMap(([name, also, parts]) => [[name, parts] as const, [also, parts] as const]),
);

/** They are taken out before equal transformations are recognised. */
const EXPIRES = /^(?:exp|expires):/;
const CACHE_BUSTER = /^(?:cb|cachebuster):/;

/** What a URL asks for whose source cannot be decrypted, and one whose encrypted source is not signed. Both are reported after the access rules. */
const UNREADABLE = "enc";
const UNVERIFIED = "unverified";

const faulty = (text: string): Located => ({ asset: { kind: "path", path: UNREADABLE }, text, query: [] });

function itemOf(option: string): Item {
  const colon = option.indexOf(":");
  return { key: option.slice(0, colon), value: option.slice(colon + 1) };
}

/** The options that an option stands for, or itself. */
function parted(item: Item): readonly Item[] {
  const meta = META.get(item.key);
  if (!meta) return [item];
  const parts = item.value.split(":");
  return meta.flatMap((key, at): Item[] => {
    const value = at === meta.length - 1 ? parts.slice(at).join(":") : (parts[at] ?? "");
    return value === "" ? [] : [{ key, value }];
  });
}

/** `rs:fill:300:200/q:80/-/bl:2` → its pipelines. */
export function tokenize(text: string): readonly Group[] {
  const [first = "", ...rest] = text.split("/");
  if (first === INFO) return [[{ key: INFO, value: "" }, ...rest.map(itemOf)]];
  const groups: Item[][] = [[]];
  for (const option of text === "" ? [] : [first, ...rest]) {
    if (option === CHAIN) groups.push([]);
    else groups.at(-1)?.push(...parted(itemOf(option)));
  }
  return groups.filter((group) => group.length > 0);
}

/** A box as people write it: `rs:fill:300:200:1`, `s:300:200`. */
function shortened(group: Group): Group {
  const [rt, w, h, el] = ["rt", "w", "h", "el"].map((key) => group.find((item) => item.key === key));
  if (!w || !h) return group;
  const parts = [rt, w, h, el].filter((item) => item !== undefined);
  const box = { key: rt ? "rs" : "s", value: parts.map(({ value }) => value).join(":") };
  return [box, ...group.filter((item) => !parts.includes(item))];
}

/** `undefined`: nothing of the URL is of this language, so it may be of another one. */
function sourceOf({ options, source }: Parts, sources: Sources): Source | undefined {
  const isOwn = options.length > 0 || source[0] === "plain" || source[0] === "enc";
  try {
    const parsed = sources.read(source);
    // Names of files are Base64, too: `fig.jpg`.
    return isOwn || parsed.hasScheme ? parsed : undefined;
  } catch (error) {
    if (isOwn || !isMediaError(error)) throw error;
    return undefined;
  }
}

export function createGrammar(sources: Sources, onlyPresets: boolean): Grammar {
  return {
    locate({ path }, _endpoint, isGenuine) {
      const parts = split(path, onlyPresets);
      // Whether a text of somebody else can be decrypted must not be seen: it would help to find out what a URL hides.
      const isEncrypted = parts !== undefined && sources.isEncrypted(parts.source);
      if (isEncrypted && !isGenuine?.()) return faulty(UNVERIFIED);
      const source = parts && sourceOf(parts, sources);
      if (!source) return undefined;
      const { asset, extension } = source;
      // As if there was no file.
      if (!asset) return faulty(UNREADABLE);
      const options = onlyPresets ? parts.options.map((names) => `pr:${names}`) : parts.options;
      const written = options.filter((option) => !EXPIRES.test(option) && !CACHE_BUSTER.test(option));
      const buster = options.findLast((option) => CACHE_BUSTER.test(option))?.replace(CACHE_BUSTER, "");
      return {
        asset,
        text: [
          ...(parts.info ? [INFO] : []),
          ...written,
          ...(extension === "" || parts.info ? [] : [`f:${extension}`]),
        ].join("/"),
        query: buster === undefined ? [] : [["cb", lenient(buster)]],
        isHidden: isEncrypted,
      };
    },
    compose({ asset, text, query }, isSigned = false) {
      const [[name, value] = ["", ""], ...more] = query;
      const buster = name === "cb" && more.length === 0 ? value : printQuery(query);
      const [first = "", ...rest] = text.split("/");
      const options = first === INFO ? [INFO, UNSAFE, ...rest] : [UNSAFE, first, ...rest];
      const path = [
        ...options.filter((option) => option !== ""),
        ...(query.length > 0 ? [`cb:${encodeURIComponent(buster)}`] : []),
        sources.print(asset, isSigned),
      ];
      return { path: path.join("/"), query: "" };
    },
    tokenize(text) {
      if (text === UNREADABLE) {
        throw new MediaError("ENOENT", "No file was found at the specified path");
      }
      if (text === UNVERIFIED) {
        throw new MediaError("ESIGNATURE", "A valid signature is required for an encrypted source");
      }
      return tokenize(text);
    },
    print: (groups) =>
      groups
        .map((group) =>
          shortened(group)
            .map(({ key, value }) => (key === INFO ? key : `${key}:${value}`))
            .join("/"),
        )
        .join(`/${CHAIN}/`),
    chains: true,
  };
}
