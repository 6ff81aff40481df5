import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import type { Options, OptionsImageInfo } from "@imgproxy/imgproxy-js-core";
import type { Exchange, Job } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import {
  makeFolder,
  readPng,
  startServer,
  type TestFolder,
  type TestServer,
  type Witness,
  witness,
} from "@mediatap/test";
import sharp from "sharp";
import { coordinates, distance, type Part, shown } from "../../../test/suites/support/coordinates.ts";
import { PARAMETERS, urlImgproxy } from "../src/index.ts";

interface Request<T> {
  readonly endpoint: string;
  readonly url: { readonly value: string; readonly displayAs: "plain" | "base64" | "encrypted" };
  readonly options?: T;
  readonly key?: string;
  readonly salt?: string;
  readonly encryptKey?: string;
}

/** imgproxy's own client. Its types are not found by way of its `exports`. */
const { generateImageUrl, generateImageInfoUrl } = createRequire(import.meta.url)(
  "@imgproxy/imgproxy-node",
) as {
  generateImageUrl(request: Request<Options>): string;
  generateImageInfoUrl(request: Request<OptionsImageInfo>): string;
};

/** The pair of imgproxy's documentation. */
const KEY = "943b421c9eb07c830af81030552c86009268de4e532ba2ee2eab8247c6da0881";
const SALT = "520f986b998545b4785e0defbc4f3c1203f22de2374a3d53cb7a7fe9fea309c5";
const SOURCE_KEY = "1eb5b0e971ad7f45324c1bb15c947cb207c43152fa5c6c7f35c4f36e0c18e0f1";

/** Key and salt of the page about signatures, between others. */
const PAIRS = [`${KEY}:${SALT}`, "736563726574:68656c6c6f"];

/** Size of the image that the URLs are about. */
const [WIDTH, HEIGHT] = [240, 160];

const KINDS = ["plain", "base64", "encrypted"] as const;
let count = 0;

/** A signed URL of the client; its source is written in one way after the other. */
function urlOf(options: Options, name = "photo.png"): string {
  const displayAs = KINDS[count++ % KINDS.length] as (typeof KINDS)[number];
  const url = { value: `local:///${name}`, displayAs };
  return generateImageUrl({ endpoint: "", url, options, key: KEY, salt: SALT, encryptKey: SOURCE_KEY });
}

/** The signature of a path that the client would not make. */
const signatureOf = (path: string) =>
  createHmac("sha256", Buffer.from(KEY, "hex"))
    .update(Buffer.from(SALT, "hex"))
    .update(path)
    .digest("base64url");

/** What a URL gives: its size, and the part of the image that it shows; without a part, edges are filled. */
interface Expected {
  readonly width: number;
  readonly height: number;
  readonly part?: Part;
}

type Window = readonly [left: number, top: number, right: number, bottom: number];

const ALL: Window = [0, 0, WIDTH, HEIGHT];

const partOf = ([left, top, right, bottom]: Window): Part => ({
  left: left / WIDTH,
  top: top / HEIGHT,
  right: right / WIDTH,
  bottom: bottom / HEIGHT,
});

const TYPES = ["fit", "fill", "fill-down", "force", "auto"] as const;

interface Target {
  readonly type?: (typeof TYPES)[number];
  readonly width?: number;
  readonly height?: number;
  readonly enlarge?: boolean;
  readonly dpr?: number;
  readonly zoom?: number;
  /** Where a crop lies in what is free, 0–1. */
  readonly x?: number;
  readonly y?: number;
}

