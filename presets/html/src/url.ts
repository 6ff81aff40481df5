export interface UrlOptions {
  /** Pixels, one of `widths`. */
  readonly width: number;
  /** Width and height of the shape to which the image is cropped. Left out: its own. */
  readonly ratio?: readonly [width: number, height: number];
  /** Further parameters in the language of the URL. */
  readonly transformation?: string;
}

/** URL of an image in a size. `src`: what the page calls it, relative to the server or to the endpoint, possibly with a query. */
export type UrlOf = (src: string, options: UrlOptions) => string;

/** A size of ImageKit's URLs; without one the image keeps its own. */
export interface ImagekitUrlOptions extends Omit<UrlOptions, "width"> {
  readonly width?: number;
  /** Pixels, in place of a width. */
  readonly height?: number;
}

/** ImageKit's URLs. Without a shape images are never enlarged; `enlarge: false` of the endpoint does it for all. */
export function imagekitUrl(server: string): (src: string, options: ImagekitUrlOptions) => string {
  const base = server.replace(/\/+$/, "");
  if (base !== "" && !/^(?:https?:\/)?\/[^/]/.test(base)) {
    throw new TypeError(
      `Expected the URL of a server, such as https://img.example.com, but received '${server}'`,
    );
  }
  return (src, { width, height, ratio, transformation }) => {
    const size = width !== undefined ? `w-${width}` : height !== undefined && `h-${height}`;
    const shape = ratio ? `ar-${reduced(ratio).join("-")}` : "c-at_max";
    const chain = [size, size && shape, transformation].filter(Boolean).join(",");
    const step = chain === "" ? "" : `/tr:${chain}`;
    return `${base}${step}/${encoded(src.replace(/^\/+/, ""))}`;
  };
}

/** What a URL cannot contain, and the comma and spaces that separate the candidates of a `srcset`. */
const encoded = (src: string) => src.replace(/[^\x21-\x7e]|["<>\\^`{|},]/gu, encodeURIComponent);

function reduced([width, height]: readonly [number, number]): readonly [number, number] {
  const divisor = greatest(width, height);
  return [width / divisor, height / divisor];
}

const greatest = (a: number, b: number): number => (b === 0 ? a : greatest(b, a % b));
