import { type BunnyOperations, transform as bunny } from "unpic/providers/bunny";
import { type ContentfulOperations, transform as contentful } from "unpic/providers/contentful";
import { type ShopifyOperations, transform as shopify } from "unpic/providers/shopify";
import { type StoryblokOperations, transform as storyblok } from "unpic/providers/storyblok";
import { type UploadcareOperations, transform as uploadcare } from "unpic/providers/uploadcare";
import { type WordPressOperations, transform as wordpress } from "unpic/providers/wordpress";
import { type WsrvOperations, transform as wsrv } from "unpic/providers/wsrv";
import {
  type Case,
  crossed,
  type Expected,
  fitted,
  HEIGHT,
  partOf,
  SIZES,
  type Sides,
  shownWhole,
  WHOLE,
  WIDTH,
  windowIn,
  windowOf,
} from "./oracle.ts";

const HOST = "https://files.example";
const FILE = "/a b.png";

/** What a client made of the file, without its host. */
const local = (url: string | undefined) => (url ?? "").replace(HOST, "");

const written = (format: string) => format.replace(/^p?jpe?g$/, "jpeg").replace(/^avif$/, "heif");

const FOCI = {
  center: [0.5, 0.5],
  top: [0.5, 0],
  right: [1, 0.5],
  bottom_left: [0, 1],
} as const;

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

function contentfulCases(): Case[] {
  const url = (operations: ContentfulOperations) =>
    local(contentful(`${HOST}${FILE}`, { format: "png", ...operations }));
  const FITS = { pad: "contain", fill: "cover", thumb: "cover", scale: "fill" } as const;
  const foci = Object.keys(FOCI) as (keyof typeof FOCI)[];
  return [
    ...crossed(
      SIZES,
      crossed(
        foci.map((f) => ({ f })),
        (["pad", "fill", "thumb", "scale", "crop"] as const).map((fit) => ({ fit })),
      ),
    ).map(({ f, fit, width, height }): Case => {
      const size = { width, height };
      return {
        url: url({ ...(width && { width }), ...(height && { height }), fit, f }),
        ...(fit === "crop"
          ? shownWhole(windowIn(WHOLE, width ?? WIDTH, height ?? HEIGHT, FOCI[f]))
          : fitted(width && height ? FITS[fit] : "inside", size, {
              enlarge: fit === "scale" && width !== undefined && height !== undefined,
              at: FOCI[f],
            })),
      };
    }),
    ...SIZES.flatMap((size): Case[] => [
      {
        url: `${FILE}?${query({ ...renamed(size), fm: "png" })}`,
        ...fitted("inside", size, { enlarge: false }),
      },
      ...["jpg", "webp"].map((format) => ({
        url: url({ ...size, format } as ContentfulOperations),
        ...fitted("cover", size, { enlarge: false }),
        format: written(format),
      })),
      {
        url: url({ ...size, quality: 60 } as ContentfulOperations),
        ...fitted("cover", size, { enlarge: false }),
      },
      {
        url: url({ ...size, q: 40, format: "jpg", fl: "progressive" } as ContentfulOperations),
        ...fitted("cover", size, { enlarge: false }),
        format: "jpeg",
      },
    ]),
    {
      url: url({ width: 60, format: "avif" }),
      ...fitted("inside", { width: 60 }, { enlarge: false }),
      format: "heif",
    },
    ...[20, "max" as const].map(
      (r): Case => ({ url: url({ r, width: 100, height: 100 }), width: 100, height: 100 }),
    ),
  ];
}

/** Sizes by their short names. */
const renamed = ({ width, height }: Sides) => ({ ...(width && { w: width }), ...(height && { h: height }) });