/** What imgproxy documents for a size: scale factors first, then what is cut off. */
function expected(window: Window, target: Target): Expected {
  const { width = 0, height = 0, enlarge = false, dpr = 1, zoom = 1, x = 0.5, y = 0.5 } = target;
  const [across, down] = [window[2] - window[0], window[3] - window[1]];
  const isLikeBox = across >= down === (width || across) >= (height || down);
  const type = target.type === "auto" ? (isLikeBox ? "fill" : "fit") : (target.type ?? "fit");
  let [wide, high] = [(width || across) / across, (height || down) / down];
  if (type !== "force") {
    if (width === 0 && height > 0) wide = high;
    else if (height === 0 && width > 0) high = wide;
    else wide = high = type === "fit" ? Math.min(wide, high) : Math.max(wide, high);
  }
  [wide, high] = [wide * zoom, high * zoom];
  let density = dpr;
  if (!enlarge) {
    const excess = Math.max(1, wide, high);
    [wide, high] = [wide / excess, high / excess];
    density = Math.min(dpr * excess, 1 / Math.max(wide, high));
  }
  const scaled = [Math.round(across * wide * density), Math.round(down * high * density)] as const;
  const box = [
    Math.round(width * zoom * density) || scaled[0],
    Math.round(height * zoom * density) || scaled[1],
  ];
  const ratio = Math.min(1, scaled[0] / (box[0] as number), scaled[1] / (box[1] as number));
  const asked = type === "fill-down" ? box.map((side) => Math.round(side * ratio)) : box;
  const result =
    type === "fit" || type === "force"
      ? scaled
      : asked.map((side, at) => Math.min(side, scaled[at] as number));
  const [w, h] = result as [number, number];
  const left = window[0] + ((scaled[0] - w) * x * across) / scaled[0];
  const top = window[1] + ((scaled[1] - h) * y * down) / scaled[1];
  const part = partOf([left, top, left + (w * across) / scaled[0], top + (h * down) / scaled[1]]);
  return { width: w, height: h, part };
}

const BOXES = [
  [100, 100],
  [60, 120],
  [120, 30],
  [300, 100],
  [100, 300],
] as const;

/** Gravities, and where a crop by them lies. */
const GRAVITIES = [
  ["nowe", 0, 0],
  ["no", 0.5, 0],
  ["noea", 1, 0],
  ["we", 0, 0.5],
  ["ce", 0.5, 0.5],
  ["ea", 1, 0.5],
  ["sowe", 0, 1],
  ["so", 0.5, 1],
  ["soea", 1, 1],
] as const;

/** URLs of the client, each with what imgproxy's documentation describes. */
function* pictures(): Generator<readonly [url: string, expected: Expected]> {
  for (const [width, height] of BOXES) {
    for (const type of TYPES) {
      for (const enlarge of [false, true]) {
        const resize = { resizing_type: type, width, height, enlarge };
        const target = { type, width, height, enlarge };
        yield [urlOf({ resize }), expected(ALL, target)];
        yield [urlOf({ resize, dpr: 2 }), expected(ALL, { ...target, dpr: 2 })];
        yield [urlOf({ resize, zoom: 1.5 }), expected(ALL, { ...target, zoom: 1.5 })];
        const crop = {
          width: 120,
          height: 0.5,
          gravity: { type: "nowe" as const, x_offset: 20, y_offset: 10 },
        };
        yield [urlOf({ resize, crop }), expected([20, 10, 140, 90], target)];
      }
    }
    for (const [type, x, y] of GRAVITIES) {
      const resize = { resizing_type: "fill" as const, width, height, enlarge: true };
      yield [
        urlOf({ resize, gravity: { type } }),
        expected(ALL, { type: "fill", width, height, enlarge: true, x, y }),
      ];
    }
  }
}

