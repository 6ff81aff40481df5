import { createHash, createHmac } from "node:crypto";
import type { Plugin, Step, StepOf } from "@mediatap/core";
import {
  boolean,
  decimal,
  ignored,
  integer,
  lenient,
  neutral,
  oneOf,
  type Parameters,
  printNumber,
  type Rule,
  readQuery,
  refused,
  type SignatureScheme,
  wordFor,
  words,
} from "@mediatap/core/language";
import type { Focus } from "@mediatap/core/steps";
import {
  around,
  blur,
  COMPASS,
  format,
  mirror,
  numbers,
  partOf,
  pixelsOf,
  printRatio,
  quality,
  queryService,
  ratio,
  ratioOf,
  resizeRule,
  type ServiceOptions,
  saturation,
  side,
  toggle,
} from "./common.ts";

interface BunnyValues {
  width: number;
  height: number;
  upscaling: "off" | "resampling";
  aspect_ratio: number | "auto";
  crop: readonly number[];
  crop_gravity: Focus;
  focus_crop: readonly number[];
  face_crop: readonly number[];
  quality: number;
  format: ReturnType<ReturnType<typeof format>["read"]>;
  sharpen: boolean;
  blur: number;
  flip: boolean;
  flop: boolean;
  saturation: 0 | -100;
  brightness: number;
  contrast: number;
  gamma: number;
  hue: number;
  sepia: number;
  tint: string;
  auto_optimize: never;
  class: never;
  optimizer: true;
  token_countries: never;
  token_ignore_params: never;
  limit: never;
}

const BOOLEAN = { read: boolean, print: String };

const none = (capability: string) => neutral<number>(0, capability, integer(-100, 100));

/** https://docs.bunny.net/optimizer/dynamic-images/overview */
export const PARAMETERS: Parameters<BunnyValues> = {
  width: side("width"),
  height: side("height; of both sides, the one that makes the image smaller counts"),
  upscaling: {
    means: "whether small images are enlarged; `off` if it is left out",
    values: "`off`, `resampling`",
    read: words("off", "resampling"),
  },
  aspect_ratio: {
    means: "cuts the image to a ratio around its middle, before `width` and `height`",
    values: "`<width>:<height>`, `auto`",
    read: (text, key) => (text === "auto" ? text : ratio(text, key)),
    print: (value) => (value === "auto" ? value : printRatio(value)),
  },
  crop: {
    means: "cuts a window out, before the image is scaled",
    values: "`<width>,<height>`, `<width>,<height>,<x>,<y>`",
    read: numbers([2, 4], "width,height or width,height,x,y"),
  },
  crop_gravity: {
    means: "where the window of `crop` lies",
    values: "`center`, `north`, `south`, `east`, `west`, `northwest`, `northeast`, `southwest`, `southeast`",
    read: oneOf(COMPASS),
    print: (value) => wordFor(COMPASS, value) ?? "",
  },
  focus_crop: {
    means: "cuts a window out around a point, in pixels or from 0 to 1",
    values: "`<width>,<height>,<x>,<y>`",
    read: numbers([4], "width,height,x,y", (text, key) =>
      text.includes(".") ? (decimal(text) ?? integer(0, 100_000)(text, key)) : integer(0, 100_000)(text, key),
    ),
  },
  face_crop: {
    means: "cuts a window out around faces, which `focus-faces` finds",
    values: "`<width>,<height>`",
    read: numbers([2], "width,height"),
  },
  quality: quality(),
  format: format(
    {
      jpeg: { format: "jpeg" },
      jpg: { format: "jpeg" },
      png: { format: "png" },
      webp: { format: "webp" },
      avif: { format: "avif" },
      gif: { format: "gif" },
    },
    { also: ["output"] },
  ),
  sharpen: toggle("sharpens", { op: "sharpen", amount: 50 }, BOOLEAN),
  blur: blur("Gaussian blur; the standard deviation is a quarter of it", "0–100", integer(0, 100), 0.25),
  flip: { means: "upside down", values: "`true`, `false`", ...BOOLEAN },
  flop: { means: "left to right", values: "`true`, `false`", ...BOOLEAN },
  saturation: saturation(),
  brightness: none("brightness"),
  contrast: none("contrast"),
  gamma: none("gamma correction"),
  hue: none("hue"),
  sepia: none("sepia tones"),
  tint: neutral<string>("ffffff", "tints", (text) => text.toLowerCase()),
  auto_optimize: refused("automatic corrections"),
  class: refused("image classes"),
  optimizer: ignored("which optimizer of the service treats the file"),
  token_countries: refused("tokens for countries", ["token_countries_blocked"]),
  token_ignore_params: refused("tokens that leave parameters out"),
  limit: refused("limits of the transfer rate"),
};

const cut = (width: number, height: number, more: Partial<StepOf<"extract">>): StepOf<"extract"> => ({
  op: "extract",
  width,
  height,
  ...more,
  outside: "clip",
  shrink: true,
});

