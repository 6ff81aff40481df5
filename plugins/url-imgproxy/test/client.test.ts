import assert from "node:assert/strict";
import { createRequire } from "node:module";
import type { Options } from "@imgproxy/imgproxy-js-core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { coordinates, distance, type Part, shown } from "../../../test/suites/support/coordinates.ts";
import { urlImgproxy } from "../src/index.ts";

interface Request<T> {
  readonly endpoint: string;
  readonly url: { readonly value: string; readonly displayAs: "plain" | "base64" | "encrypted" };
  readonly options?: T;
  readonly key?: string;
  readonly salt?: string;
  readonly encryptKey?: string;
}

/** imgproxy's own client. Its types are not found by way of its `exports`. */
const { generateImageUrl } = createRequire(import.meta.url)("@imgproxy/imgproxy-node") as {
  generateImageUrl(request: Request<Options>): string;
};

/** The pair of imgproxy's documentation. */
const KEY = "943b421c9eb07c830af81030552c86009268de4e532ba2ee2eab8247c6da0881";
const SALT = "520f986b998545b4785e0defbc4f3c1203f22de2374a3d53cb7a7fe9fea309c5";
const SOURCE_KEY = "1eb5b0e971ad7f45324c1bb15c947cb207c43152fa5c6c7f35c4f36e0c18e0f1";

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
  before(async () => {
    folder = await makeFolder({ "photo.png": await coordinates(WIDTH, HEIGHT) });
    server = await startServer({
      plugins: [
        urlImgproxy({ sourceKey: SOURCE_KEY }),
        storageFs(),
        imageSharp({ jpegBackground: "#ffffff" }),
      ],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: {
        default: { origins: ["files"], restrictUnsigned: "all", privateKey: `${KEY}:${SALT}` },
        open: { origins: ["files"] },
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
});
