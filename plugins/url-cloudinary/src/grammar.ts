import { invalid, MediaError, typeOfName } from "@mediatap/core";
import {
  assetPath,
  assetUrl,
  decodeText,
  type Grammar,
  type Group,
  itemsOf,
  type Located,
  mediaOf,
  printPath,
  readQuery,
  unprintable,
  unsupported,
} from "@mediatap/core/language";

/** How the URLs and files of an account are named. */
export interface Names {
  readonly cloudName?: string | undefined;
  readonly extension?: string | undefined;
  readonly videoExtension: string;
  readonly preserveAssetDeliveryTypes: boolean;
}

/** What the extension of a URL follows in the transformation, if it is not that of the file, and if it is. */
export const CHANGED = ".";
export const SAME = "=";

type Resource = "image" | "video" | "raw";
type DeliveryType = "upload" | "private" | "authenticated" | "fetch";

/** What a path begins with, after the cloud name. */
interface Head {
  readonly resource: Resource;
  readonly type: DeliveryType;
  /** Index of the first segment after it. */
  readonly at: number;
  /** The last segment is a name for search engines, with the extension. */
  readonly seo: boolean;
}

/** Words that stand for an asset type and a delivery type together. All but `iu` end in a name for search engines. */
const SHORT: ReadonlyMap<string, readonly [Resource, DeliveryType]> = new Map([
  ["iu", ["image", "upload"]],
  ["images", ["image", "upload"]],
  ["private_images", ["image", "private"]],
  ["authenticated_images", ["image", "authenticated"]],
  ["videos", ["video", "upload"]],
  ["files", ["raw", "upload"]],
]);

/** Whether URLs of the type need a signature, whatever the rules of the endpoint are. */
export const isProtected = ({ type }: Pick<Head, "type">) => type === "private" || type === "authenticated";

const RESOURCES = new Set(["image", "video", "raw"]);
const TYPES = new Set(["upload", "private", "authenticated", "fetch"]);

/** First segments of URLs, after the cloud name. */
export const HEADS: readonly string[] = [...RESOURCES, ...SHORT.keys()];

export function headOf(segments: readonly string[], cloudName: string | undefined): Head | undefined {
  const at = cloudName === undefined ? 0 : 1;
  if (cloudName !== undefined && segments[0] !== cloudName) return undefined;
  const [first = "", second = ""] = segments.slice(at);
  const short = SHORT.get(first);
  if (short) return { resource: short[0], type: short[1], at: at + 1, seo: first !== "iu" };
  if (!RESOURCES.has(first) || !TYPES.has(second) || (first === "raw" && second === "fetch"))
    return undefined;
  return { resource: first as Resource, type: second as DeliveryType, at: at + 2, seo: false };
}

/** Keys that begin a component of a transformation. A folder of such a name needs a version before it, as for Cloudinary. */
const COMPONENT =
  /^(?:(?:a|ac|af|ar|b|bo|br|c|co|cs|d|dl|dn|dpr|du|e|eo|f|fl|fn|fps|g|h|if|ki|l|o|p|pg|q|r|so|sp|t|u|vc|vs|w|x|y|z|\$[a-zA-Z][a-zA-Z0-9]*)_|%24)/;

const VERSION = /^v\d+$/;

/** What follows the head: components, a version that changes nothing, and the asset. */
export function split(segments: readonly string[]): {
  readonly components: readonly string[];
  readonly rest: readonly string[];
} {
  const last = segments.length - 1;
  let at = 0;
  const isComponent = (segment = "") => segment.split(",").some((part) => COMPONENT.test(part));
  while (at < last && isComponent(segments[at])) at++;
  // A version ends the components, so that one of an unknown name is found out.
  const version = segments.findIndex(
    (segment, index) => index >= at && index < last && VERSION.test(segment),
  );
  const isAfterComponents = version >= 0 && segments.slice(at, version).every((part) => part.includes("_"));
  if (isAfterComponents) return { components: segments.slice(0, version), rest: segments.slice(version + 1) };
  return { components: segments.slice(0, at), rest: segments.slice(at) };
}

/** Extensions that URLs contain and that say how the result is written. */
const extensionOf = (name: string): string | undefined => {
  const [, extension] = /\.([a-z0-9]{1,5})$/i.exec(name) ?? [];
  if (extension === undefined) return undefined;
  const word = extension.toLowerCase();
  return /^(?:m3u8|mpd)$/.test(word) || typeOfName(`.${word}`) !== undefined ? word : undefined;
};

const isVideoName = (extension: string) => typeOfName(`.${extension}`)?.startsWith("video/") ?? false;

