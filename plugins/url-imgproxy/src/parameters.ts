import {
  ignored,
  integer,
  type Located,
  neutral,
  number,
  oneOf,
  type Parameter,
  type Parameters,
  printHexColour,
  type Reader,
  refused,
  unsupported,
} from "@mediatap/core/language";
import type { ImageFormat, Rgba } from "@mediatap/core/steps";
import type { Sources } from "./source.ts";
import * as read from "./values.ts";

type Asset = Located["asset"];
export type ResizingType = "fit" | "fill" | "fill-down" | "force" | "auto";

/** What the values of the options are. */
export interface ImgproxyValues {
  rs: true;
  s: true;
  rt: ResizingType;
  w: number;
  h: number;
  mw: number;
  mh: number;
  z: readonly [number, number];
  dpr: number;
  el: boolean;
  ex: read.Extension;
  exar: read.Extension;
  g: read.Gravity;
  c: read.Crop;
  car: number;
  t: number;
  pd: readonly [number, number, number, number];
  ar: boolean;
  rot: number;
  fl: readonly [horizontal: boolean, vertical: boolean];
  bg: Rgba | "none";
  bga: number;
  bl: number;
  sh: number;
  sa: number;
  col: Rgba;
  gr: { readonly color: Rgba; readonly angle: number; readonly stop: number };
  wm: read.Watermark;
  wmu: string;
  wms: readonly [number, number];
  wmr: number;
  sm: boolean;
  kcr: boolean;
  scp: boolean;
  cp: "srgb";
  dpi: number;
  eth: boolean;
  q: number;
  fq: ReadonlyMap<string, number>;
  mb: number;
  jpgo: boolean;
  pngo: boolean;
  webpo: boolean;
  f: read.Format;
  pg: number;
  pgs: number;
  da: boolean;
  vts: number;
  vtk: boolean;
  fiu: Asset;
  skp: never;
  raw: boolean;
  cb: string;
  exp: string;
  fn: string;
  att: boolean;
  pr: readonly string[];
  a: true;
  br: number;
  co: number;
  ra: string;
  hs: string;
  ph: boolean;
  bc: boolean;
  mc: number;
  dt: number;
  aq: string;
  pix: number;
  op: never;
  c_obj: never;
  ush: never;
  ba: never;
  bd: never;
  dd: never;
  pbl: never;
  wmt: never;
  wmsh: never;
  st: never;
  avifo: never;
  vtt: never;
  vta: never;
  msr: never;
  msfs: never;
  maf: never;
  mafr: never;
  mrd: never;
  ct: true;
}

/** What is there for the table; the grammar or the reader of a whole URL takes care of it. */
const elsewhere = <T>(parameter: Omit<Parameter<T>, "delivery">): Parameter<T> => ({
  ...parameter,
  delivery: () => ({}),
});

const off = (cannot: string, also: readonly string[]) => neutral<boolean>(false, cannot, read.flag, also);

/** The first of several arguments. */
const head = (text: string): string => text.split(":")[0] as string;
const intensity: Reader<number> = (text, key) => number(0, 1)(head(text), key);

const pageNumber = integer(0, 100_000);

/** Only the first argument counts: others are refused unless they are off. */
const first =
  (cannot: string, on: Reader<boolean>): Reader<boolean> =>
  (text, key) => {
    const [head = "", ...rest] = text.split(":");
    if (rest.some((part) => part !== "" && !/^(?:0|f|false)$/.test(part)))
      throw unsupported(cannot, key, text);
    return head !== "" && on(head, key);
  };

const progressive = (cannot: string, also: readonly string[], format: ImageFormat): Parameter<boolean> => ({
  means: `written progressively; the other arguments are refused`,
  values: "`1`, `0`",
  also,
  read: first(cannot, read.flag),
  print: read.printFlag,
  output: (progressive) => ({ progressive }),
  fromOutput: (output) => (output.format === format ? output.progressive : undefined),
});

const flagged = (means: string, also: readonly string[]) => ({
  means,
  values: "`1`, `0`",
  also,
  read: read.flag,
  print: read.printFlag,
});

const DIRECTIONS: ReadonlyMap<string, number> = new Map([
  ["down", 180],
  ["up", 0],
  ["right", 90],
  ["left", 270],
]);