const crop: Rule<BunnyValues> = {
  uses: ["crop", "crop_gravity", "focus_crop", "face_crop", "aspect_ratio"],
  steps({
    crop,
    crop_gravity: focus = "center",
    focus_crop,
    face_crop,
    aspect_ratio: aspect = "auto",
    ...size
  }) {
    const steps: Step[] = [];
    if (crop) {
      const [width = 1, height = 1, x, y = 0] = crop;
      steps.push(cut(width, height, x === undefined ? { focus } : { at: { from: "corner", x, y } }));
    }
    if (focus_crop) {
      const [width = 1, height = 1, x = 0, y = 0] = focus_crop;
      const isRelative = x <= 1 && y <= 1;
      const at = {
        from: "corner",
        x: around(isRelative ? ["mul", "currentWidth", x] : x, width, "currentWidth"),
        y: around(isRelative ? ["mul", "currentHeight", y] : y, height, "currentHeight"),
      } as const;
      steps.push(cut(width, height, { at }));
    }
    if (face_crop) steps.push(cut(face_crop[0] ?? 1, face_crop[1] ?? 1, { focus: "faces" }));
    if (aspect !== "auto" && size.width === undefined && size.height === undefined) {
      steps.push({ op: "extract", ...partOf(aspect), outside: "clip", shrink: true });
    }
    return steps;
  },
  fromStep(step) {
    if (step.op !== "extract") return undefined;
    const { width, height, focus, at } = step;
    const aspect = ratioOf(step);
    if (aspect !== undefined) return { aspect_ratio: aspect };
    if (typeof width !== "number" || typeof height !== "number") return undefined;
    const box = [width, height];
    if (at)
      return typeof at.x === "number" && typeof at.y === "number"
        ? { crop: [...box, at.x, at.y] }
        : undefined;
    if (focus === "faces") return { face_crop: box };
    return { crop: box, ...(focus && { crop_gravity: focus }) };
  },
};

const resize = resizeRule<BunnyValues>(
  ["width", "height", "aspect_ratio", "upscaling"],
  ({ width, height, aspect_ratio: aspect = "auto", upscaling }) => {
    if (width === undefined && height === undefined) return [];
    const enlarge = upscaling === "resampling";
    const sides = { ...(width && { width }), ...(height && { height }) };
    if (aspect === "auto") return [{ op: "resize", ...sides, fit: "inside", enlarge }];
    if (width === undefined || height === undefined) {
      return [{ op: "resize", ...sides, ratio: aspect, fit: "cover", enlarge }];
    }
    const box = {
      width: Math.max(1, Math.round(Math.min(width, height * aspect))),
      height: Math.max(1, Math.round(Math.min(height, width / aspect))),
    };
    return [{ op: "resize", ...box, fit: "cover", enlarge }];
  },
  (step) => {
    const values = {
      ...pixelsOf(["width", "height"], step),
      ...(step.enlarge && { upscaling: "resampling" as const }),
    };
    const aspect = step.ratio ?? (values.width ?? 0) / (values.height ?? 0);
    return [
      values,
      ...(typeof aspect === "number" && aspect > 0 ? [{ ...values, aspect_ratio: aspect }] : []),
    ];
  },
);

const TOKEN = /(?:^|&)token=([^&]*)/;
const EXPIRES = /(?:^|&)expires=([^&]*)/;

const without = (query: string, parameter: RegExp) => query.replace(parameter, "").replace(/^&/, "");
const withPair = (query: string, pair: string) => (query === "" ? pair : `${query}&${pair}`);

/** https://docs.bunny.net/cdn/security/token-authentication/advanced, and its older form without HMAC. */
export const SIGNATURE: SignatureScheme = {
  find({ path, query }) {
    const signature = TOKEN.exec(query)?.[1];
    return signature === undefined ? undefined : { url: { path, query: without(query, TOKEN) }, signature };
  },
  sign({ path, query }, key) {
    const pairs = readQuery(without(query, EXPIRES)).map(
      ({ name, rawValue }) => [name, lenient(rawValue)] as const,
    );
    // What is decoded here separates nothing in the query: `v=1%26width=9` is no two parameters.
    if (pairs.some(([name, value]) => /[&=]/.test(name) || value.includes("&"))) return [];
    const sorted = [...pairs].sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
    const data = sorted.map(([name, value]) => `${name}=${value}`).join("&");
    const expires = EXPIRES.exec(query)?.[1] ?? "";
    // Without one, what follows it in the message could be passed off as a part of it.
    if (!/^\d+$/.test(expires)) return [];
    const folder = pairs.find(([name]) => name === "token_path")?.[1];
    if (folder !== undefined && !`/${path}`.startsWith(folder)) return [];
    // The service's libraries sign the path as it is, or decoded.
    const paths = folder === undefined ? [...new Set([`/${path}`, `/${lenient(path)}`])] : [folder];
    return [
      ...paths.map(
        (signed) =>
          `HS256-${createHmac("sha256", key).update(`${signed}${expires}${data}`).digest("base64url")}`,
      ),
      ...paths.map((signed) =>
        createHash("sha256").update(`${key}${signed}${expires}${data}`).digest("base64url"),
      ),
    ];
  },
  put: ({ url: { path, query }, signature }) => ({ path, query: withPair(query, `token=${signature}`) }),
  // What is no time is over.
  expiryOf({ query }) {
    const text = EXPIRES.exec(query)?.[1];
    return text === undefined ? undefined : (decimal(text) ?? 0);
  },
  withExpiry({ path, query }, expires) {
    const plain = without(query, EXPIRES);
    return {
      path,
      query: expires === undefined ? plain : withPair(plain, `expires=${printNumber(expires)}`),
    };
  },
};

/** Bunny Optimizer's URL language: `/photo.jpg?width=300&aspect_ratio=16:9`, with the tokens of Bunny's CDN. */
export const urlBunny = (options: ServiceOptions = {}): Plugin =>
  queryService(
    {
      name: "url-bunny",
      parameters: PARAMETERS,
      order: [
        crop,
        resize,
        mirror<BunnyValues>("flop", "flip"),
        "saturation",
        "brightness",
        "contrast",
        "gamma",
        "hue",
        "sepia",
        "tint",
        "sharpen",
        "blur",
      ],
      signature: SIGNATURE,
      dropped: ["token", "expires", "token_path"],
      // The endpoint decides whether a client gets another format than the source's.
      defaults: { sanitizeSvg: true },
    },
    options,
  );

export default urlBunny;
