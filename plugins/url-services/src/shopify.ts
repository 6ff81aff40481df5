import type { Plugin } from "@mediatap/core";
import {
  type Grammar,
  integer,
  oneOf,
  type Parameters,
  printQuery,
  type Rule,
  words,
} from "@mediatap/core/language";
import type { Focus, Rgba } from "@mediatap/core/steps";
import {
  background,
  flatten,
  format,
  MAX_SIDE,
  paint,
  pixelsOf,
  quality,
  queryService,
  resizeRule,
  type ServiceOptions,
  side,
  sizeOf,
  type Written,
} from "./common.ts";

type Crop = "center" | "top" | "bottom" | "left" | "right" | "region";

interface ShopifyValues {
  width: number;
  height: number;
  scale: 1 | 2 | 3;
  crop: Crop;
  crop_left: number;
  crop_top: number;
  crop_width: number;
  crop_height: number;
  pad_color: Rgba;
  format: Written;
  quality: number;
}

/** Longest side that the service writes. */
const MAX_SIDE_PIXELS = 5760;

const edge = (means: string) => ({ means, values: "pixels", read: integer(0, MAX_SIDE) });

/** https://shopify.dev/docs/api/liquid/filters/image_url, and the suffixes of the older `img_url`. */
export const PARAMETERS: Parameters<ShopifyValues> = {
  width: side("width", [], MAX_SIDE_PIXELS),
  height: side("height; images are fitted inside both sides, and not enlarged", [], MAX_SIDE_PIXELS),
  scale: {
    means: "multiplies both sides; `@2x` in a file name",
    values: "1, 2, 3",
    read: oneOf(
      new Map([
        ["1", 1],
        ["2", 2],
        ["3", 3],
      ] as const),
    ),
  },
  crop: {
    means: "fills both sides and shows this part; `region` cuts a window out, before the image is scaled",
    values: "`center`, `top`, `bottom`, `left`, `right`, `region`",
    read: words("center", "top", "bottom", "left", "right", "region"),
  },
  crop_left: edge("left edge of the window"),
  crop_top: edge("its top edge"),
  crop_width: side("its width"),
  crop_height: side("its height"),
  pad_color: background("pads the image to both sides in this colour, unless it is cropped"),
  format: format({
    jpg: { format: "jpeg" },
    pjpg: { format: "jpeg", progressive: true },
    png: { format: "png" },
    webp: { format: "webp" },
    avif: { format: "avif" },
    gif: { format: "gif" },
  }),
  quality: quality(),
};

const region: Rule<ShopifyValues> = {
  uses: ["crop", "crop_left", "crop_top", "crop_width", "crop_height"],
  steps({ crop, crop_left: x = 0, crop_top: y = 0, crop_width: width, crop_height: height }) {
    if (crop !== "region") return [];
    return [
      {
        op: "extract",
        width: width ?? ["sub", "currentWidth", x],
        height: height ?? ["sub", "currentHeight", y],
        at: { from: "corner", x, y },
        outside: "clip",
        shrink: true,
      },
    ];
  },
  fromStep(step) {
    if (step.op !== "extract" || typeof step.at?.x !== "number" || typeof step.at.y !== "number")
      return undefined;
    return {
      crop: "region",
      ...(step.at.x !== 0 && { crop_left: step.at.x }),
      ...(step.at.y !== 0 && { crop_top: step.at.y }),
      ...pixelsOf(["crop_width", "crop_height"], step),
    };
  },
};

const isPadded = ({ width, height, crop, pad_color: color }: Partial<ShopifyValues>): boolean =>
  color !== undefined &&
  width !== undefined &&
  height !== undefined &&
  (crop === undefined || crop === "region");

const resize = resizeRule<ShopifyValues>(
  ["width", "height", "scale", "crop", "pad_color"],
  (values) => {
    const { width, height, scale = 1, crop, pad_color: color } = values;
    if (width === undefined && height === undefined) return [];
    const sides = sizeOf(["width", "height"], width && width * scale, height && height * scale);
    if (color !== undefined && isPadded(values)) {
      return [{ op: "resize", ...sides, fit: "contain", enlarge: false, background: paint(color) }];
    }
    if (crop === undefined || crop === "region" || width === undefined || height === undefined) {
      return [{ op: "resize", ...sides, fit: "inside", enlarge: false }];
    }
    return [{ op: "resize", ...sides, fit: "cover", enlarge: false, focus: crop satisfies Focus }];
  },
  (step) => {
    const values = pixelsOf(["width", "height"], step);
    const focus = step.focus ?? "center";
    const isEdge =
      focus === "center" || focus === "top" || focus === "bottom" || focus === "left" || focus === "right";
    return [
      ...(step.background?.kind === "color" ? [{ ...values, pad_color: step.background.color }] : []),
      values,
      ...(isEdge ? [{ ...values, crop: focus }] : []),
    ];
  },
);

const NAMED: Readonly<Record<string, number | undefined>> = {
  pico: 16,
  icon: 32,
  thumb: 50,
  small: 100,
  compact: 160,
  medium: 240,
  large: 480,
  grande: 600,
  original: undefined,
  master: undefined,
};

/** `photo_300x200_crop_center@2x.progressive.jpg.webp`. */
const SUFFIXED = new RegExp(
  `^(.+?)_(?:(${Object.keys(NAMED).join("|")})|(\\d*)x(\\d*))(?:_crop_(center|top|bottom|left|right))?(?:@([23])x)?(\\.progressive)?(\\.[a-z]+)(?:\\.(png|jpg|webp|avif))?$`,
  "i",
);

/** The path without a suffix, and the suffix as parameters. */
function withoutSuffix(path: string): { readonly path: string; readonly text: string } {
  const names = path.split("/");
  const [, name, named, wide = "", high = "", crop, scale, progressive, extension, other] =
    SUFFIXED.exec(names.at(-1) ?? "") ?? [];
  if (name === undefined || (named === undefined && wide === "" && high === "")) return { path, text: "" };
  const length = named === undefined ? undefined : NAMED[named.toLowerCase()];
  const [width, height] = length === undefined ? [wide, high] : [String(length), String(length)];
  const pairs = [
    ["width", width],
    ["height", height],
    ["crop", crop],
    ["scale", scale],
    ["format", progressive === undefined ? other : "pjpg"],
  ] as const;
  return {
    path: [...names.slice(0, -1), `${name}${extension}`].join("/"),
    text: printQuery(pairs.flatMap(([key, value]) => (value ? [[key, value] as const] : []))),
  };
}

/** Parameters of the query count more than those of a file name. */
const grammar = (byQuery: Grammar): Grammar => ({
  ...byQuery,
  locate(url, endpoint) {
    const located = byQuery.locate(url, endpoint);
    if (!located) return undefined;
    const { path, text } = withoutSuffix(located.asset.path);
    return {
      ...located,
      asset: { kind: "path", path },
      text: [text, located.text].filter((part) => part !== "").join("&"),
    };
  },
});

/** The language of Shopify's CDN: `/photo.jpg?width=300&crop=center`, and `/photo_300x200_crop_center.jpg`. */
export const urlShopify = (options: ServiceOptions = {}): Plugin =>
  queryService(
    {
      name: "url-shopify",
      parameters: PARAMETERS,
      order: [region, resize, flatten<ShopifyValues>("pad_color", ["width", "height", "crop"], isPadded)],
      // The version of a file that the service appends to each URL.
      versions: ["v"],
      grammar,
      // The service negotiates the format of each image.
      defaults: { format: "auto", sanitizeSvg: true },
    },
    options,
  );

export default urlShopify;
