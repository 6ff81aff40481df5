import assert from "node:assert/strict";
import { Actions, type CloudinaryImage, Qualifiers, Cloudinary as UrlGen } from "@cloudinary/url-gen";
import { FocusOn } from "@cloudinary/url-gen/qualifiers/focusOn";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { urlCloudinary } from "@mediatap/url-cloudinary";
import { v2 as node, type TransformationOptions } from "cloudinary";
import {
  BLUE,
  type Colour,
  GREEN,
  isNear,
  type Look,
  look,
  plain,
  png,
  RED,
  WHITE,
} from "../support/looks.ts";

/** Side lengths of the image: red and green above blue and white. */
const [WIDTH, HEIGHT] = [200, 150];

/** Path and query of a URL of each client. */
const nodeUrl = (options: object) =>
  node
    .url("quarters.png", { cloud_name: "demo", secure: true, ...options } as TransformationOptions)
    .replace("https://res.cloudinary.com", "");

const urlGen = new UrlGen({ cloud: { cloudName: "demo" } });
const genUrl = (change: (image: CloudinaryImage) => CloudinaryImage) =>
  change(urlGen.image("quarters.png")).toURL().replace("https://res.cloudinary.com", "");

interface Expected {
  readonly width: number;
  readonly height: number;
  /** Where a point of the result lies in the original; outside of it: the background. */
  readonly from: (x: number, y: number) => readonly [number, number];
}

/** Position of an inner length in an outer one, by a gravity. */
const startOf = (gravity: string, start: string, end: string, free: number) =>
  gravity.includes(start) ? 0 : gravity.includes(end) ? free : free / 2;

/** What a crop mode makes of the image, by Cloudinary's documentation. */
function expected(mode: string, width: number, height: number, gravity = "center"): Expected {
  const [across, down] = [width / WIDTH, height / HEIGHT];
  const scaled = (x: number, y = x): Expected => ({
    width: Math.round(WIDTH * x),
    height: Math.round(HEIGHT * y),
    from: (left, top) => [left / x, top / y],
  });
  /** The image, scaled, of which the box shows a part, or that lies in it. */
  const placed = (factor: number, box = { width, height }): Expected => {
    const left = startOf(gravity, "west", "east", WIDTH * factor - box.width);
    const top = startOf(gravity, "north", "south", HEIGHT * factor - box.height);
    return { ...box, from: (x, y) => [(x + left) / factor, (y + top) / factor] };
  };
  const [least, most] = [Math.min(across, down), Math.max(across, down)];
  const isSmaller = across > 1 && down > 1;
  switch (mode) {
    case "scale":
      return scaled(across, down);
    case "fit":
      return scaled(least);
    case "limit":
      return scaled(Math.min(1, least));
    case "mfit":
      return scaled(isSmaller ? least : 1);
    case "fill":
      return placed(most);
    case "lfill":
      return most < 1
        ? placed(most)
        : placed(1, { width: Math.min(width, WIDTH), height: Math.min(height, HEIGHT) });
    case "pad":
      return placed(least);
    case "lpad":
      return placed(Math.min(1, least));
    case "mpad":
      return isSmaller ? placed(least) : scaled(1);
    default:
      return placed(1, { width: Math.min(width, WIDTH), height: Math.min(height, HEIGHT) });
  }
}

/** Colour of a point of the original; `undefined`: too near to an edge to tell. */
function colourAt(x: number, y: number): Colour | "background" | undefined {
  const near = 6;
  if (Math.abs(x - WIDTH / 2) < near || Math.abs(y - HEIGHT / 2) < near) return undefined;
  if (x < -near || y < -near || x > WIDTH + near || y > HEIGHT + near) return "background";
  if (x < near || y < near || x > WIDTH - near || y > HEIGHT - near) return undefined;
  return y < HEIGHT / 2 ? (x < WIDTH / 2 ? RED : GREEN) : x < WIDTH / 2 ? BLUE : WHITE;
}

function assertCrop(found: Look, { width, height, from }: Expected, url: string): void {
  assert.equal(`${found.width}x${found.height}`, `${width}x${height}`, url);
  for (const across of [0.05, 0.3, 0.45, 0.55, 0.7, 0.95]) {
    for (const down of [0.05, 0.3, 0.45, 0.55, 0.7, 0.95]) {
      const [x, y] = [Math.floor(width * across), Math.floor(height * down)];
      const colour = colourAt(...from(x + 0.5, y + 0.5));
      if (colour === undefined) continue;
      const pixel = found.at(x, y);
      if (colour === "background")
        assert.equal(pixel[3], 0, `${url}: ${pixel} at ${x},${y} of the background`);
      else assert(isNear(pixel, colour, 60), `${url}: ${pixel} at ${x},${y}, expected ${colour}`);
    }
  }
}