function wsrvCases(): Case[] {
  const url = (operations: WsrvOperations) => {
    const { pathname, search } = new URL(
      wsrv(`${HOST}${FILE.replace(" ", "%20")}`, { format: "png", ...operations }) ?? "",
      "https://wsrv.nl",
    );
    return `${pathname}${search}`;
  };
  const ALIGNED = { center: [0.5, 0.5], top: [0.5, 0], left: [0, 0.5], "bottom-right": [1, 1] } as const;
  const aligned = Object.keys(ALIGNED) as (keyof typeof ALIGNED)[];
  return [
    ...crossed(
      SIZES,
      crossed(
        (["inside", "outside", "cover", "fill", "contain"] as const).map((fit) => ({ fit })),
        [false, true].map((we) => ({ we })),
      ),
    ).map(({ fit, we, ...size }): Case => {
      return {
        url: url({ ...size, fit, ...(we && { we }) } as WsrvOperations),
        ...fitted(fit, size, { enlarge: !we }),
      };
    }),
    ...crossed(
      SIZES,
      aligned.map((a) => ({ a })),
    ).flatMap(({ a, ...size }): Case[] => [
      {
        url: url({ ...size, a } as WsrvOperations),
        ...fitted("cover", size, { enlarge: true, at: ALIGNED[a] }),
      },
      {
        url: url({ ...size, a, cx: 60, cy: 40, cw: 120, ch: 80, precrop: true } as WsrvOperations),
        ...fitted("cover", size, {
          enlarge: true,
          at: ALIGNED[a],
          of: { x: 60, y: 40, width: 120, height: 80 },
        }),
      },
    ]),
    ...SIZES.flatMap((size): Case[] => [
      ...["jpg", "webp"].map((format) => ({
        url: url({ ...size, format } as WsrvOperations),
        ...fitted("cover", size, { enlarge: true }),
        format: written(format),
      })),
      ...[{ quality: 60 }, { l: 9 }, { con: 0 }, { il: true }].map((more) => ({
        url: url({ ...size, ...more } as WsrvOperations),
        ...fitted("cover", size, { enlarge: true }),
      })),
      {
        url: url({ ...size, dpr: 2 } as WsrvOperations),
        ...fitted("cover", doubled(size), { enlarge: true }),
      },
    ]),
    {
      url: url({ width: 60, height: 60, a: "focal", fpx: 0.25, fpy: 0.5 } as unknown as WsrvOperations),
      width: 60,
      height: 60,
      part: partOf({ x: 0, y: 0, width: 160, height: 160 }),
    },
    {
      url: url({ cx: 60, cy: 40, cw: 120, ch: 80 } as WsrvOperations),
      ...shownWhole({ x: 60, y: 40, width: 120, height: 80 }),
    },
    {
      url: url({ width: 60, format: "avif" }),
      ...fitted("inside", { width: 60 }, { enlarge: true }),
      format: "heif",
    },
  ];
}

const doubled = ({ width, height }: Sides): Sides => ({
  ...(width && { width: width * 2 }),
  ...(height && { height: height * 2 }),
});

function shopifyCases(): Case[] {
  const url = (operations: ShopifyOperations) => local(shopify(`${HOST}${FILE}`, operations));
  const EDGES = {
    center: [0.5, 0.5],
    top: [0.5, 0],
    bottom: [0.5, 1],
    left: [0, 0.5],
    right: [1, 0.5],
  } as const;
  const edges = (Object.keys(EDGES) as (keyof typeof EDGES)[]).map((crop) => ({ crop }));
  const sizes = crossed(
    [60, 120, 200, 500].map((width) => ({ width })),
    [40, 100, 400].map((height) => ({ height })),
  );
  const cases: Case[] = [
    ...SIZES.map(
      (size): Case => ({
        url: url(size as ShopifyOperations),
        ...fitted("inside", size, { enlarge: false }),
      }),
    ),
    ...crossed(sizes, edges).flatMap(({ crop, ...size }): Case[] => [
      { url: url({ ...size, crop }), ...fitted("cover", size, { enlarge: false, at: EDGES[crop] }) },
      {
        url: `/a b_${size.width}x${size.height}_crop_${crop}.png?v=1`,
        ...fitted("cover", size, { enlarge: false, at: EDGES[crop] }),
      },
    ]),
    ...sizes.flatMap((size): Case[] => [
      { url: url({ ...size, pad_color: "00ff00" }), ...fitted("contain", size, { enlarge: false }) },
      { url: `/a b_${size.width}x${size.height}.png`, ...fitted("inside", size, { enlarge: false }) },
      { url: `/a b_${size.width}x.png`, ...fitted("inside", { width: size.width }, { enlarge: false }) },
      {
        url: `/a b_x${size.height}@2x.png`,
        ...fitted("inside", { height: size.height * 2 }, { enlarge: false }),
      },
      {
        url: `/a b_${size.width}x.progressive.png`,
        ...fitted("inside", { width: size.width }, { enlarge: false }),
        format: "jpeg",
      },
      {
        url: `/a b_${size.width}x.png.webp`,
        ...fitted("inside", { width: size.width }, { enlarge: false }),
        format: "webp",
      },
    ]),
    { url: "/a b_compact.png", ...fitted("inside", { width: 160, height: 160 }, { enlarge: false }) },
    {
      url: `${FILE}?crop=region&crop_left=60&crop_top=40&crop_width=120&crop_height=80&width=60`,
      ...fitted("inside", { width: 60 }, { enlarge: false, of: { x: 60, y: 40, width: 120, height: 80 } }),
    },
  ];
  // The format is negotiated, also with a client that names none.
  return cases.map((one) => ({ format: "jpeg", ...one }));
}