/** The file of an upload, and the format that the extension of its URL requests. */
function fileOf(
  { resource, seo }: Head,
  segments: readonly string[],
  isTransformed: boolean,
  { extension, videoExtension }: Names,
): { readonly path: string; readonly requested: readonly string[] } {
  const [last = ""] = segments.slice(-1);
  const written = assetPath(segments);
  const requested = extensionOf(decodeText(last, "path"));
  const ending = requested === undefined ? "" : `.${requested}`;
  const id = seo ? assetPath(segments.slice(0, -1)) : written.slice(0, written.length - ending.length);
  const fullPath = seo ? `${id}${ending}` : written;
  if (resource === "raw") return { path: fullPath, requested: isTransformed ? [`${CHANGED}raw`] : [] };
  const isVideo = resource === "video";
  const isFile = extension === undefined && (!isVideo || (requested !== undefined && isVideoName(requested)));
  const own = isVideo ? videoExtension : extension;
  const path = isFile ? fullPath : own ? `${id}.${own}` : id;
  if (requested === undefined) return { path, requested: [] };
  if (isFile || requested === own) return { path, requested: isTransformed ? [`${SAME}${requested}`] : [] };
  return { path, requested: [`${CHANGED}${requested}`] };
}

/** The query of the remote URL, with its `?`. Without `_a`, which Cloudinary's clients add for statistics; other types have no query. */
export function remoteQuery({ type }: Pick<Head, "type">, query: string): string {
  if (type !== "fetch") return "";
  const pairs = readQuery(query).filter(({ name }) => name !== "_a");
  return pairs.length === 0 ? "" : `?${pairs.map(({ raw }) => raw).join("&")}`;
}

/** Folder of uploads, for what a transformation names by its public ID alone. */
export const uploadsOf = ({ preserveAssetDeliveryTypes }: Names, resource: "image" | "video"): string =>
  preserveAssetDeliveryTypes ? `${resource}/upload/` : "";

/** `/<cloud>/<asset type>/<delivery type>/<component>/…/v<version>/<public ID>.<extension>`. */
export function createGrammar(names: Names): Grammar {
  const { cloudName, extension, preserveAssetDeliveryTypes } = names;
  const start = cloudName === undefined ? [] : [cloudName];
  const folderOf = ({ resource, type }: Head) => (preserveAssetDeliveryTypes ? `${resource}/${type}/` : "");

  function storedName(path: string, isVideo: boolean): string {
    const ending = isVideo ? names.videoExtension : extension;
    if (extension === undefined || !ending) return path;
    if (!path.endsWith(`.${ending}`)) throw unprintable(`files without the extension ${ending}`);
    return path.slice(0, -ending.length - 1);
  }

  return {
    chains: true,
    locate({ path, query }, { restrictUnsigned }): Located | undefined {
      const segments = path.split("/");
      const head = headOf(segments, cloudName);
      if (!head) return undefined;
      if (isProtected(head) && !preserveAssetDeliveryTypes && restrictUnsigned !== "all") {
        const why = `${head.type} files that other URLs reach, too`;
        throw unsupported(why, `${head.resource}/${head.type}`);
      }
      const { components, rest } = split(segments.slice(head.at));
      if (rest.length === 0 || (head.seo && rest.length < 2)) throw new MediaError("ENOENT", "Not found");
      if (head.type === "fetch") {
        const url = assetUrl(decodeText(rest.join("/"), "path") + remoteQuery(head, query));
        return { asset: { kind: "url", path: url }, text: components.join("/"), query: [] };
      }
      const { path: name, requested } = fileOf(head, rest, components.length > 0, names);
      return {
        asset: { kind: "path", path: folderOf(head) + name },
        text: [...components, ...requested].join("/"),
        query: [],
      };
    },
    compose({ asset, text }) {
      const media = mediaOf(asset);
      const resource = media !== "file" ? media : text === "" ? "raw" : "image";
      const components = text === "" ? [] : [text];
      if (asset.kind === "url") {
        const parts = [...start, media === "video" ? "video" : "image", "fetch", ...components];
        return { path: [...parts, encodeURIComponent(asset.path)].join("/"), query: "" };
      }
      const [, folder, below] =
        /^((?:image|video|raw)\/(?:upload|private|authenticated)\/)(.+)$/.exec(asset.path) ?? [];
      if (preserveAssetDeliveryTypes && below === undefined)
        throw unprintable("files without a delivery type");
      const [head, name] = preserveAssetDeliveryTypes
        ? [(folder ?? "").slice(0, -1), below ?? ""]
        : [`${resource}/upload`, asset.path];
      const shown = printPath(resource === "raw" ? name : storedName(name, media === "video"));
      // As Cloudinary's clients do, so that no folder is taken for a component.
      const version = shown.includes("/") ? ["v1"] : [];
      return { path: [...start, head, ...components, ...version, shown].join("/"), query: "" };
    },
    tokenize,
    print: (groups) =>
      groups
        .map((group) => group.map(({ key, value }) => `${key}_${encodeURIComponent(value)}`).join(","))
        .join("/"),
  };
}

/** The components of a transformation. */
export const tokenize = (text: string): readonly Group[] =>
  text === "" ? [] : text.split("/").map(componentOf);

/** Whether a group is the extension of the URL. */
export const isExtension = ([item]: Group): boolean => item?.key === CHANGED || item?.key === SAME;

function componentOf(text: string): Group {
  const [marker = ""] = text;
  if (marker === CHANGED || marker === SAME) return [{ key: marker, value: text.slice(1) }];
  const items = itemsOf(text, /,/, /_/);
  const [bare] = items.filter(({ value }) => value === "");
  if (bare) throw invalid("the URL", "parameters such as w_300", bare.key);
  return items;
}