describe("url-imgproxy with imgproxy's client", () => {
  let folder: TestFolder;
  let server: TestServer;
  let seen: Witness;
  before(async () => {
    const plain = (color: string, width: number, height: number) =>
      sharp({ create: { width, height, channels: 4, background: color } })
        .png()
        .toBuffer();
    folder = await makeFolder({
      "photo.png": await coordinates(WIDTH, HEIGHT),
      "clear.png": await plain("#0000", 40, 40),
      "red.png": await plain("red", 10, 10),
      "a b@1%.png": await plain("blue", 20, 20),
    });
    seen = witness();
    server = await startServer({
      plugins: [
        urlImgproxy({ sourceKey: SOURCE_KEY, watermark: "red.png" }),
        storageFs(),
        imageSharp({ jpegBackground: "#ffffff" }),
        seen,
      ],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: {
        default: { origins: ["files"], restrictUnsigned: "all", privateKey: `${KEY}:${SALT}` },
        // Those of imgproxy's page about signatures.
        documented: {
          origins: ["files"],
          restrictUnsigned: "all",
          privateKey: PAIRS[0],
          privateKeys: PAIRS.slice(1),
        },
        open: { origins: ["files"] },
        signing: { origins: ["files"], privateKey: `${KEY}:${SALT}` },
      },
      namedTransformations: {
        small: "rs:fill:30:20/pr:grey",
        grey: "sa:0/pr:small",
        // Each names the next one ten times: without a bound 10 to the power of 8 options.
        ...Object.fromEntries(
          Array.from({ length: 8 }, (_, at) => [`many${at}`, `pr${`:many${at + 1}`.repeat(10)}`]),
        ),
        many8: "w:20",
      },
    });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  it("gives more than 200 of its signed URLs the documented size and crop", async () => {
    const urls = new Map(pictures());
    assert.ok(urls.size >= 200, String(urls.size));
    const wrong: string[] = [];
    for (const [url, { width, height, part }] of urls) {
      const { status, body, text } = await server.ask(url);
      if (status !== 200) {
        wrong.push(`${url}: ${status} ${text}`);
        continue;
      }
      const found = await shown(body);
      const isPart = part === undefined || distance(found.part, part) < 0.03;
      if (found.width !== width || found.height !== height || found.format !== "png" || !isPart) {
        wrong.push(`${url}: ${JSON.stringify(found)} instead of ${JSON.stringify({ width, height, part })}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  const ask = async (url: string) => {
    const answer = await server.ask(url);
    assert.equal(answer.status, 200, `${url}: ${answer.text}`);
    return answer;
  };
  const pixel = async (url: string, x: number, y: number) =>
    readPng(
      await sharp((await ask(url)).body)
        .ensureAlpha()
        .png({ palette: false })
        .toBuffer(),
    ).at(x, y);

  it("gives canvases, padding and least sizes the documented size", async () => {
    for (const [options, width, height] of [
      [{ resize: { width: 100, height: 100, extend: { extend: true } } }, 100, 100],
      [{ resize: { width: 300, height: 200, extend: { extend: true } } }, 300, 200],
      [{ resize: { resizing_type: "fill", width: 300, height: 100, extend: { extend: true } } }, 300, 100],
      [{ width: 300, extend: { extend: true, gravity: { type: "no" } } }, 300, 160],
      [{ resize: { width: 120, height: 120 }, extend_aspect_ratio: { extend: true } }, 120, 120],
      [{ resize: { width: 400, height: 400 }, extend_aspect_ratio: { extend: true } }, 240, 240],
      [{ width: 60, padding: { top: 10, right: 20 } }, 100, 60],
      [{ width: 60, padding: { top: 1, right: 2, bottom: 3, left: 4 } }, 66, 44],
      [{ width: 60, padding: 10, dpr: 2 }, 160, 120],
      [{ min_width: 480 }, 480, 320],
      [{ min_height: 80 }, 240, 160],
      [{ width: 60, height: 30, min_height: 40 }, 60, 30],
      [{ width: 90, min_width: 120 }, 90, 80],
      [{ zoom: { zoom_x: 0.5, zoom_y: 1 } }, 120, 160],
      [{ zoom: 2 }, 240, 160],
      [{ zoom: 2, enlarge: true }, 480, 320],
      [{ resizing_type: "force", width: 60 }, 60, 160],
      [{ resizing_type: "force", height: 60, zoom: { zoom_x: 0.5, zoom_y: 1 } }, 120, 60],
      [{ rotate: 90 }, 160, 240],
      [{ rotate: 90, width: 80 }, 80, 120],
      [{ crop: { width: 100, height: 0 }, crop_aspect_ratio: { aspect_ratio: 2 } }, 100, 50],
      [{ crop: { width: 0.5, height: 1000 } }, 120, 160],
    ] as const satisfies readonly (readonly [Options, number, number])[]) {
      const url = urlOf(options);
      const found = await shown((await ask(url)).body);
      assert.deepEqual([found.width, found.height], [width, height], `${JSON.stringify(options)} ${url}`);
    }
  });

  it("places, mirrors, paints and adds watermarks as documented", async () => {
    const near = (found: readonly number[], wanted: readonly number[], what: string) =>
      assert.ok(
        wanted.every((value, at) => Math.abs(value - (found[at] as number)) < 12),
        `${what}: ${found}`,
      );
    const photo = "plain/photo.png";
    for (const [url, x, y, wanted] of [
      // The part around a point, or at a distance from a side.
      [`rs:fill:80:80/g:fp:0.5:0.5/${photo}`, 40, 40, [127, 127, 128, 255]],
      [`rs:fill:80:80/g:fp:0:0.5/${photo}`, 0, 40, [1, 127, 128, 255]],
      [`rs:fill:80:80/g:we:10:0/${photo}`, 0, 40, [22, 127, 128, 255]],
      [`rs:fill:40:40/dpr:2/g:we:10:0/${photo}`, 0, 40, [43, 127, 128, 255]],
      [`rs:fill:80:80/g:ea:0.1:0/${photo}`, 79, 40, [228, 127, 128, 255]],
      [`c:120:80:soea:20:10/${photo}`, 119, 79, [233, 239, 128, 255]],
      [`c:120:80:fp:1:1/${photo}`, 119, 79, [254, 254, 128, 255]],
      // A canvas is clear, or has the background.
      [`rs:fit:100:100:1:1/${photo}`, 50, 3, [0, 0, 0, 0]],
      [`rs:fit:100:100:1:1/bg:0f0/${photo}`, 50, 3, [0, 255, 0, 255]],
      [`rs:fit:100:100:1:1:no/bg:0f0/${photo}`, 2, 2, [5, 9, 128, 255]],
      [`rs:fit:100:100:1:1:so:0:5/bg:0f0/${photo}`, 50, 97, [0, 255, 0, 255]],
      [`rs:fit:100:100:1:1/bl:1/bg:0f0/${photo}`, 50, 3, [0, 255, 0, 255]],
      [`w:100/h:100/exar:1:so/bg:0f0/${photo}`, 50, 3, [0, 255, 0, 255]],
      [`pd:10/bg:0:0:255/${photo}`, 3, 3, [0, 0, 255, 255]],
      [`bg:00f/plain/clear.png`, 3, 3, [0, 0, 255, 255]],
      [`bg:00f/bga:0.5/plain/clear.png`, 3, 3, [0, 0, 255, 128]],
      [`bg:00f/bga:0.5/pd:10/plain/clear.png`, 3, 3, [0, 0, 255, 128]],
      [`bg:00f/bga:0.5/pd:10/plain/clear.png`, 20, 20, [0, 0, 255, 128]],
      [`rs:fit:100:100:1:1/${photo}@jpg`, 50, 3, [255, 255, 255, 255]],
      // Clockwise, then mirrored.
      [`rot:90/${photo}`, 2, 2, [4, 252, 128, 255]],
      [`fl:1/${photo}`, 2, 2, [252, 4, 128, 255]],
      [`fl:0:1/${photo}`, 2, 2, [4, 252, 128, 255]],
      [`rot:90/fl:1/${photo}`, 2, 2, [4, 4, 128, 255]],
      [`rot:90/rs:fill:40:120/c:80:0:no/${photo}`, 2, 2, [5, 183, 128, 255]],
      [`sa:0/plain/red.png`, 2, 2, [54, 54, 54, 255]],
      [`col:0.5:00f/plain/red.png`, 2, 2, [127, 0, 127, 255]],
      [`gr:1:00f/plain/red.png`, 5, 9, [10, 0, 245, 255]],
      [`gr:1:00f:left/plain/red.png`, 0, 5, [10, 0, 245, 255]],
      [`gr:1:00f:90/plain/red.png`, 0, 5, [10, 0, 245, 255]],
      [`gr:1:00f:up::0.5/plain/red.png`, 5, 3, [0, 0, 255, 255]],
      // The image of the configuration, or of the URL.
      [`wm:1/${photo}`, 120, 80, [255, 0, 0, 255]],
      [`wm:1:noea:10:20/${photo}`, 225, 25, [255, 0, 0, 255]],
      [`wm:1:noea:10:20/${photo}`, 215, 25, [229, 41, 128, 255]],
      [`wm:0.5:sowe:0.5:0/${photo}`, 125, 155, [194, 124, 64, 255]],
      [`wm:1:nowe:0:0:0.5/${photo}`, 70, 70, [255, 0, 0, 255]],
      [`wm:1:ce/wms:100:0/${photo}`, 80, 40, [255, 0, 0, 255]],
      [
        `wm:1:nowe/wmu:${Buffer.from("local:///a%20b%401%25.png").toString("base64url")}/${photo}`,
        15,
        15,
        [0, 0, 255, 255],
      ],
      // A pipeline after the other one.
      [`rs:fill:80:80/g:we/-/rs:fill:40:80/g:ea/${photo}`, 0, 40, [86, 127, 128, 255]],
    ] as const) {
      near(await pixel(`/open/unsafe/${url}`, x, y), wanted, url);
    }
  });

  it("writes the format that a URL names, else that of the source", async () => {
    for (const format of ["jpg", "png", "webp", "avif"] as const) {
      const { headers } = await ask(urlOf({ width: 20, format, quality: 50 }));
      assert.equal(headers["content-type"], `image/${format === "jpg" ? "jpeg" : format}`);
    }
    for (const url of ["plain/photo.png@webp", `${Buffer.from("photo.png").toString("base64url")}.webp`]) {
      const { headers } = await ask(`/open/_/w:20/${url}`);
      assert.equal(headers["content-type"], "image/webp");
    }
    const raw = await ask("/open/_/w:20/raw:1/plain/photo.png@webp");
    assert.deepEqual(raw.body, await coordinates(WIDTH, HEIGHT));
  });

  it("names a download and what is shown, and an image in place of a missing one", async () => {
    const { headers } = await ask(
      urlOf({ width: 20, return_attachment: true, filename: { name: "my%20pic" } }),
    );
    assert.equal(headers["content-disposition"], 'attachment; filename="my pic.png"');
    const named = await ask(
      urlOf({ width: 20, filename: { name: Buffer.from("ä").toString("base64url"), encoded: true } }),
    );
    assert.equal(
      named.headers["content-disposition"],
      "inline; filename=\"?.png\"; filename*=UTF-8''%C3%A4.png",
    );
    const fallback = Buffer.from("local:///red.png").toString("base64url");
    const found = await shown((await ask(urlOf({ fallback_image_url: fallback }, "none.png"))).body);
    assert.deepEqual([found.width, found.height], [10, 10]);
  });

  it("reads names of files in each kind of source", async () => {
    for (const displayAs of KINDS) {
      const source = "local:///a%20b%401%25.png";
      const url = { value: displayAs === "plain" ? encodeURIComponent(source) : source, displayAs };
      const request = { endpoint: "", url, key: KEY, salt: SALT, encryptKey: SOURCE_KEY };
      const { width } = await shown((await ask(generateImageUrl(request))).body);
      assert.equal(width, 20, displayAs);
    }
  });

  it("expands presets, one of which names itself", async () => {
    const { body } = await ask(urlOf({ preset: ["small"], quality: 20 }));
    const { width, height } = await shown(body);
    assert.deepEqual([width, height], [30, 20]);
    const [r, g, b] = await pixel("/open/_/pr:grey/plain/photo.png", 3, 3);
    assert.deepEqual([r, g], [g, b]);
  });

  it("refuses by name what this server cannot do", async () => {
    const objects = { class_names: ["cat"] };
    const text = Buffer.from("text").toString("base64url");
    for (const [name, options] of [
      ["ra", { resizing_algorithm: "nearest" }],
      ["g", { gravity: { type: "obj", ...objects } }],
      ["op", { objects_position: { type: "prop" } }],
      ["c_obj", { crop_objects: { scale_factor: 1 } }],
      ["t", { trim: { threshold: 10, color: "ff0000" } }],
      ["ar", { auto_rotate: false }],
      ["br", { brightness: 10 }],
      ["co", { contrast: 1.5 }],
      ["sa", { saturation: 1.5 }],
      ["br", { adjust: { brightness: 10 } }],
      ["mc", { monochrome: { intensity: 1 } }],
      ["dt", { duotone: { intensity: 1 } }],
      ["pix", { pixelate: 5 }],
      ["ush", { unsharp_masking: { mode: "always" } }],
      ["ba", { blur_areas: { sigma: 1, areas: [{ left: 0, top: 0, width: 1, height: 1 }] } }],
      ["bd", { blur_detections: { sigma: 1, ...objects } }],
      ["dd", { draw_detections: { draw: true, ...objects } }],
      ["pbl", { progressive_blur: { sigma: 1 } }],
      ["wm", { watermark: { opacity: 1, position: "re" } }],
      ["wmt", { watermark: { opacity: 1 }, watermark_text: text }],
      ["wmsh", { watermark_shadow: 1 }],
      ["st", { style: text }],
      ["kcr", { keep_copyright: true }],
      ["cp", { color_profile: "cmyk" }],
      ["eth", { enforce_thumbnail: true }],
      ["fq", { format_quality: [{ format: "jpg", quality: 50 }] }],
      ["mb", { max_bytes: 1000 }],
      ["aq", { autoquality: { method: "size", target: 1000 } }],
      ["jpgo", { jpeg_options: { trellis_quant: true } }],
      ["pngo", { png_options: { quantize: true } }],
      ["webpo", { webp_options: { compression: "near_lossless" } }],
      ["avifo", { avif_options: "on" }],
      ["f", { format: "jxl" }],
      ["f", { format: "mp4" }],
      ["pgs", { pages: 2 }],
      ["vtk", { video_thumbnail_keyframes: true }],
      ["vtt", { video_thumbnail_tile: { step: 1, columns: 2, rows: 2, tile_width: 9, tile_height: 9 } }],
      [
        "vta",
        { video_thumbnail_animation: { step: 1, delay: 9, frames: 2, frame_width: 9, frame_height: 9 } },
      ],
      ["skp", { skip_processing: ["png"] }],
      ["ph", { preserve_hdr: true }],
      ["bc", { bypass_cache: true }],
      ["msr", { max_src_resolution: 50 }],
      ["msfs", { max_src_file_size: 50 }],
      ["maf", { max_animation_frames: 50 }],
      ["mafr", { max_animation_frame_resolution: 50 }],
      ["mrd", { max_result_dimension: 50 }],
      ["hs", { wild_options: [["hashsum", "md5", "aa"]] }],
    ] as const satisfies readonly (readonly [string, Options])[]) {
      const url = urlOf(options);
      const { status, text } = await server.ask(url);
      const written = [name, ...(PARAMETERS[name].also ?? [])];
      assert.equal(status, 403, `${url}: ${text}`);
      assert.ok(text.includes("Not supported here"), text);
      assert.ok(
        written.some((word) => text.includes(`(${word}`)),
        `${url}: ${text}`,
      );
    }
  });

  it("describes images as imgproxy does, as far as their headers go", async () => {
    const url = { value: "local:///photo.png", displayAs: "base64" } as const;
    const infoUrl = (options: OptionsImageInfo) =>
      generateImageInfoUrl({ endpoint: "", url, options, key: KEY, salt: SALT });
    const { length: size } = await coordinates(WIDTH, HEIGHT);
    const dimensions = { width: WIDTH, height: HEIGHT };
    for (const [options, wanted] of [
      [{ cachebuster: "1" }, { size, format: "png", ...dimensions }],
      [
        { size: false, pages_number: true },
        { format: "png", ...dimensions, pages_number: 1 },
      ],
      [
        { dimensions: false, exif: false, palette: 0 },
        { size, format: "png" },
      ],
    ] as const satisfies readonly (readonly [OptionsImageInfo, object])[]) {
      const { headers, text } = await ask(infoUrl(options));
      assert.equal(headers["content-type"], "application/json");
      assert.deepEqual(JSON.parse(text), wanted);
      const [exchange] = seen.exchanges;
      const { link } = server.server.runtime.hooks;
      const again = await link.for("url-imgproxy").promise(exchange?.job as Job, exchange as Exchange);
      assert.deepEqual(JSON.parse((await ask(again as string)).text), wanted, again);
    }
    for (const [name, options] of [
      ["exif", { exif: true }],
      ["iptc", { iptc: true }],
      ["xmp", { xmp: true }],
      ["vm", { video_meta: true }],
      ["do", { detect_objects: true }],
      ["cl", { classify: { top_k: 1 } }],
      ["c", { crop: { width: 1, height: 1 } }],
      ["p", { palette: 8 }],
      ["avg", { average: { average: true } }],
      ["dc", { dominant_colors: { dominant_colors: true } }],
      ["bh", { blurhash: { x_components: 4, y_components: 3 } }],
      ["th", { thumb_hash: true }],
      ["ph", { perceptual_hash: true }],
      ["chs", { calcHashsums: ["md5"] }],
    ] as const satisfies readonly (readonly [string, OptionsImageInfo])[]) {
      const { status, text } = await server.ask(infoUrl(options));
      assert.equal(status, 403, `${name}: ${text}`);
      assert.ok(text.includes("in descriptions") && text.includes(`(${name}`), text);
    }
  });

  it("verifies the signature of imgproxy's documentation, and no other", async () => {
    const path = "rs:fill:300:400:0/g:sm/aHR0cDovL2V4YW1w/bGUuY29tL2ltYWdl/cy9jdXJpb3NpdHku/anBn.png";
    const signature = "oKfUtW34Dvo2BGQehJFR4Nr0_rIjOtdtzJ3QFsUcXH8";
    for (const [url, status] of [
      // There is no origin for other servers.
      [`/documented/${signature}/${path}`, 404],
      [`/documented/${signature}/${path}?a=b`, 404],
      [`/documented/${signature}/rs:fill:301${path.slice(11)}`, 401],
      [`/documented/${signature.toLowerCase()}/${path}`, 401],
      [`/documented/${signature.slice(1)}/${path}`, 401],
      [`/documented/unsafe/${path}`, 401],
      [`/${signature}/${path}`, 401],
      [urlOf({ width: 20, expires: 1 }), 401],
      [urlOf({ width: 20, expires: 9_999_999_999 }), 200],
    ] as const) {
      const answer = await server.ask(url);
      assert.equal(answer.status, status, `${url}: ${answer.text}`);
    }
  });

  it("accepts a signed plain source whose slashes a proxy has merged", async () => {
    const request = { endpoint: "", key: KEY, salt: SALT, options: { width: 20 } };
    const url = generateImageUrl({ ...request, url: { value: "local:///photo.png", displayAs: "plain" } });
    await ask(url.replaceAll(/\/{2,}/g, "/"));
  });

  /** Sources that cannot be decrypted. */
  const UNREADABLE = [
    "enc/AAAA",
    `enc/${Buffer.alloc(32).toString("base64url")}`,
    `enc/${Buffer.alloc(40, 1).toString("base64url")}`,
  ];

  it("answers signed sources that cannot be decrypted as missing ones, after the access rules", async () => {
    const missing = await server.ask("/open/_/w:20/plain/none.png");
    for (const source of UNREADABLE) {
      const { status, text } = await server.ask(`/signing/${signatureOf(`/w:20/${source}`)}/w:20/${source}`);
      assert.deepEqual([status, text], [missing.status, missing.text], source);
      assert.equal((await server.ask(`/_/w:20/${source}`)).status, 401, source);
    }
  });

  it("answers all encrypted sources without a valid signature alike", async () => {
    count = KINDS.indexOf("encrypted");
    const readable = urlOf({}).split("/").slice(-2).join("/");
    assert.match(readable, /^enc\//);
    for (const endpoint of ["/open", "/signing", ""]) {
      const seen = new Set<string>();
      for (const source of [readable, `${readable}.exe`, `${readable}.png.x`, ...UNREADABLE, "enc/%ff"]) {
        for (const options of ["", "/w:20", "/w:x", "/pr:none", "/st:1"]) {
          for (const start of ["/_", `/${"A".repeat(43)}`, "/info/_"]) {
            const { status, text, headers } = await server.ask(`${endpoint}${start}${options}/${source}`);
            assert.equal(status, 401, `${endpoint}${start}${options}/${source}: ${text}`);
            // What was measured differs by time, not by phase.
            const timing = String(headers["server-timing"] ?? "").replaceAll(/dur=[\d.]+/g, "");
            if (start === "/_") seen.add(JSON.stringify([text, headers["cache-status"], timing]));
          }
        }
      }
      assert.equal(seen.size, 1, [...seen].join("\n"));
    }
  });

  it("names no encrypted source in a download, unless the URL does", async () => {
    for (const [options, name] of [
      [{ return_attachment: true }, "file.png"],
      [{ return_attachment: true, filename: { name: "sea" } }, "sea.png"],
    ] as const) {
      count = KINDS.indexOf("encrypted");
      const { headers } = await ask(urlOf({ ...options }));
      assert.equal(headers["content-disposition"], `attachment; filename=${name}`);
    }
  });

  it("expands a preset once, however often others name it", async () => {
    const { status, text } = await server.ask("/open/_/pr:many0/plain/photo.png");
    assert.equal(status, 200, text);
  });

  it("reads sources of other servers as URLs", async () => {
    const source = "https://a.example/b%20c.jpg?d=1";
    for (const path of [
      `plain/${source.replace("%", "%25").replace("?", "%3F")}`,
      `plain/${encodeURIComponent(source)}`,
      Buffer.from(source).toString("base64url"),
    ]) {
      const { status } = await server.ask(`/open/_/w:20/${path}`);
      assert.ok(status >= 400 && status < 500, String(status));
      const asset = seen.exchanges[0]?.job?.asset;
      assert.deepEqual([asset?.kind, asset?.path], ["url", source], path);
    }
  });
});

describe("url-imgproxy with its options", () => {
  it("reads short signatures, presets alone and sources below other addresses", async () => {
    const folder = await makeFolder({ "a/b.png": await coordinates(WIDTH, HEIGHT) });
    const server = await startServer({
      plugins: [
        urlImgproxy({
          signatureSize: 12,
          onlyPresets: true,
          autoFormat: true,
          baseUrl: "https://www.example.com/images/",
          paths: ["https://www.example.com/images/", "s3://shop/"],
        }),
        storageFs(),
        imageSharp(),
      ],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: {
        default: { origins: ["files"], restrictUnsigned: "all", privateKey: `${KEY}:${SALT}` },
        named: { origins: ["files"], restrictUnnamed: true },
      },
      namedTransformations: { default: "rs:fit:60:60", tall: "h:30/rs:force:20", soft: "bl:1" },
    });
    try {
      for (const [source, width, height] of [
        ["tall:soft/plain/a/b.png", 20, 30],
        ["soft/plain/s3://shop/a/b.png", 60, 40],
        ["soft/plain/https://www.example.com/images/a/b.png%3Fv=1@png", 60, 40],
      ] as const) {
        const digest = createHmac("sha256", Buffer.from(KEY, "hex"))
          .update(Buffer.from(SALT, "hex"))
          .update(`/${source}`)
          .digest()
          .subarray(0, 12)
          .toString("base64url");
        const signed = await server.ask(`/${digest}/${source}`, { headers: { accept: "image/webp" } });
        assert.equal(signed.status, 200, `${source}: ${signed.text}`);
        assert.equal(signed.headers["content-type"], source.endsWith("@png") ? "image/png" : "image/webp");
        const found = await shown(signed.body);
        assert.deepEqual([found.width, found.height], [width, height], source);
        assert.equal((await server.ask(`/${digest.slice(1)}x/${source}`)).status, 401);
        const isNamed = !source.includes("@");
        assert.equal((await server.ask(`/named/_/${source}`)).status, isNamed ? 200 : 400, source);
      }
      assert.equal((await server.ask("/named/_/w:20/plain/a/b.png")).status, 400);
      assert.equal((await server.ask("/named/_/soft/plain/local:///a/b.png")).status, 403);
    } finally {
      await server.close();
      await folder.close();
    }
  });

  it("rejects a length that is easy to guess, and keys that are none", () => {
    assert.throws(() => urlImgproxy({ signatureSize: 4 }), /url-imgproxy\.signatureSize/);
    assert.throws(() => urlImgproxy({ sourceKey: "abc" }), /url-imgproxy\.sourceKey/);
    assert.throws(() => urlImgproxy({ paths: ["s3://shop"] }), /url-imgproxy\.paths/);
  });
});