const MODES = ["scale", "fit", "limit", "mfit", "fill", "lfill", "pad", "lpad", "mpad", "crop"] as const;
const BOXES = [
  [100, 100],
  [120, 40],
  [40, 120],
  [300, 100],
  [100, 300],
  [320, 300],
] as const;
const GRAVITIES = ["north", "north_east", "east", "south_east", "south", "south_west", "west", "north_west"];
const { Resize, Effect } = Actions;
const RESIZES = {
  scale: Resize.scale,
  fit: Resize.fit,
  limit: Resize.limitFit,
  mfit: Resize.minimumFit,
  fill: Resize.fill,
  lfill: Resize.limitFill,
  pad: Resize.pad,
  lpad: Resize.limitPad,
  mpad: Resize.minimumPad,
  crop: Resize.crop,
};

describe("URLs of Cloudinary's clients, by the hundred", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    const quarters = await plain(WIDTH, HEIGHT, WHITE)
      .composite([
        { input: await png(WIDTH / 2, HEIGHT / 2, RED), left: 0, top: 0 },
        { input: await png(WIDTH / 2, HEIGHT / 2, GREEN), left: WIDTH / 2, top: 0 },
        { input: await png(WIDTH / 2, HEIGHT / 2, BLUE), left: 0, top: HEIGHT / 2 },
      ])
      .png()
      .toBuffer();
    folder = await makeFolder({ "quarters.png": quarters });
    server = await startServer({
      plugins: [urlCloudinary({ cloudName: "demo" }), storageFs(), imageSharp()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"] } },
    });
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  const seen = new Set<string>();

  async function assertShows(url: string, shown: Expected): Promise<void> {
    seen.add(url.replace(/\?.*/, ""));
    const answer = await server.ask(url);
    assert.equal(answer.status, 200, `${url}: ${answer.text}`);
    assertCrop(await look(answer), shown, url);
  }

  for (const mode of MODES) {
    it(`shows what ${mode} shows`, async () => {
      for (const [width, height] of BOXES) {
        const shown = expected(mode, width, height);
        await assertShows(nodeUrl({ width, height, crop: mode }), shown);
        // The same in the spelling of the other client; an odd size tells their URLs apart.
        await assertShows(
          genUrl((image) => image.resize(RESIZES[mode](width - 2, height - 2))),
          expected(mode, width - 2, height - 2),
        );
      }
    });
  }

  for (const mode of ["fill", "lfill", "pad", "crop"]) {
    it(`shows what ${mode} shows with each gravity`, async () => {
      for (const gravity of GRAVITIES) {
        for (const [width, height] of [BOXES[1], BOXES[2]]) {
          await assertShows(
            nodeUrl({ width, height, crop: mode, gravity }),
            expected(mode, width, height, gravity),
          );
        }
      }
    });
  }

  it("renders or refuses by name all else that the clients write", async () => {
    const { Gravity, Background } = Qualifiers;
    const numbered = [
      "accelerate",
      "advancedRedEye",
      "art",
      "blackwhite",
      "blur",
      "boomerang",
      "cartoonify",
      "colorize",
      "deshake",
      "dither",
      "fadeIn",
      "fadeOut",
      "grayscale",
      "loop",
      "makeTransparent",
      "negate",
      "noise",
      "oilPaint",
      "outline",
      "pixelate",
      "redEye",
      "removeBackground",
      "reverse",
      "rotateByAngle",
      "sepia",
      "shadow",
      "simulateColorBlind",
      "vectorize",
      "vignette",
      "upscale",
      "enhance",
      "generativeRestore",
      "backgroundRemoval",
      "dropShadow",
    ] as const;
    const effects = numbered.flatMap((name) => {
      const make = (Effect as unknown as Record<string, ((level?: number) => never) | undefined>)[name];
      return make ? [() => genUrl((image) => image.effect(make()))] : [];
    });
    const box = { width: 50, height: 40 };
    const options: readonly object[] = [
      ...[
        "sepia",
        "hue:40",
        "saturation:50",
        "brightness:20",
        "contrast:30",
        "improve",
        "viesus_correct",
        "gamma:50",
        "trim",
        "trim:20",
        "blur:400",
        "sharpen:200",
        "unsharp_mask:500",
        "auto_contrast",
        "auto_brightness",
        "oil_paint:40",
        "pixelate_faces:9",
        "negate",
        "vibrance:20",
        "art:zorro",
        "gradient_fade",
        "shear:20:0",
        "distort:arc:180",
        "tint:100:red:blue",
        "gen_remove:prompt_car",
        "grayscale",
        "replace_color:blue:20:ff0000",
        "colorize:30",
      ].map((effect) => ({ effect })),
      ...[
        "auto",
        "face",
        "faces",
        "custom",
        "custom:face",
        "body",
        "liquid",
        "ocr_text",
        "adv_eyes",
        "cat",
        "auto:car",
        "auto:subject",
        "xy_center",
        "auto:faces",
      ].map((gravity) => ({ ...box, crop: "fill", gravity })),
      ...["thumb", "auto", "fill_pad", "auto_pad", "imagga_scale"].map((crop) => ({
        ...box,
        crop,
        gravity: "auto",
      })),
      ...["face", "faces", "custom", "auto"].map((gravity) => ({
        ...box,
        crop: "thumb",
        gravity,
        zoom: 0.7,
      })),
      ...["jpg", "png", "webp", "avif", "auto", "tiff", "pdf", "jxl", "jp2", "bmp", "mp4"].map(
        (fetch_format) => ({ ...box, crop: "fit", fetch_format }),
      ),
      ...[
        "auto",
        "auto:best",
        "auto:good",
        "auto:eco",
        "auto:low",
        1,
        60,
        100,
        "80:420",
        "jpegmini",
        "auto:sensitive",
      ].map((quality) => ({ width: 30, crop: "scale", fetch_format: "webp", quality })),
      ...[
        "progressive",
        "lossy",
        "attachment",
        "attachment:name",
        "force_strip",
        "keep_iptc",
        "immutable_cache",
        "strip_profile",
        "getinfo",
        "png8",
        "awebp",
        "preserve_transparency",
        "region_relative",
        "rasterize",
        "clip",
        "tiled",
      ].map((flags) => ({ width: 31, crop: "scale", flags })),
      ...[
        "red",
        "#00ff0080",
        "auto",
        "auto:border",
        "auto:predominant",
        "auto:predominant_gradient:2:diagonal_desc",
        "blurred",
        "blurred:400:15",
        "gen_fill",
      ].map((background) => ({ width: 60, height: 60, crop: "pad", background })),
      ...[90, -20, "auto_right", "hflip", "vflip", ["vflip", "45"], "ignore"].map((angle) => ({
        width: 32,
        crop: "scale",
        angle,
      })),
      ...["max", 10, "10:20", "1:2:3", "1:2:3:4"].map((radius) => ({ width: 33, crop: "scale", radius })),
      ...["3px_solid_red", "3px_solid_rgb:ff000080"].map((border) => ({ width: 34, crop: "scale", border })),
      ...[1, 2.0, 0.5, "auto"].map((dpr) => ({ width: 35, crop: "scale", dpr })),
      ...["auto", "auto:400", "auto:breakpoints", "auto:100:300"].map((width) => ({ width, crop: "scale" })),
      ...["srgb", "cmyk", "no_cmyk", "tinysrgb"].map((color_space) => ({
        width: 36,
        crop: "scale",
        color_space,
      })),
      { width: 37, crop: "scale", density: 200 },
      { width: 38, crop: "scale", page: 1 },
      { width: 39, crop: "scale", page: "name:layer" },
      { width: 40, crop: "scale", default_image: "quarters.png" },
      { width: 41, crop: "scale", opacity: 30 },
      { width: 42, crop: "scale", custom_function: { function_type: "wasm", source: "blur.wasm" } },
      { underlay: "quarters.png" },
      { overlay: { url: "https://example.com/a.png" } },
      { overlay: { resource_type: "subtitles", public_id: "a.srt" } },
      { overlay: { font_family: "Noto Sans", font_size: 20, text: "50% / off, now" } },
      { responsive_width: true },
      { transformation: [{ width: 43, crop: "scale" }, { effect: "blur:100" }, { radius: "max" }] },
    ];
    const more = [
      () =>
        genUrl((image) => image.resize(Resize.thumbnail(44, 44).gravity(Gravity.focusOn(FocusOn.face())))),
      () => genUrl((image) => image.resize(Resize.fill(44, 30).gravity(Gravity.autoGravity()))),
      () => genUrl((image) => image.resize(Resize.pad(45, 45).background(Background.color("red")))),
      () => genUrl((image) => image.resize(Resize.pad(46, 46).background(Background.blurred()))),
      () => genUrl((image) => image.rotate(Actions.Rotate.byAngle(17))),
      () => genUrl((image) => image.roundCorners(Actions.RoundCorners.max())),
      () =>
        genUrl((image) =>
          image.delivery(Actions.Delivery.format("auto")).delivery(Actions.Delivery.quality("auto")),
        ),
      () => genUrl((image) => image.delivery(Actions.Delivery.dpr(2)).resize(Resize.scale(20))),
      () => genUrl((image) => image.adjust(Actions.Adjust.opacity(40))),
      () => genUrl((image) => image.adjust(Actions.Adjust.brightness(40))),
      () => genUrl((image) => image.adjust(Actions.Adjust.sharpen(40))),
    ];
    const understood: string[] = [];
    const refused: string[] = [];
    for (const url of [
      ...options.map(nodeUrl),
      ...effects.map((make) => make()),
      ...more.map((make) => make()),
    ]) {
      seen.add(url.replace(/\?.*/, ""));
      const { status, text, headers } = await server.ask(url, { headers: { accept: "image/webp,*/*" } });
      if (status === 200) {
        assert.match(headers["content-type"] ?? "", /^image\//, url);
        understood.push(url);
        continue;
      }
      assert.equal(status, 403, `${url}: ${text}`);
      assert.match(text, /Not supported here: .+ \(.+\)/, url);
      refused.push(url);
    }
    assert(understood.length > 80, `${understood.length} understood, refused: ${refused.join("\n")}`);
  });

  it("has tried at least 200 of them", () => {
    assert(seen.size >= 200, String(seen.size));
  });
});
