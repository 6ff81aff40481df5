import { invalid, type Plugin, parseOptions, type Step } from "@mediatap/core";
import {
  assetUrl,
  decodeText,
  type Grammar,
  ignored,
  integer,
  neutral,
  number,
  oneOf,
  type Parameters,
  type Reader,
  type Rule,
  readQuery,
  refused,
  unprintable,
  type Values,
} from "@mediatap/core/language";
import type { Expression } from "@mediatap/core/steps";
import { z } from "zod";
import {
  BLACK,
  type Current,
  type Extent,
  extent,
  extentOf,
  lengthOf,
  MAX_SIDE,
  numbers,
  paint,
  printExtent,
  quality,
  queryService,
  resizeRule,
  type ServiceOptions,
  sizeOf,
} from "./common.ts";

/** A window, or whether the image fills both sides. */
type Crop = boolean | readonly [x: Extent, y: Extent, width: Extent, height: Extent];

interface PhotonValues {
  w: Extent;
  h: Extent;
  crop: Crop;
  resize: readonly number[];
  fit: readonly number[];
  lb: readonly number[];
  zoom: number;
  quality: number;
  strip: "all" | "info";
  filter: "grayscale";
  brightness: number;
  contrast: number;
  ssl: true;
  ulb: never;
  colorize: never;
  smooth: never;
}

const print = printExtent("%");

/** Percentages, unless it ends in `px`. */
const part: Reader<Extent> = (text, key) =>
  text.endsWith("px")
    ? { px: integer(0, MAX_SIDE)(text.slice(0, -2), key) }
    : { part: number(0, 100)(text, key) / 100 };

const printPart = (value: Extent) =>
  "px" in value ? `${value.px}px` : String(Number((value.part * 100).toFixed(6)));

const crop: Reader<Crop> = (text, key) => {
  if (text === "1" || text === "true") return true;
  if (text === "0" || text === "false") return false;
  const [x, y, width, height, more] = text.split(",").map((one) => part(one, key));
  if (!x || !y || !width || !height || more)
    throw invalid(key, "1, or x,y,width,height such as 12,25,60,60px", text);
  return [x, y, width, height];
};

const box: Reader<readonly number[]> = numbers([2], "width,height such as 300,200", integer(1, MAX_SIDE));
const BOX = { values: "`<width>,<height>`", read: box, print: (value: readonly number[]) => value.join(",") };

/** https://developer.wordpress.com/docs/site-accelerator/api/ */
export const PARAMETERS: Parameters<PhotonValues> = {
  w: { means: "width", values: "pixels, percentages (`50%`)", read: extent("%"), print },
  h: {
    means: "height; images are fitted inside both sides, and not enlarged",
    values: "as `w`",
    read: extent("%"),
    print,
  },
  crop: {
    means: "1: fills `w` and `h`; else cuts a window out, before the image is scaled",
    values: "`1`, `0`, `<x>,<y>,<width>,<height>` in per cent or, with `px` behind a number, in pixels",
    read: crop,
    print: (value) => (typeof value === "boolean" ? (value ? "1" : "0") : value.map(printPart).join(",")),
  },
  resize: { means: "fills both sides; the image is not enlarged", ...BOX },
  fit: { means: "fits the image inside both sides; it is not enlarged", ...BOX },
  lb: { means: "fits the image inside both sides, with black around it", ...BOX },
  zoom: { means: "multiplies all of these sizes", values: "0.1–10", read: number(0.1, 10) },
  quality: quality(),
  strip: {
    means: "removes metadata; `info` keeps the colour profile",
    values: "`all`, `info`",
    read: oneOf(
      new Map([
        ["all", "all"],
        ["info", "info"],
        ["none", "info"],
      ] as const),
    ),
    output: (value) => ({ metadata: "strip", ...(value === "info" && { colorProfile: "keep" }) }),
    fromOutput: ({ metadata, colorProfile }) =>
      colorProfile === "keep" ? "info" : metadata === "strip" ? "all" : undefined,
  },
  filter: {
    means: "shades of grey; other filters are refused",
    values: "`grayscale`",
    read: oneOf(new Map([["grayscale", "grayscale"]] as const), "this filter", [
      "negate",
      "sepia",
      "edgedetect",
      "emboss",
      "blurgaussian",
      "blurselective",
      "meanremoval",
    ]),
    step: () => ({ op: "grayscale" }),
    fromStep: (step) => (step.op === "grayscale" ? "grayscale" : undefined),
  },
  brightness: neutral<number>(0, "brightness", integer(-255, 255)),
  contrast: neutral<number>(0, "contrast", integer(-100, 100)),
  ssl: ignored("the protocol by which a file is fetched from its host"),
  ulb: refused("removing black edges"),
  colorize: refused("tints"),
  smooth: refused("smoothing"),
};