const gradient: Reader<ImgproxyValues["gr"]> = (text, key) => {
  const [opacity = "", color = "", direction = "", start = "", stop = ""] = read.argumentsOf(text, key, 5);
  const turn = /^-?\d/.test(direction) ? (number(-360, 360)(direction, key) + 540) % 360 : undefined;
  if (turn !== undefined && turn % 90 !== 0) throw unsupported("gradients that are aslant", key, text);
  if (start !== "" && number(0, 1)(start, key) > 0) throw unsupported("gradients with a start", key, text);
  return {
    color: { ...read.colour(color === "" ? "000" : color, key), alpha: number(0, 1)(opacity, key) },
    angle: turn ?? oneOf(DIRECTIONS)(direction === "" ? "down" : direction, key),
    stop: stop === "" ? 1 : number(0.01, 1)(stop, key),
  };
};

const colorize: Reader<Rgba> = (text, key) => {
  const [opacity = "", color = "", keepAlpha = ""] = read.argumentsOf(text, key, 3);
  if (keepAlpha !== "" && read.flag(keepAlpha, key)) throw unsupported("overlays on opaque parts", key, text);
  return { ...read.colour(color === "" ? "000" : color, key), alpha: number(0, 1)(opacity, key) };
};

/** The options, by their short names. */
export function createParameters(sources: Sources): Parameters<ImgproxyValues> {
  const asset: Reader<Asset> = (text, key) => sources.assetFrom(read.base64(text, key));
  return {
    rs: elsewhere({
      means: "stands for `rt`, `w`, `h`, `el` and `ex`",
      values: "`fill:300:200:1`; each can be left out",
      also: ["resize"],
      read: () => true,
    }),
    s: elsewhere({
      means: "stands for `w`, `h`, `el` and `ex`",
      values: "`300:200`",
      also: ["size"],
      read: () => true,
    }),
    rt: {
      means:
        "how the image gets its size; `auto` is `fill` if image and box are both upright or both wide, else `fit`",
      values: "`fit`, `fill`, `fill-down`, `force`, `auto`",
      also: ["resizing_type"],
      read: oneOf(
        new Map(
          (["fit", "fill", "fill-down", "force", "auto"] as const).map((word) => [word as string, word]),
        ),
      ),
    },
    w: { means: "width; 0: it follows", values: "0–100000", also: ["width"], read: read.pixels },
    h: { means: "height; 0: it follows", values: "0–100000", also: ["height"], read: read.pixels },
    mw: {
      means: "least width, also by enlarging; not beside `dpr`, nor with another `rt` than `fit`",
      values: "0–100000",
      also: ["min-width"],
      read: read.pixels,
    },
    mh: {
      means: "least height, in the same way",
      values: "0–100000",
      also: ["min-height"],
      read: read.pixels,
    },
    z: {
      means:
        "multiplies the size; two different factors are refused beside `w` or `h` unless `rt` is `force`",
      values: "`2`, `2:1.5`",
      also: ["zoom"],
      read: read.zoom,
      print: ([across, down]) => (across === down ? String(across) : `${across}:${down}`),
    },
    dpr: {
      means: "multiplies the size, distances and padding; below 1 not with `fill` unless `el` is set",
      values: "above 0",
      read: read.positive,
    },
    el: flagged("enlarges an image that is smaller than the box", ["enlarge"]),
    ex: {
      means: "makes the canvas as large as the box; beside `dpr` only if `el` is set",
      values: "`1`, `1:<gravity>`",
      also: ["extend"],
      read: read.extension,
      print: read.printExtension,
    },
    exar: {
      means: "makes the canvas larger, up to the aspect ratio of the box",
      values: "`1`, `1:<gravity>`",
      also: ["extend_ar", "extend_aspect_ratio"],
      read: read.extension,
      print: read.printExtension,
    },
    g: {
      means:
        "which part a crop shows; `sm`: what catches the eye; `obj:face`: faces. Other objects are refused",
      values:
        "`ce`, `no`, `so`, `ea`, `we`, `noea`, `nowe`, `soea`, `sowe`, with distances: `nowe:10:0.1`; `fp:0.5:0.2`, `sm`, `obj:face`",
      also: ["gravity"],
      read: read.gravity,
      print: read.printGravity,
    },
    c: {
      means: "cuts a window out before the image is scaled; below 1 fractions, 0: all",
      values: "`<width>:<height>`, `<width>:<height>:<gravity>`",
      also: ["crop"],
      read: read.crop,
      print: read.printCrop,
    },
    car: {
      means: "makes the window of `c` smaller, down to this aspect ratio; a second argument is refused",
      values: "`1.5`",
      also: ["crop_ar", "crop_aspect_ratio"],
      read: (text, key) => {
        const [ratio = "", enlarge = ""] = read.argumentsOf(text, key, 2);
        if (enlarge !== "" && read.flag(enlarge, key)) throw unsupported("larger windows", key, text);
        return number(0, 1000)(ratio, key);
      },
    },
    t: {
      means:
        "cuts edges that are like the top left corner; thresholds above 99, colours and equal parts are refused",
      values: "`10`",
      also: ["trim"],
      read: read.trim,
      step: (tolerance) => (tolerance === 0 ? undefined : { op: "trim", tolerance }),
      fromStep: (step) => (step.op === "trim" ? step.tolerance : undefined),
    },
    pd: {
      means: "space around the image, as in CSS",
      values: "`<top>:<right>:<bottom>:<left>`",
      also: ["padding"],
      read: read.edges,
      print: (edges) => edges.join(":"),
    },
    ar: neutral<boolean>(true, "images that are not upright", read.flag, ["auto_rotate"]),
    rot: {
      means: "turns clockwise",
      values: "multiples of 90",
      also: ["rotate"],
      read: read.rotation,
      step: (angle) => ({ op: "rotate", angle }),
      fromStep: (step) => (step.op === "rotate" && step.angle % 90 === 0 ? step.angle : undefined),
    },
    fl: {
      means: "mirrors left to right, and top to bottom",
      values: "`1`, `0:1`, `1:1`",
      also: ["flip"],
      read: (text, key) => {
        const [across = "", down = ""] = read.argumentsOf(text, key, 2);
        return [across !== "" && read.flag(across, key), down !== "" && read.flag(down, key)];
      },
      print: (sides) => sides.map(read.printFlag).join(":"),
      step: ([horizontal, vertical]) => ({ op: "flip", horizontal, vertical }),
      fromStep: (step) => (step.op === "flip" ? [step.horizontal, step.vertical] : undefined),
    },
    bg: {
      means: "colour below clear parts",
      values: "`ff0000`, `255:0:0`; empty: none",
      also: ["background"],
      read: (text, key) => (text === "" ? "none" : read.colour(text, key)),
      print: (color) => (color === "none" ? "" : printHexColour(color)),
    },
    bga: { means: "opacity of `bg`", values: "0–1", also: ["background_alpha"], read: number(0, 1) },
    bl: {
      means: "Gaussian blur",
      values: "sigma up to 1000",
      also: ["blur"],
      read: number(0, 1000),
      step: (sigma) => ({ op: "blur", sigma }),
      fromStep: (step) => (step.op === "blur" ? step.sigma : undefined),
    },
    sh: {
      means: "sharpens",
      values: "sigma up to 10",
      also: ["sharpen"],
      read: number(0, 10),
      step: (sigma) =>
        sigma === 0 ? undefined : { op: "unsharp", radius: sigma, sigma, amount: 3, threshold: 0.02 },
      fromStep: (step) =>
        step.op === "unsharp" && step.radius === step.sigma && step.amount === 3 && step.threshold === 0.02
          ? step.sigma
          : undefined,
    },
    sa: {
      means: "shades of grey; other values than 0 and 1 are refused",
      values: "`0`, `1`",
      also: ["saturation"],
      read: (text, key) => {
        const value = number(0, 1000)(text, key);
        if (value !== 0 && value !== 1) throw unsupported("saturation", key, text);
        return value;
      },
      step: (value) => (value === 0 ? { op: "grayscale" } : undefined),
      fromStep: (step) => (step.op === "grayscale" ? 0 : undefined),
    },
    col: {
      means: "lays a colour over the image",
      values: "`<opacity>:<colour>`",
      also: ["colorize"],
      read: colorize,
    },
    gr: {
      means:
        "lays a gradient from clear to a colour over the image; angles that are no multiples of 90 and a start are refused",
      values: "`<opacity>:<colour>:<direction>::<stop>`; `down`, `up`, `right`, `left` or an angle",
      also: ["gradient"],
      read: gradient,
      step: ({ color, angle, stop }) => ({
        op: "gradient",
        angle,
        from: { ...color, alpha: 0 },
        to: color,
        stop,
      }),
    },
    wm: {
      means:
        "lays the image of the option `watermark`, or that of `wmu`, over the result; `re`, `ch` and negative distances from an edge are refused",
      values: "`<opacity>:<position>:<x>:<y>:<scale>`",
      also: ["watermark"],
      read: read.watermark,
    },
    wmu: {
      means: "image of the watermark, one of the endpoint; others are refused",
      values: "its source in Base64",
      also: ["watermark_url"],
      read: (text, key) => {
        const { kind, path } = asset(text, key);
        if (kind === "url") throw unsupported("watermarks from other servers", key, text);
        return path;
      },
    },
    wms: {
      means: "size of a watermark without a scale",
      values: "`<width>:<height>`",
      also: ["watermark_size"],
      read: (text, key) => {
        const [width = "", height = ""] = read.argumentsOf(text, key, 2);
        return [width === "" ? 0 : read.pixels(width, key), height === "" ? 0 : read.pixels(height, key)];
      },
    },
    wmr: {
      means: "turns the watermark clockwise",
      values: "degrees",
      also: ["wm_rot", "watermark_rotate"],
      read: number(-360, 360),
    },
    sm: {
      ...flagged("writes no metadata, or keeps it", ["strip_metadata"]),
      output: (strip) => ({ metadata: strip ? "strip" : "keep" }),
      fromOutput: ({ metadata }) => (metadata === undefined ? undefined : metadata === "strip"),
    },
    kcr: off("copyright of an image without metadata", ["keep_copyright"]),
    scp: {
      ...flagged("converts to sRGB and writes no profile, or keeps it", ["strip_color_profile"]),
      output: (strip) => ({ colorProfile: strip ? "srgb" : "keep" }),
      fromOutput: ({ colorProfile }) => (colorProfile === undefined ? undefined : colorProfile === "srgb"),
    },
    cp: {
      means: "converts to sRGB; other profiles are refused",
      values: "`srgb`",
      also: ["icc", "color_profile"],
      read: (text, key) => {
        if (text !== "srgb") throw unsupported("this profile", key, text);
        return text;
      },
      output: () => ({ colorProfile: "srgb" }),
    },
    dpi: {
      means: "dots per inch that are written; 0: those of the source",
      values: "0–1200",
      read: number(0, 1200),
      output: (density) => (density === 0 ? {} : { density }),
      fromOutput: ({ density }) => (typeof density === "number" ? density : undefined),
    },
    eth: off("thumbnails in place of images", ["enforce_thumbnail"]),
    q: {
      means: "quality; 0: the server's",
      values: "0–100",
      also: ["quality"],
      read: integer(0, 100),
      output: (quality) => (quality === 0 ? {} : { quality }),
      fromOutput: ({ quality }) => (typeof quality === "number" ? quality : undefined),
    },
    fq: elsewhere({
      means: "quality by format; refused in a URL that names no format",
      values: "`jpeg:80:webp:70`",
      also: ["format_quality"],
      read: read.formatQualities,
    }),
    mb: neutral<number>(0, "limits of the file size", integer(0, 1e12), ["max_bytes"]),
    jpgo: progressive("these options of JPEG", ["jpeg_options"], "jpeg"),
    pngo: progressive("these options of PNG", ["png_options"], "png"),
    webpo: {
      means: "lossless or not; the other arguments are refused",
      values: "`lossless`, `lossy`",
      also: ["webp_options"],
      read: first("these options of WebP", (text, key) => {
        if (text === "near_lossless") throw unsupported("nearly lossless WebP", key, text);
        return oneOf(new Map([["lossless", true] as const, ["lossy", false] as const]))(text, key);
      }),
      print: (lossless) => (lossless ? "lossless" : "lossy"),
      output: (lossless) => ({ lossless }),
      fromOutput: ({ lossless }) => lossless,
    },
    f: {
      means:
        "format, as the extension of a source: `@webp` or `.webp`; other formats are refused. `best` follows `Accept`",
      values: "`jpg`, `jpeg`, `png`, `webp`, `avif`, `gif`, `svg`, `best`",
      also: ["ext", "format"],
      read: read.format,
      print: (format) => (format === "auto" ? "best" : format),
      output: (format) => ({ format }),
      fromOutput: ({ format }) => (format === "source" || format === "original" ? undefined : format),
    },
    pg: { means: "page or frame, from 0 on", values: "0–", also: ["page"], read: pageNumber },
    pgs: neutral<number>(1, "several pages in one image", pageNumber, ["pages"]),
    da: flagged("the first frame of an animation, or that of `pg`", ["disable_animation"]),
    vts: {
      means: "time of the frame of a video, in seconds; no effect on images",
      values: "0–",
      also: ["video_thumbnail_second"],
      read: number(0, 1_000_000),
    },
    vtk: off("key frames in place of those at a time", ["video_thumbnail_keyframes"]),
    fiu: {
      means: "image that stands in for one that is missing",
      values: "its source in Base64",
      also: ["fallback_image_url"],
      read: asset,
      print: (asset) => Buffer.from(sources.textOf(asset)).toString("base64url"),
      delivery: (asset, { endpoint: { tenant, name } }) => ({
        fallback: { tenant, endpoint: name, ...asset },
      }),
      fromDelivery: ({ fallback }) => fallback && { kind: fallback.kind, path: fallback.path },
    },
    skp: refused("originals by their format", ["skip_processing", "sp"]),
    raw: {
      ...elsewhere(flagged("the original, whatever else the URL asks for", [])),
      fromOutput: ({ format }) => (format === "original" ? true : undefined),
    },
    cb: elsewhere({
      means: "tells versions of an image apart",
      values: "any text",
      also: ["cachebuster"],
      read: (text) => text,
    }),
    exp: elsewhere({
      means: "seconds since 1970 after which a signature is no longer valid",
      values: "0: never",
      also: ["expires"],
      read: (text) => text,
    }),
    fn: {
      ...elsewhere<string>({
        means: "name of the file for clients that save it, without extension",
        values: "`<name>`, `<name in Base64>:1`",
        also: ["filename"],
        read: (text, key) => {
          const [name = "", encoded = ""] = read.argumentsOf(text, key, 2);
          return encoded !== "" && read.flag(encoded, key) ? read.base64(name, key) : read.escaped(name, key);
        },
        print: encodeURIComponent,
      }),
      fromDelivery: ({ attachment, filename }) => (typeof attachment === "string" ? attachment : filename),
    },
    att: {
      ...elsewhere(flagged("offers the image as a download", ["return_attachment"])),
      fromDelivery: ({ attachment }) => (attachment === undefined ? undefined : true),
    },
    pr: elsewhere<readonly string[]>({
      means: "presets: named transformations of the configuration (`namedTransformations`), in this language",
      values: "`<name>:<name>`",
      also: ["preset"],
      read: (text) => text.split(":"),
    }),
    a: elsewhere({
      means: "stands for `br`, `co` and `sa`",
      values: "`0:1:0`",
      also: ["adjust"],
      read: () => true,
    }),
    br: neutral<number>(0, "brightness", number(-255, 255), ["brightness"]),
    co: neutral<number>(1, "contrast", number(0, 1000), ["contrast"]),
    ra: neutral<string>("lanczos3", "other algorithms", head, ["resizing_algorithm"]),
    hs: neutral<string>("none", "checksums", head, ["hashsum"]),
    ph: off("high dynamic range", ["preserve_hdr"]),
    bc: off("requests that bypass the cache", ["bypass_cache"]),
    mc: neutral<number>(0, "one hue", intensity, ["monochrome"]),
    dt: neutral<number>(0, "two hues", intensity, ["duotone"]),
    aq: neutral<string>("none", "quality by a measure", head, ["autoquality"]),
    pix: neutral<number>(1, "pixelation", (text, key) => Math.max(1, read.pixels(text, key)), ["pixelate"]),
    op: refused("positions of objects", ["obj_pos", "objects_position"]),
    c_obj: refused("crops to objects", ["crop_objects"]),
    ush: refused("other unsharp masks than that of `sh`", ["unsharp_masking"]),
    ba: refused("blurred areas", ["blur_areas"]),
    bd: refused("blurred objects", ["blur_detections"]),
    dd: refused("drawn objects", ["draw_detections"]),
    pbl: refused("progressive blur", ["progressive_blur"]),
    wmt: refused("texts", ["watermark_text"]),
    wmsh: refused("shadows", ["watermark_shadow"]),
    st: refused("styles of SVG", ["style", "stl"]),
    avifo: refused("options of AVIF", ["avif_options"]),
    vtt: refused("sprite sheets", ["video_thumbnail_tile"]),
    vta: refused("animations of videos", ["video_thumbnail_animation"]),
    msr: refused("limits by URL", ["max_src_resolution"]),
    msfs: refused("limits by URL", ["max_src_file_size"]),
    maf: refused("limits by URL", ["max_animation_frames"]),
    mafr: refused("limits by URL", ["max_animation_frame_resolution"]),
    mrd: refused("limits by URL", ["max_result_dimension"]),
    ct: ignored("groups entries of imgproxy's cache", ["cache_tags"]),
  };
}
