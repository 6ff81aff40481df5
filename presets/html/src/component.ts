import { imagekitUrl } from "./url.ts";
import { createWidths } from "./widths.ts";

/** Where the image component of a framework requests its images. */
export interface ComponentOptions {
  /** URL of the endpoint: `"https://img.example.com"`. */
  readonly server: string;
  /** Widths in pixels that images are requested in: the field `widths` of the endpoint. @default any */
  readonly widths?: readonly number[] | undefined;
}

/** What the image component of a framework requests, in the words of sharp. Sizes may be texts, as in HTML. */
export interface ComponentImage {
  /** Pixels. Beside a height it is the shape of the image, else the image keeps its own and is not enlarged. */
  readonly width?: number | string | undefined;
  /** Pixels. */
  readonly height?: number | string | undefined;
  /** Shape of the image, in place of a height. */
  readonly ratio?: readonly [width: number, height: number] | undefined;
  /** How an image gets another shape: `cover`, `contain`, `fill`, `inside` or `outside`. @default cover */
  readonly fit?: string | undefined;
  /** What a crop keeps: `top`, `left top`, …, `auto` (also `attention`, `entropy`) or `face`. @default center */
  readonly position?: string | undefined;
  /** Colour of what `contain` adds and of transparent pixels: a name, or hexadecimal digits. */
  readonly background?: string | undefined;
  /** Name of the format. @default the best one that the browser accepts */
  readonly format?: string | undefined;
  /** 1–100. @default that of the endpoint */
  readonly quality?: number | string | undefined;
  /** Radius in pixels. */
  readonly blur?: number | string | undefined;
  /** Further parameters in the language of the URL, for instance `"rt-90"`. */
  readonly transformation?: string | undefined;
}

export interface ComponentUrls {
  /** Throws `TypeError` for options that no URL can express. */
  url(src: string, image: ComponentImage): string;
  /** The width in which an image is requested that is shown in this one. */
  widthFor(width: number): number;
}

/** Parameters of ImageKit by the words of sharp. */
export const FITS: Readonly<Record<string, string | undefined>> = {
  cover: undefined,
  contain: "cm-pad_resize",
  fill: "c-force",
  inside: "c-at_max",
  outside: "c-at_least",
};

export const FORMATS: readonly string[] = ["auto", "jpg", "jpeg", "png", "webp", "avif", "gif", "svg"];

/** URLs of ImageKit's language for the image component of a framework. Throws `TypeError` for options that are wrong. */
export function createComponentUrls({ server, widths }: ComponentOptions): ComponentUrls {
  if (typeof server !== "string" || server === "")
    throw new TypeError(`Expected the URL of a server, such as https://img.example.com, but received none`);
  const urlOf = imagekitUrl(server);
  const widthFor = widths ? createWidths(widths).for : (width: number) => width;

  function url(src: string, image: ComponentImage): string {
    if (src.startsWith("data:")) return src;
    const width = pixels("width", image.width);
    const height = pixels("height", image.height);
    const ratio =
      image.ratio ?? (width !== undefined && height !== undefined ? ([width, height] as const) : undefined);
    const { fit, position, background, format, quality, blur } = image;
    const parameters = [
      fit && oneOf("fit", fit, Object.keys(FITS)) && ratio && FITS[fit],
      position && ratio && focusOf(position),
      background && `bg-${colorOf(background)}`,
      blur && `bl-${within("blur", blur)}`,
      format && oneOf("format", format, FORMATS) && format !== "auto" && `f-${format}`,
      (quality ?? "") !== "" && `q-${within("quality", quality)}`,
      image.transformation,
    ];
    const transformation = parameters.filter(Boolean).join(",");
    return urlOf(src, {
      // A server compares a height without a width with its widths.
      ...(width !== undefined
        ? { width: widthFor(width) }
        : height !== undefined && { height: widthFor(height) }),
      ...(ratio && { ratio }),
      ...(transformation !== "" && { transformation }),
    });
  }
  return { url, widthFor };
}

function pixels(name: string, value: number | string | undefined): number | undefined {
  if (value === undefined || value === "") return undefined;
  const number = Math.round(Number(value));
  if (number > 0 && Number.isFinite(number)) return number;
  throw new TypeError(`Expected positive number for ${name} but received '${value}'`);
}

function within(name: string, value: number | string | undefined): number {
  const number = Math.round(Number(value));
  if (number >= 1 && number <= 100) return number;
  throw new TypeError(`Expected number between 1 and 100 for ${name} but received '${value}'`);
}

function oneOf(name: string, value: string, values: readonly string[]): true {
  if (values.includes(value)) return true;
  throw new TypeError(`Expected one of ${values.join(", ")} for ${name} but received '${value}'`);
}

const SEARCHED: Readonly<Record<string, string>> = {
  auto: "auto",
  attention: "auto",
  entropy: "auto",
  face: "face",
};

/** `fo` of a position as in CSS and sharp, which know both orders: `left top`, `top left`. */
function focusOf(position: string): string | undefined {
  const searched = SEARCHED[position];
  if (searched !== undefined) return `fo-${searched}`;
  const match = /^(?:(top|bottom) ?(left|right)?|(left|right) ?(top|bottom)?)$/.exec(
    position.replace(/[-_\s]+|\bcent(?:er|re)\b/g, " ").trim(),
  );
  const [, top, right, left, bottom] = match ?? [];
  const sides = [top ?? bottom, left ?? right].filter(Boolean);
  if (sides.length > 0) return `fo-${sides.join("_")}`;
  if (/^cent(?:er|re)(?: cent(?:er|re))?$/.test(position)) return undefined;
  throw new TypeError(`Expected a position such as 'left top' or 'auto' but received '${position}'`);
}

function colorOf(background: string): string {
  const [, color] = /^#?([\da-z]+)$/i.exec(background) ?? [];
  if (color !== undefined) return color.toLowerCase();
  throw new TypeError(
    `Expected a color such as '#ffffff' or 'white' for background but received '${background}'`,
  );
}