const window: Rule<PhotonValues> = {
  uses: ["crop"],
  steps({ crop }) {
    if (crop === undefined || typeof crop === "boolean") return [];
    const [x, y, width, height] = crop;
    const along = (value: Extent, current: Current): Expression =>
      "px" in value ? value.px : ["mul", current, value.part];
    return [
      {
        op: "extract",
        width: along(width, "currentWidth"),
        height: along(height, "currentHeight"),
        at: { from: "corner", x: along(x, "currentWidth"), y: along(y, "currentHeight") },
        outside: "clip",
        shrink: true,
      },
    ];
  },
  fromStep(step) {
    if (step.op !== "extract" || !step.at) return undefined;
    const [x, y, width, height] = [step.at.x, step.at.y, step.width, step.height].map(extentOf);
    return x && y && width && height ? { crop: [x, y, width, height] } : undefined;
  },
};

type Photon = Values<PhotonValues>;

const resize = resizeRule<PhotonValues>(
  ["w", "h", "crop", "resize", "fit", "lb", "zoom"],
  ({ w, h, crop, resize, fit, lb, zoom = 1 }) => {
    const steps: Step[] = [];
    const sides = ([width = 1, height = 1]: readonly number[]) => ({
      width: Math.max(1, Math.round(width * zoom)),
      height: Math.max(1, Math.round(height * zoom)),
    });
    if (w !== undefined || h !== undefined) {
      const size = sizeOf(
        ["width", "height"],
        w && lengthOf(w, "currentWidth", zoom),
        h && lengthOf(h, "currentHeight", zoom),
      );
      const kind = crop === true && w !== undefined && h !== undefined ? "cover" : "inside";
      steps.push({ op: "resize", ...size, fit: kind, enlarge: false });
    }
    if (resize) steps.push({ op: "resize", ...sides(resize), fit: "cover", enlarge: false });
    if (fit) steps.push({ op: "resize", ...sides(fit), fit: "inside", enlarge: false });
    if (lb)
      steps.push({ op: "resize", ...sides(lb), fit: "contain", enlarge: true, background: paint(BLACK) });
    return steps;
  },
  ({ width, height }) => {
    const values: Photon = sizeOf(["w", "h"], extentOf(width), extentOf(height));
    const both = typeof width === "number" && typeof height === "number" ? [width, height] : undefined;
    return [values, ...(both ? [{ resize: both }, { lb: both }] : [])];
  },
);

const schema = z.strictObject({
  versions: z.array(z.string().min(1)).default([]),
  remote: z.boolean().default(false),
});

export interface UrlPhotonOptions extends ServiceOptions {
  /**
   * Paths begin with the host that a file is fetched from, as at i0.wp.com: `/example.com/photo.jpg?w=300`.
   * @default false
   */
  readonly remote?: boolean;
}

/** The path is a URL, without its protocol. */
const remotely = (byQuery: Grammar): Grammar => ({
  ...byQuery,
  locate(url, endpoint) {
    const located = byQuery.locate({ path: "_", query: url.query }, endpoint);
    if (!located || url.path === "") return undefined;
    const isSecure = readQuery(url.query).some(({ name, rawValue }) => name === "ssl" && rawValue !== "0");
    const path = assetUrl(`${isSecure ? "https" : "http"}://${url.path}`);
    decodeText(url.path, "path");
    return { ...located, asset: { kind: "url", path } };
  },
  compose({ asset, text, query }) {
    const url = byQuery.compose({ asset: { kind: "path", path: "_" }, text, query });
    if (asset.path.includes("?")) throw unprintable("a query of the source's URL");
    const [, protocol, rest = ""] = /^(https?):\/\/(.*)$/s.exec(asset.path) ?? [];
    const ssl = protocol === "https" && !/(?:^|&)ssl=1/.test(url.query) ? "ssl=1" : "";
    return { path: rest, query: [ssl, url.query].filter((part) => part !== "").join("&") };
  },
});

/** The language of Photon, which Jetpack and WordPress.com use: `/wp-content/uploads/photo.jpg?w=300`. */
export function urlPhoton(options: UrlPhotonOptions = {}): Plugin {
  const { remote, versions } = parseOptions(schema, options, "url-photon");
  return queryService(
    {
      name: "url-photon",
      parameters: PARAMETERS,
      order: [window, resize, "filter", "brightness", "contrast"],
      ...(remote && { grammar: remotely }),
      // The service negotiates the format of each image.
      defaults: { format: "auto", sanitizeSvg: true },
    },
    { versions },
  );
}

export default urlPhoton;
