import { imagekitUrl, type UrlOf } from "./url.ts";
import { assertPixels, createWidths } from "./widths.ts";

export {
  type ComponentImage,
  type ComponentOptions,
  type ComponentUrls,
  createComponentUrls,
} from "./component.ts";
export { type ImagekitUrlOptions, imagekitUrl, type UrlOf, type UrlOptions } from "./url.ts";

export interface ImagesOptions {
  /** URL of the endpoint: `"https://img.example.com"`. Left out: the page's own host. */
  readonly server?: string;
  /** Widths in pixels that images are requested in: the field `widths` of the endpoint. @default WIDTHS */
  readonly widths?: readonly number[];
  /** How a URL is written. @default ImageKit's URLs: `/tr:w-640,c-at_max/dogs.jpg` */
  readonly url?: UrlOf;
}

/** Of servers that do not restrict widths. */
export const WIDTHS: readonly number[] = [160, 320, 480, 640, 960, 1280, 1920, 2560];

/** What one image shows. */
export interface Shown {
  /** CSS pixels; beside `sizes`, those of the largest layout. Left out: all widths are offered. */
  readonly width?: number;
  /** CSS pixels. With `width` it is the shape to which the image is cropped. */
  readonly height?: number;
  /** Attribute `sizes`: how wide the image is in which layout. Left out: it is always `width` wide. */
  readonly sizes?: string;
  /** Further parameters in the language of the URL, for instance `"fo-auto"`. */
  readonly transformation?: string;
}

export interface ImageOptions extends Shown {
  /** What the image shows, in words; `""` for decoration. */
  readonly alt: string;
  /** It is seen first: load it at once, before others. @default false */
  readonly priority?: boolean;
  /** Further attributes, such as `class`. `true`: without a value; `undefined` and `false`: none. */
  readonly attributes?: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** The image for some layouts, for instance another crop on narrow screens. */
export interface PictureSource extends Shown {
  /** Media condition: `"(max-width: 600px)"`. */
  readonly media: string;
  /** Another image. @default the one of the picture */
  readonly src?: string;
}

export interface PictureOptions extends ImageOptions {
  /** The first one whose condition is met is shown; if none is, the image itself. */
  readonly sources: readonly PictureSource[];
}

/** Attributes by name, as of HTML. */
export type Attributes = Readonly<Record<string, string>>;

export interface Images {
  /** Attributes of an `<img>`, not escaped: for templates and frameworks that escape themselves. */
  attributes(src: string, options: ImageOptions): Attributes;
  /** An `<img>`. */
  img(src: string, options: ImageOptions): string;
  /** A `<picture>`. */
  picture(src: string, options: PictureOptions): string;
}

/** Densities of screens that an image of a fixed size is offered for; nobody sees the difference beyond 2. */
const DENSITIES = [1, 2];

/** Makes the functions of one server. Throws `TypeError` for options that are wrong. */
export function createImages({ server = "", widths = WIDTHS, url }: ImagesOptions = {}): Images {
  const { all: rungs, for: rungFor } = createWidths(widths);
  const urlOf = url ?? imagekitUrl(server);

  /** `src`, `srcset` and `sizes`. */
  function candidates(src: string, { width, height, sizes, transformation }: Shown) {
    if (width !== undefined) assertPixels("width", width);
    if (height !== undefined) assertPixels("height", height);
    const at = (rung: number) =>
      urlOf(src, {
        width: rung,
        ...(width !== undefined && height !== undefined && { ratio: [width, height] as const }),
        ...(transformation !== undefined && { transformation }),
      });
    const first = at(rungFor(width ?? 0));
    if (sizes === undefined && width !== undefined) {
      const dense = DENSITIES.map((density) => [rungFor(width * density), density] as const);
      const distinct = dense.filter(([rung], index) => index === 0 || rung !== dense[index - 1]?.[0]);
      const list = distinct.map(([rung, density]) => `${at(rung)} ${density}x`);
      return { src: first, ...(list.length > 1 && { srcset: list.join(", ") }) };
    }
    const most = rungFor(width === undefined ? Infinity : width * (DENSITIES.at(-1) as number));
    const list = rungs.filter((rung) => rung <= most).map((rung) => `${at(rung)} ${rung}w`);
    return { src: first, srcset: list.join(", "), sizes: sizes ?? "100vw" };
  }

  function attributes(src: string, options: ImageOptions): Attributes {
    const { alt, width, height, priority = false, attributes: more = {} } = options;
    const found = candidates(src, options);
    return withoutEmpty({
      // Before `src`, so that a browser that reads the attributes in order loads only what it shows.
      ...(priority ? { fetchpriority: "high" } : { loading: "lazy" }),
      decoding: "async",
      alt,
      width,
      height,
      sizes: found.sizes,
      srcset: found.srcset,
      src: found.src,
      ...more,
    });
  }

  const img = (src: string, options: ImageOptions) => `<img${textOf(attributes(src, options))}>`;

  function picture(src: string, { sources, ...image }: PictureOptions): string {
    const parts = sources.map(({ media, src: other = src, ...shown }) => {
      const { src: single, srcset = single, sizes } = candidates(other, shown);
      const { width, height } = shown;
      return `<source${textOf(withoutEmpty({ media, width, height, sizes, srcset }))}>`;
    });
    return `<picture>${parts.join("")}${img(src, image)}</picture>`;
  }

  return { attributes, img, picture };
}

function withoutEmpty(fields: Readonly<Record<string, string | number | boolean | undefined>>): Attributes {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined && value !== false);
  return Object.fromEntries(set.map(([name, value]) => [name, value === true ? "" : String(value)]));
}

const ESCAPED: Readonly<Record<string, string>> = { "&": "&amp;", '"': "&quot;", "<": "&lt;", ">": "&gt;" };

function textOf(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => {
      if (!/^[^\s"'<>/=\p{Cc}]+$/u.test(name)) {
        throw new TypeError(`Expected the name of an attribute but received '${name}'`);
      }
      return ` ${name}="${value.replace(/[&"<>]/g, (one) => ESCAPED[one] as string)}"`;
    })
    .join("");
}