/** A path as the service gives its files. */
export const STORED = "/f/1/240x160/abc/a b.png";

function storyblokCases(): Case[] {
  const url = (operations: StoryblokOperations) =>
    local(storyblok(`${HOST}${STORED.replace(" ", "%20")}`, { format: "png", ...operations }));
  const crops = [
    [{}, WHOLE],
    [{ crop: "60x40:180x120" }, { x: 60, y: 40, width: 120, height: 80 }],
    [{ crop: "0x0:100x160" }, { x: 0, y: 0, width: 100, height: 160 }],
  ] as const;
  const filters = [{}, { no_upscale: "" }, { quality: "60" }, { brightness: "0" }] as const;
  return crops.flatMap(([crop, of]) =>
    SIZES.flatMap((size): Case[] => [
      ...filters.map((filters) => ({
        url: url({ ...size, ...crop, filters: { ...filters } } as StoryblokOperations),
        ...fitted("cover", size, { enlarge: !("no_upscale" in filters), of }),
      })),
      ...["jpeg", "webp"].map((format) => ({
        url: url({ ...size, ...crop, format } as StoryblokOperations),
        ...fitted("cover", size, { enlarge: true, of }),
        format,
      })),
      {
        url: url({ ...size, ...crop } as StoryblokOperations).replace(
          /\/(\d+x\d+)\/filters/,
          "/fit-in/$1/filters",
        ),
        ...fitted("inside", size, { enlarge: false, of }),
      },
      {
        url: url({ ...size, ...crop, filters: { focal: "0x0:20x20" } } as StoryblokOperations),
        ...fitted("cover", size, { enlarge: true, of, at: [0, 0] }),
      },
      {
        url: url({ ...size, ...crop, filters: { round_corner: "20,0,0,0" } } as StoryblokOperations),
        ...fitted("cover", size, { enlarge: true, of }),
      },
    ]),
  );
}

function photonCases(): Case[] {
  const url = (operations: WordPressOperations) => local(wordpress(`${HOST}${FILE}`, operations));
  const crops = [
    ["", WHOLE],
    ["&crop=25,25,50,50", { x: 60, y: 40, width: 120, height: 80 }],
    ["&crop=10px,20px,200px,50", { x: 10, y: 20, width: 200, height: 80 }],
  ] as const;
  const sizes = crossed(
    [60, 120, 200, 500].map((width) => ({ width })),
    [40, 100, 400].map((height) => ({ height })),
  );
  const cases: Case[] = [
    ...crossed(
      SIZES,
      [40, 60, 80, 100].map((q) => ({ q })),
    ).flatMap(({ q, ...size }): Case[] => [
      {
        url: url({ ...size, quality: q } as WordPressOperations),
        ...fitted("cover", size, { enlarge: false }),
      },
      {
        url: `${url({ ...size, crop: false } as WordPressOperations)}&quality=${q}`.replace(
          /crop=\d/,
          "crop=0",
        ),
        ...fitted("inside", size, { enlarge: false }),
      },
    ]),
    ...sizes.flatMap((size) =>
      crops.flatMap(([crop, of]): Case[] => [
        {
          url: `${FILE}?resize=${size.width},${size.height}${crop}`,
          ...fitted("cover", size, { enlarge: false, of }),
        },
        {
          url: `${FILE}?fit=${size.width},${size.height}${crop}`,
          ...fitted("inside", size, { enlarge: false, of }),
        },
        {
          url: `${FILE}?w=${size.width}${crop}`,
          ...fitted("inside", { width: size.width }, { enlarge: false, of }),
        },
        { url: `${FILE}?lb=${size.width},${size.height}${crop}`, ...size },
      ]),
    ),
    { url: `${FILE}?w=50%25`, ...fitted("inside", { width: 120 }, { enlarge: false }) },
    { url: `${FILE}?w=60&zoom=2&ssl=1`, ...fitted("inside", { width: 120 }, { enlarge: false }) },
  ];
  // The format is negotiated, also with a client that names none.
  return cases.map((one) => ({ format: "jpeg", ...one }));
}

