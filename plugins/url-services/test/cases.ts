import { type BunnyOperations, transform as bunny } from "unpic/providers/bunny";
import { type Case, crossed, fitted, SIZES, shownWhole, WHOLE, windowIn, windowOf } from "./oracle.ts";

const HOST = "https://files.example";
const FILE = "/a b.png";

/** What a client made of the file, without its host. */
const local = (url: string | undefined) => (url ?? "").replace(HOST, "");

const query = (values: Readonly<Record<string, unknown>>) =>
  new URLSearchParams(
    Object.entries(values).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();

const GRAVITIES = {
  center: [0.5, 0.5],
  north: [0.5, 0],
  southwest: [0, 1],
  east: [1, 0.5],
} as const;

function bunnyCases(): Case[] {
  const url = (operations: BunnyOperations) =>
    local(bunny(`${HOST}${FILE}`, { format: "png", ...operations }));
  const crops = [undefined, "120,80", "200,90,10,20"];
  const ratios = [undefined, "1:1", "2:1", "4:5"] as const;
  const upscaling = ["off", "resampling"] as const;
  return [
    ...crossed(
      SIZES,
      crossed(
        crops.map((crop) => ({ crop })),
        crossed(
          ratios.map((aspect) => ({ aspect })),
          upscaling.map((up) => ({ up })),
        ),
      ),
    ).map(({ crop, aspect, up, ...size }): Case => {
      const of =
        crop === undefined
          ? WHOLE
          : crop === "120,80"
            ? windowIn(WHOLE, 120, 80)
            : { x: 10, y: 20, width: 200, height: 90 };
      const { width, height } = size;
      // The client asks for the ratio of both sides, unless another one is given.
      const both = width !== undefined && height !== undefined ? width / height : undefined;
      const ratio = aspect === undefined ? both : Number(aspect.split(":")[0]) / Number(aspect.split(":")[1]);
      return {
        url: url({
          ...size,
          ...(crop !== undefined && { crop: crop as `${number},${number}` }),
          ...(aspect && { aspect_ratio: aspect }),
          ...(up === "resampling" && { upscaling: up }),
        } as BunnyOperations),
        ...fitted("inside", size, {
          enlarge: up === "resampling",
          of: ratio === undefined ? of : windowOf(of, ratio),
        }),
      };
    }),
    ...Object.entries(GRAVITIES).map(
      ([gravity, at]): Case => ({
        url: url({ crop: "60,40", crop_gravity: gravity as keyof typeof GRAVITIES as never }),
        ...shownWhole(windowIn(WHOLE, 60, 40, at)),
      }),
    ),
    { url: url({ aspect_ratio: "1:1" }), ...shownWhole(windowOf(WHOLE, 1)) },
    {
      url: `${FILE}?focus_crop=60,40,0.25,0.75&format=png`,
      ...shownWhole({ x: 30, y: 100, width: 60, height: 40 }),
    },
    {
      url: `${FILE}?focus_crop=60,40,230,10&format=png`,
      ...shownWhole({ x: 180, y: 0, width: 60, height: 40 }),
    },
    ...(["jpeg", "webp", "avif"] as const).map(
      (format): Case => ({
        url: url({ width: 60, format }),
        ...fitted("inside", { width: 60 }, { enlarge: false }),
        format: format === "avif" ? "heif" : format,
      }),
    ),
  ];
}

function fastlyCases(): Case[] {
  const url = (values: Readonly<Record<string, unknown>>) => `${FILE}?${query({ format: "png", ...values })}`;
  const FITS = { bounds: "inside", cover: "outside", crop: "cover" } as const;
  const crops = [
    [{}, WHOLE],
    [{ crop: "120,80" }, windowIn(WHOLE, 120, 80)],
    [{ crop: "0.5,40,x10,y20" }, { x: 10, y: 20, width: 120, height: 40 }],
    [{ crop: "120,80,offset-x10,offset-y100" }, windowIn(WHOLE, 120, 80, [0.1, 1])],
    [{ crop: "1:1" }, windowOf(WHOLE, 1)],
    [{ trim: "16,48,32,24" }, { x: 24, y: 16, width: 168, height: 112 }],
    [{ trim: "10p" }, { x: 24, y: 16, width: 192, height: 128 }],
  ] as const;
  return [
    ...crops.flatMap(([crop, of]) =>
      crossed(
        SIZES,
        (["bounds", "cover", "crop", undefined] as const).map((fit) => ({ fit })),
      ).map(
        ({ fit, ...size }): Case => ({
          url: url({ ...size, ...crop, ...(fit && { fit }) }),
          ...fitted(fit ? FITS[fit] : "fill", size, { enlarge: false, of }),
        }),
      ),
    ),
    ...SIZES.map(
      (size): Case => ({
        url: url({ ...size, fit: "crop", enable: "upscale" }),
        ...fitted("cover", size, { enlarge: true }),
      }),
    ),
    { url: url({ width: "50p" }), ...fitted("inside", { width: 120 }, { enlarge: false }) },
    { url: url({ width: 60, dpr: 2 }), ...fitted("inside", { width: 120 }, { enlarge: false }) },
    { url: url({ crop: "400,80,safe" }), ...shownWhole({ x: 0, y: 40, width: 240, height: 80 }) },
    { url: url({ width: 120, pad: "10,20,30,40" }), width: 180, height: 120 },
    { url: url({ width: 120, canvas: "200,200" }), width: 200, height: 200 },
    { url: url({ width: 120, canvas: "1:1" }), width: 120, height: 120 },
    ...(["jpg", "pjpg", "webp", "avif"] as const).map(
      (format): Case => ({
        url: url({ width: 60, format }),
        ...fitted("inside", { width: 60 }, { enlarge: false }),
        format: format === "avif" ? "heif" : format.replace(/^p?jpg$/, "jpeg"),
      }),
    ),
  ];
}

/** URLs of each service, with what its documentation says of the images. */
export const CASES: Readonly<Record<string, readonly Case[]>> = {
  bunny: bunnyCases(),
  fastly: fastlyCases(),
};

/** URLs that a service understands and this server refuses, with what the error names. */
export const REFUSED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  bunny: {
    [local(bunny(`${HOST}${FILE}`, { brightness: 10 }))]: "brightness: 10",
    [local(bunny(`${HOST}${FILE}`, { auto_optimize: "high" }))]: "auto_optimize: high",
    [local(bunny(`${HOST}${FILE}`, { hue: 20 }))]: "hue: 20",
  },
  fastly: {
    [`${FILE}?overlay-align=left`]: "overlay-align: left",
    [`${FILE}?orient=6`]: "orient: 6",
    [`${FILE}?format=mp4`]: "format: mp4",
  },
};
