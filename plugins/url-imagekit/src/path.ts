import { MediaError } from "@mediatap/core";
import { assetUrl, checkName, decodeText, joinNames } from "@mediatap/core/language";

/** Beginning of a suffix that names a part of a stream. */
export const TRACK = "ik-track-";

/** Endings of a path that say what is wanted of the asset before them. */
const SUFFIXES = [
  "ik-thumbnail.jpg",
  "ik-video.mp4",
  "ik-gif-video.mp4",
  "ik-master.m3u8",
  "ik-master.mpd",
  "ik-seek-thumbnail-track.vtt",
  "ik-info.json",
  "ik-genchapter.vtt",
  "ik-gensubtitle.vtt",
  "ik-gensubtitle.transcript",
] as const;

export type Suffix = (typeof SUFFIXES)[number] | `${typeof TRACK}${string}`;

/** A raw path, taken apart. */
export interface Address {
  readonly kind: "path" | "url";
  /** As in `Asset`. */
  readonly path: string;
  /** Chains in the path, in order, without `tr:`, still percent-encoded. */
  readonly chains: readonly string[];
  readonly suffixes: readonly Suffix[];
  /** An absolute URL whose query, if it has one, is the query of this request. */
  readonly sharesQuery: boolean;
}

/**
 * Takes a raw path apart: first chains and reserved parts, then one decoding, then the checks. `undefined`: the path
 * names nothing. Throws `EINVAL` or `ENOENT` for a path that must not reach a storage.
 */
export function readAddress(raw: string): Address | undefined {
  // One old SDK puts a slash behind an endpoint that ends in one; slashes elsewhere are not repaired.
  const { segments, chains } = takeChains(raw.replace(/^\/+/, "").split("/"));
  const suffixes = takeSuffixes(segments);
  if (segments.length === 0 || (segments.length === 1 && segments[0] === "")) {
    if (chains.length > 0)
      throw new MediaError("ENOENT", "Expected the path of a file after the transformation");
    return undefined;
  }
  const url = absolute(segments);
  if (url) return { kind: "url", chains, suffixes, ...url };
  const seo = segments[0] === "ik-seo";
  const parts = seo ? segments.slice(1) : segments;
  if (parts.length > 1 && parts.at(-1) === "") {
    throw new MediaError("EINVAL", "Expected the path of a file but received one that ends in a slash");
  }
  const names = parts.map((part) => checkName(decodeText(part, "path")));
  return {
    kind: "path",
    path: joinNames(seo ? withoutTitle(names) : names),
    chains,
    suffixes,
    sharesQuery: false,
  };
}

/** Chains stand at any depth, but not inside an absolute URL: there they are the other server's. */
function takeChains(all: readonly string[]): { segments: string[]; chains: string[] } {
  const segments: string[] = [];
  const chains: string[] = [];
  for (let at = 0; at < all.length; at++) {
    const segment = all[at] as string;
    if (!segment.startsWith("tr:") || isScheme(segments[0])) {
      segments.push(segment);
      continue;
    }
    const end = endOfChain(all, at);
    chains.push(all.slice(at, end).join("/").slice(3));
    at = end - 1;
  }
  return { segments, chains };
}

/** Segments over which an unencoded path in a layer may reach. */
const MAX_REACH = 32;

/**
 * The segment after a chain. One old SDK leaves slashes in a layer's path as they are
 * (`tr:l-image,i-/a/b.png,l-end/x.jpg`), so a chain goes on until its layers are closed.
 */
function endOfChain(all: readonly string[], start: number): number {
  let open = 0;
  for (let at = start; at < Math.min(all.length, start + MAX_REACH); at++) {
    for (const [, end] of (all[at] as string).matchAll(/[,:]l-(end(?![^,:]))?/g)) open += end ? -1 : 1;
    if (open <= 0) return at + 1;
  }
  return start + 1;
}

function takeSuffixes(segments: string[]): Suffix[] {
  const suffixes: Suffix[] = [];
  while (segments.length > 1 && isSuffix(segments.at(-1) as string)) {
    suffixes.unshift(segments.pop() as Suffix);
  }
  return suffixes;
}

function isSuffix(segment: string): segment is Suffix {
  return (SUFFIXES as readonly string[]).includes(segment) || segment.startsWith(TRACK);
}

function isScheme(segment: string | undefined): boolean {
  return segment !== undefined && /^https?(?::|%3a)$/i.test(segment);
}

/**
 * An absolute URL: as it is, with slashes that a proxy has merged (`https:/host`), or encoded as one segment
 * (`https%3A%2F%2Fhost%2Fx.jpg`), then with a query of its own.
 */
function absolute(segments: readonly string[]): { path: string; sharesQuery: boolean } | undefined {
  const [first = "", ...rest] = segments;
  if (isScheme(first)) {
    const host = rest[0] === "" ? rest.slice(1) : rest;
    return { path: assetUrl(`${decodeText(first, "path")}//${host.join("/")}`), sharesQuery: true };
  }
  if (!/^https?%3a%2f/i.test(first)) return undefined;
  if (rest.length > 0) throw new MediaError("EINVAL", "Expected a URL that is encoded wholly or not at all");
  return { path: assetUrl(decodeText(first, "path")), sharesQuery: false };
}

/** `a/b/DSC1234/eiffel-tower.jpg` → `a/b/DSC1234.jpg`: the last name is for search engines, but for its extension. */
function withoutTitle(names: readonly string[]): string[] {
  const title = names.at(-1);
  const name = names.at(-2);
  if (title === undefined || name === undefined) {
    throw new MediaError("EINVAL", "Expected path and title after ik-seo");
  }
  const dot = title.lastIndexOf(".");
  return [...names.slice(0, -2), checkName(name + (dot < 0 ? "" : title.slice(dot)))];
}

/** Path of a parameter, where `@@` stands for `/` and a leading slash is optional; same rules as for a raw path. */
export function parameterPath(text: string): string {
  const names = text.replaceAll("@@", "/").split("/");
  if (names[0] === "" && names.length > 1) names.shift();
  return joinNames(names.map(checkName));
}