/** An identifier, as the service gives its files. */
export const UUID = "/85b5644f-e692-4855-9db0-8c5a83096e25";

function uploadcareCases(): Case[] {
  const url = (operations: UploadcareOperations) =>
    local(uploadcare(`${HOST}${UUID}/`, { format: "png", ...operations }));
  const POINTS = {
    center: [0.5, 0.5],
    "0p,0p": [0, 0],
    "100p,50p": [1, 0.5],
    "50p,100p": [0.5, 1],
    "100p,100p": [1, 1],
  } as const;
  const points = Object.keys(POINTS) as (keyof typeof POINTS)[];
  const boxes = SIZES.flatMap(({ width, height }) => (width && height ? [{ width, height }] : []));
  const sized = ({ width, height }: Sides) => `${width ?? ""}x${height ?? ""}` as "1x1";
  const qualities = ["normal", "better", "best", "lighter", "lightest"] as const;
  return [
    ...crossed(
      SIZES,
      qualities.map((quality) => ({ quality })),
    ).flatMap(({ quality, ...size }): Case[] => [
      { url: url({ ...size, quality } as UploadcareOperations), ...fitted("fill", size, { enlarge: true }) },
      {
        url: url({ stretch: "off", resize: sized(size), quality } as UploadcareOperations),
        ...fitted("fill", size, { enlarge: false }),
      },
    ]),
    ...crossed(
      boxes,
      points.map((point) => ({ point })),
    ).flatMap(({ point, ...size }): Case[] => [
      {
        url: `${UUID}/-/scale_crop/${sized(size)}/${point}/-/format/png/`,
        ...fitted("cover", size, { enlarge: true, at: POINTS[point] }),
      },
      {
        url: `${UUID}/-/stretch/off/-/scale_crop/${sized(size)}/${point}/-/format/png/photo.png`,
        ...fitted("cover", size, { enlarge: false, at: POINTS[point] }),
      },
      {
        url: `${UUID}/-/crop/${size.width}x${size.height}/${point}/-/format/png/`,
        ...(size.width <= WIDTH && size.height <= HEIGHT
          ? shownWhole(windowIn(WHOLE, size.width, size.height, POINTS[point]))
          : size),
      },
      {
        url: `${UUID}/-/crop/${size.width}:${size.height}/${point}/-/resize/60x/-/format/png/`,
        ...fitted(
          "inside",
          { width: 60 },
          { enlarge: true, of: windowOf(WHOLE, size.width / size.height, POINTS[point]) },
        ),
      },
    ]),
    ...boxes.flatMap((size): Case[] => [
      {
        url: `${UUID}/-/preview/${sized(size)}/-/format/png/`,
        ...fitted("inside", size, { enlarge: false }),
      },
      {
        url: `${UUID}/-/crop/120x80/60,40/-/preview/${sized(size)}/-/format/png/`,
        ...fitted("inside", size, { enlarge: false, of: { x: 60, y: 40, width: 120, height: 80 } }),
      },
      ...["jpeg", "webp"].map((format) => ({
        url: `${UUID}/-/preview/${sized(size)}/-/format/${format}/`,
        ...fitted("inside", size, { enlarge: false }),
        format,
      })),
    ]),
    { url: `${UUID}/-/preview/-/format/png/`, ...shownWhole(WHOLE) },
    { url: `${UUID}/-/crop/50px50p/center/-/format/png/`, ...shownWhole(windowIn(WHOLE, 120, 80)) },
  ];
}

