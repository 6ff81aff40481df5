import type { Job } from "@mediatap/core";
import {
  assetPath,
  assetUrl,
  defineLanguage,
  freeQuery,
  type Grammar,
  type Item,
  type Located,
  lenient,
  type Pair,
  printPath,
  printQuery,
  readGroups,
  readQuery,
} from "@mediatap/core/language";
import { createLocalTest, createRemoteTest } from "./allow.ts";
import type { NextSettings } from "./options.ts";
import { parametersOf, refuse } from "./parameters.ts";

/** Characters of `url` that Next takes. */
const MAX_URL_LENGTH = 3072;

/** Parameters in the order in which Next looks at them. */
const REQUIRED = [
  ["w", '"w" parameter (width)'],
  ["q", '"q" parameter (quality)'],
] as const;

/** A query is that of a form: `+` is a space. */
const formValue = ({ rawValue }: Pair) => lenient(rawValue.replaceAll("+", "%20"));

/** The language, as far as the settings allow its URLs. */
export function createNext(settings: NextSettings) {
  const { paths, basePath, dangerouslyAllowSVG } = settings;
  const isLocal = createLocalTest(settings);
  const isRemote = createRemoteTest(settings);
  const [printed = ""] = paths;

  /** The only value of `url`. */
  function urlOf(pairs: readonly Pair[]): string {
    const [first, second] = pairs.filter(({ name }) => name === "url");
    const url = first ? formValue(first) : "";
    if (second) throw refuse('"url" parameter cannot be an array');
    if (url === "") throw refuse('"url" parameter is required');
    if (url.length > MAX_URL_LENGTH) throw refuse('"url" parameter is too long');
    if (url.startsWith("//")) throw refuse('"url" parameter cannot be a protocol-relative URL (//)');
    return url;
  }

  function ofPath(url: string): Pick<Located, "asset" | "query"> {
    const [pathname = "", ...search] = (url.split("#", 1)[0] ?? "").split("?");
    if (/\/_(?:next|vercel)\/image(?:$|\/)/.test(lenient(pathname))) {
      throw refuse('"url" parameter cannot be recursive');
    }
    if (!isLocal(url)) throw refuse('"url" parameter is not allowed');
    if (!dangerouslyAllowSVG && /\.svgz?$/i.test(pathname)) throw svgRefused();
    const own = pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) : pathname;
    return {
      asset: { kind: "path", path: assetPath(own.slice(1).split("/")) },
      query: freeQuery(readQuery(search.join("?"))),
    };
  }

  function ofUrl(text: string): Pick<Located, "asset" | "query"> {
    const url = URL.parse(text);
    if (!url || !["http:", "https:"].includes(url.protocol)) throw refuse('"url" parameter is invalid');
    if (!isRemote(url)) throw refuse('"url" parameter is not allowed');
    if (!dangerouslyAllowSVG && /\.svgz?$/i.test(url.pathname)) throw svgRefused();
    return { asset: { kind: "url", path: assetUrl(url.href) }, query: [] };
  }

  const grammar: Grammar = {
    locate({ path, query }) {
      if (!paths.includes(path)) return undefined;
      const pairs = readQuery(query);
      const url = urlOf(pairs);
      // All else of the query is of no account, as in Next.
      const own = pairs.filter(({ name }) => name === "w" || name === "q");
      return {
        ...(url.startsWith("/") ? ofPath(url) : ofUrl(url)),
        text: own.map(({ name, rawValue }) => `${name}=${rawValue}`).join("&"),
      };
    },
    compose({ asset, text, query }) {
      const search = query.length > 0 ? `?${printQuery(query)}` : "";
      const url = asset.kind === "url" ? asset.path : `${basePath}/${printPath(asset.path)}${search}`;
      return { path: printed, query: `url=${encodeURIComponent(url)}&${text}` };
    },
    tokenize(text) {
      const pairs = readQuery(text);
      const group = REQUIRED.map(([key, words]): Item => {
        const [first, second] = pairs.filter(({ name }) => name === key);
        const value = first ? formValue(first) : "";
        if (second) throw refuse(`${words} cannot be an array`);
        if (value === "") throw refuse(`${words} is required`);
        return { key, value };
      });
      return [group];
    },
    print: (groups) =>
      groups
        .flat()
        .map(({ key, value }) => `${key}=${value}`)
        .join("&"),
  };

  return defineLanguage({
    name: "url-next",
    version: "0.1.0",
    grammar,
    parameters: parametersOf(settings),
    read(groups, context, read) {
      const { transformation, delivery } = readGroups(groups, context, read);
      const { steps, output } = transformation;
      // A client that names neither WebP nor AVIF gets the format of the source.
      const format = context.accept() === "basic" ? "source" : "auto";
      return { transformation: { steps, output: { ...output, format, sanitizeSvg: true } }, delivery };
    },
    print(job, context, print) {
      const { groups, missing } = print(job, context);
      const items = groups.flat();
      const has = (key: string) => items.some((item) => item.key === key);
      const lacking = has("w") ? [] : ["images of their own width"];
      return {
        groups: [has("q") ? items : [...items, ...qualityOf(job)]],
        missing: missing.length > 0 ? missing : lacking,
      };
    },
  });
}

const svgRefused = () => refuse('"url" parameter is valid but image type is not allowed');

/** A quality is written even if it is the endpoint's own. */
const qualityOf = ({ transformation: { output } }: Job): Item[] =>
  typeof output.quality === "number" ? [{ key: "q", value: String(output.quality) }] : [];