function sirvCases(): Case[] {
  const url = (values: Readonly<Record<string, unknown>>) => `${FILE}?${query({ format: "png", ...values })}`;
  const OPTIONS = { fit: "inside", fill: "cover", ignore: "fill", noup: "inside" } as const;
  const options = Object.keys(OPTIONS) as (keyof typeof OPTIONS)[];
  const crops = [
    [{}, undefined],
    [{ cw: "50%", ch: "50%", cx: "center", cy: "center" }, [0.25, 0.25]],
    [{ "crop.width": "50%", "crop.height": "50%" }, [0, 0]],
    [{ cw: "50%", ch: "50%", cx: "right", cy: "bottom" }, [0.5, 0.5]],
    [{ cw: "50%", ch: "50%", cx: "25%", cy: "50%" }, [0.25, 0.5]],
    [{ brightness: 0, q: 90 }, undefined],
    [{ saturation: 0, "scale.width": "" }, undefined],
  ] as const;
  return [
    ...crops.flatMap(([crop, at]) =>
      crossed(
        SIZES,
        options.map((option) => ({ option })),
      ).flatMap(({ option, width, height }): Case[] => {
        const whole = fitted(OPTIONS[option], { width, height }, { enlarge: option !== "noup" });
        const { "scale.width": isLong, ...rest } = crop as Readonly<Record<string, unknown>>;
        const [wide, high] = isLong === undefined ? ["w", "h"] : ["scale.width", "scale.height"];
        const one = url({
          ...(width && { [wide]: width }),
          ...(height && { [high]: height }),
          "scale.option": option,
          ...rest,
        });
        if (!at) return [{ url: one, ...whole }];
        // The half of an odd number of pixels is rounded here or there.
        return (whole.width % 2) + (whole.height % 2) > 0 ? [] : [{ url: one, ...halved(whole, at) }];
      }),
    ),
    { url: url({ s: 120 }), ...fitted("inside", { width: 120, height: 120 }, { enlarge: true }) },
    { url: url({ w: "50%" }), ...fitted("inside", { width: 120 }, { enlarge: true }) },
    { url: url({ w: 120, "canvas.width": 200, "canvas.height": 100 }), width: 200, height: 100 },
    { url: url({ w: 120, "canvas.height": 40 }), ...fitted("inside", { width: 120 }, { enlarge: true }) },
    ...["jpg", "webp", "avif"].map((format) => ({
      url: url({ w: 60, format }),
      ...fitted("inside", { width: 60 }, { enlarge: true }),
      format: written(format),
    })),
  ];
}

/** Half of an image, by its sides, that begins at these fractions of it. */
function halved({ width, height, part }: Expected, [x, y]: readonly [number, number]): Expected {
  const { left, top, right, bottom } = part ?? partOf(WHOLE);
  const [across, down] = [right - left, bottom - top];
  const edges = { left: left + across * x, top: top + down * y };
  return {
    width: Math.round(width / 2),
    height: Math.round(height / 2),
    part: { ...edges, right: edges.left + across / 2, bottom: edges.top + down / 2 },
  };
}

/** URLs of each service, with what its documentation says of the images. */
export const CASES: Readonly<Record<string, readonly Case[]>> = {
  bunny: bunnyCases(),
  contentful: contentfulCases(),
  fastly: fastlyCases(),
  photon: photonCases(),
  shopify: shopifyCases(),
  sirv: sirvCases(),
  storyblok: storyblokCases(),
  uploadcare: uploadcareCases(),
  wsrv: wsrvCases(),
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
  contentful: {
    [`${FILE}?fm=png&fl=png8`]: "fl: png8",
    [`${FILE}?fm=tiff`]: "fm: tiff",
  },
  photon: {
    [`${FILE}?w=60&filter=sepia`]: "filter: sepia",
    [`${FILE}?ulb=true`]: "ulb: true",
  },
  uploadcare: {
    [local(uploadcare(`${HOST}${UUID}/`, { smart_resize: "20x20" }))]: "smart_resize: 20x20",
    [`${UUID}/-/crop/face/20x20/`]: "crop: face/20x20",
    [`${UUID}/-/stretch/fill/-/resize/400x/`]: "stretch: fill",
  },
  sirv: {
    [`${FILE}?text=Hello`]: "text: Hello",
    [`${FILE}?w=60&text.size=40`]: "text: size=40",
    [`${FILE}?profile=Small`]: "profile: Small",
  },
  storyblok: { [`${STORED}/m/300x0/filters:brightness(10)`]: "brightness: 10" },
  wsrv: {
    "/?url=files.example/a%20b.png&mask=heart": "mask: heart",
    "/?url=files.example/a%20b.png&filt=sepia": "filt: sepia",
    "/?url=files.example/a%20b.png&output=json": "output: json",
  },
};
