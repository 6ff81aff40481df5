import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import imgix from "@imgix/js-core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, readPng, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import sharp from "sharp";
import { coordinates, distance, type Part, shown } from "../../../test/suites/support/coordinates.ts";
import { PARAMETERS, urlImgix } from "../src/index.ts";

/** Size of the image that the URLs are about. */
const [WIDTH, HEIGHT] = [240, 160];

// Its types describe another module than the one that Node loads.
const ImgixClient = imgix as unknown as typeof imgix.default;

const TOKEN = "FOO123bar";
const DOMAIN = "https://sdk-test.imgix.net";

type Params = Readonly<Record<string, string | number>>;

/** The published list of parameters, and the names that they have beside. */
const LIST = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve("imgix-url-params/dist/parameters.json"), "utf8"),
) as {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly aliases: Readonly<Record<string, string>>;
};

const SIZES: readonly Params[] = [
  { w: 120 },
  { h: 90 },
  { w: 0.5 },
  { w: 500 },
  { w: 100, h: 100 },
  { w: 60, h: 120 },
  { w: 300, h: 100 },
  { w: 300, h: 400 },
];

const PARAMS: readonly Params[] = SIZES.flatMap((size) => [
  ...["clip", "crop", "max", "min", "scale", "fill"].map((fit) => ({ ...size, fit })),
  ...["top,left", "right", "bottom"].flatMap((crop) =>
    ["crop", "min"].map((fit) => ({ ...size, fit, crop })),
  ),
  { ...size, fit: "crop", crop: "focalpoint", "fp-x": 0.3, "fp-y": 0.9 },
  { ...size, fit: "crop", crop: "focalpoint", "fp-x": 0.6, "fp-y": 0.1, "fp-z": 2 },
  { ...size, fit: "crop", ar: "3:2" },
  { ...size, rect: "60,40,120,80" },
  { ...size, rect: "right,bottom,120,80", fit: "crop" },
  { ...size, dpr: 1.5 },
]);

const EDGE: Readonly<Record<string, number>> = { left: 0, top: 0, right: 1, bottom: 1 };

/** What the documentation says of the image: its size, and the part that it shows; without a part, the image is padded. */
function expected(params: Params): { readonly width: number; readonly height: number; readonly part?: Part } {
  const { fit = "clip", dpr = 1, crop = "", rect, ar } = params;
  const window =
    rect === undefined ? [0, 0, WIDTH, HEIGHT] : [String(rect).startsWith("60") ? 60 : 120, 0, 120, 80];
  if (rect !== undefined) window[1] = String(rect).startsWith("60") ? 40 : 80;
  const [x, y, width, height] = window as [number, number, number, number];
  const side = (value: string | number | undefined, length: number) =>
    value === undefined
      ? undefined
      : Math.round(Number(value) * (Number(value) <= 1 ? length : 1) * Number(dpr));
  let [w, h] = [side(params.w, width), side(params.h, height)];
  const part = (left: number, top: number, partWidth: number, partHeight: number): Part => ({
    left: (x + left) / WIDTH,
    top: (y + top) / HEIGHT,
    right: (x + left + partWidth) / WIDTH,
    bottom: (y + top + partHeight) / HEIGHT,
  });
  const all = part(0, 0, width, height);
  if (ar !== undefined) {
    w ??= Math.round((h as number) * 1.5);
    h ??= Math.round(w / 1.5);
  }
  const cap = fit === "max" || fit === "min" ? 1 : Number.POSITIVE_INFINITY;
  const scaled = (factor: number) => ({
    width: Math.round(width * factor),
    height: Math.round(height * factor),
    part: all,
  });
  if (w === undefined || h === undefined)
    return scaled(Math.min(cap, w === undefined ? (h as number) / height : w / width));
  const [across, down] = [w / width, h / height];
  if (fit === "clip" || fit === "max") return scaled(Math.min(across, down, cap));
  if (fit === "scale") return { width: w, height: h, part: all };
  if (fit === "fill") return { width: w, height: h };
  const factor = Math.max(across, down);
  const zoom = Number(params["fp-z"] ?? 1);
  const [partWidth, partHeight] = [w / factor / zoom, h / factor / zoom];
  const place = (free: number, axis: "x" | "y", length: number, partLength: number) => {
    if (crop === "focalpoint") {
      return Math.max(0, Math.min(free, Number(params[`fp-${axis}`]) * length - partLength / 2));
    }
    const edge = String(crop)
      .split(",")
      .find((word) => (axis === "x" ? ["left", "right"] : ["top", "bottom"]).includes(word));
    return free * (edge === undefined ? 0.5 : (EDGE[edge] as number));
  };
  const left = place(width - partWidth, "x", width, partWidth);
  const top = place(height - partHeight, "y", height, partHeight);
  const shrunk = Math.min(1, cap / factor);
  return {
    width: Math.round(w * shrunk),
    height: Math.round(h * shrunk),
    part: part(left, top, partWidth, partHeight),
  };
}

describe("url-imgix with its own client", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({
      "a b.png": await coordinates(WIDTH, HEIGHT),
      "clear.png": await sharp({ create: { width: 20, height: 10, channels: 4, background: "#0000" } })
        .png()
        .toBuffer(),
    });
    server = await startServer({
      plugins: [urlImgix(), storageFs(), imageSharp()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: {
        default: { origins: ["files"], autoAvif: true },
        signed: { origins: ["files"], privateKey: TOKEN, restrictUnsigned: "all", hosts: ["signed.example"] },
      },
    });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  const client = new ImgixClient({ domain: "sdk-test.imgix.net" });
  const secure = new ImgixClient({ domain: "sdk-test.imgix.net", secureURLToken: TOKEN });
  const urlOf = (params: Params, file = "a b.png") => client.buildURL(file, params).replace(DOMAIN, "");

  const ask = async (params: Params, file?: string, headers = {}) => {
    const url = urlOf(params, file);
    const answer = await server.ask(url, { headers });
    assert.equal(answer.status, 200, `${url}: ${answer.text}`);
    return { url, ...answer };
  };

  it("gives its URLs the size and crop that the documentation names", async () => {
    for (const params of PARAMS) {
      const wanted = expected(params);
      const { url, body } = await ask({ ...params, fm: "png" });
      const found = await shown(body);
      assert.deepEqual([found.width, found.height], [wanted.width, wanted.height], url);
      if (!wanted.part) continue;
      const message = `${url}: ${JSON.stringify([found.part, wanted.part])}`;
      assert.ok(distance(found.part, wanted.part) < 0.03, message);
    }
  });

  it("understands more than 200 URLs, those of its source sets among them", async () => {
    const widths = { maxWidth: 700 };
    const sets = [
      client.buildSrcSet("a b.png", {}, widths),
      client.buildSrcSet("a b.png", { auto: "format,compress" }, widths),
      client.buildSrcSet("a b.png", { ar: "1:1", fit: "crop" }, widths),
      client.buildSrcSet("a b.png", { w: 60 }),
      client.buildSrcSet("a b.png", { h: 60, fit: "crop", crop: "top" }),
      client.buildSrcSet(
        "a b.png",
        { w: 50, h: 50, fit: "fill", bg: "00f" },
        { disableVariableQuality: true },
      ),
    ];
    const entries = sets.flatMap((set) => set.split(",\n").map((line: string) => line.trim().split(" ")));
    assert.ok(entries.length + PARAMS.length > 200, String(entries.length + PARAMS.length));
    for (const [url = "", descriptor = ""] of entries) {
      const { status, body, text } = await server.ask(url.replace(DOMAIN, ""));
      assert.equal(status, 200, `${url}: ${text}`);
      if (descriptor.endsWith("w"))
        assert.equal((await shown(body)).width, Number(descriptor.slice(0, -1)), url);
    }
  });

  it("knows each parameter of the published list, by each of its names", async () => {
    const known = new Set(Object.entries(PARAMETERS).flatMap(([name, { also = [] }]) => [name, ...also]));
    const names = [...Object.keys(LIST.parameters), ...Object.keys(LIST.aliases)].filter(
      (name) => !name.includes("="),
    );
    assert.ok(names.length > 280, String(names.length));
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
    );
    const free = ["expires", "dl"];
    for (const name of names.filter((name) => !free.includes(name))) {
      const { status, text } = await server.ask(`/a%20b.png?${name}=no%20such%20value`);
      assert.ok(status === 400 || status === 403, `${name}: ${status}`);
      assert.ok(text.includes(name), `${name}: ${text}`);
    }
  });

  it("verifies the signatures of its client, and when they expire", async () => {
    const later = Math.floor(Date.now() / 1000) + 3600;
    const status = async (path: string) =>
      (await server.ask(path, { headers: { host: "signed.example" } })).status;
    const signed = (params: Params, file = "a b.png") => secure.buildURL(file, params).replace(DOMAIN, "");
    assert.equal(await status(signed({})), 200);
    assert.equal(await status(signed({ w: 40, txt64: "" }).replace("txt64=&", "")), 401);
    for (const params of [{ w: 40 }, { w: 40, expires: later }, { bg: "f00", fit: "fill", w: 20, h: 40 }]) {
      const path = signed(params);
      assert.equal(await status(path), 200, path);
      assert.equal(await status(path.replace(/s=[0-9a-f]/, "s=x")), 401, path);
      assert.equal(await status(path.replace(/w=\d/, "w=9")), 401, path);
    }
    assert.equal(await status(urlOf({ w: 40 })), 401);
    assert.equal(await status(signed({ w: 40, expires: later - 7200 })), 401);
    assert.equal(await status(signed({ w: 40, expires: later }).replace(`${later}`, `${later + 1}`)), 401);
  });

  const pixel = async (params: Params, file: string, x: number, y: number) => {
    const { body } = await ask({ fm: "png", ...params }, file);
    return readPng(await sharp(body).ensureAlpha().png({ palette: false }).toBuffer()).at(x, y);
  };

  it("fills, pads and masks", async () => {
    const box = { w: 60, h: 60, fit: "fill" };
    assert.deepEqual(await pixel(box, "a b.png", 2, 2), [255, 255, 255, 255]);
    assert.deepEqual(await pixel({ ...box, bg: "00f" }, "a b.png", 2, 2), [0, 0, 255, 255]);
    assert.deepEqual(
      await pixel({ ...box, "fill-color": "red", bg: "00f" }, "a b.png", 2, 2),
      [255, 0, 0, 255],
    );
    assert.deepEqual(await pixel({ bg: "0f0" }, "clear.png", 5, 5), [0, 255, 0, 255]);
    const padded = await shown((await ask({ w: 120, h: 120, pad: 10, fm: "png" })).body);
    assert.deepEqual([padded.width, padded.height], [120, 87]);
    assert.deepEqual(await pixel({ w: 120, pad: 10, bg: "0f0" }, "a b.png", 3, 3), [0, 255, 0, 255]);
    assert.equal((await pixel({ w: 120, pad: 10 }, "a b.png", 3, 3))[3], 0);
    assert.equal((await pixel({ mask: "ellipse" }, "a b.png", 3, 3))[3], 0);
    assert.deepEqual(
      await pixel({ mask: "corners", "corner-radius": 30, "mask-bg": "00f" }, "a b.png", 1, 1),
      [0, 0, 255, 255],
    );
  });

  it("turns counter-clockwise after it has mirrored", async () => {
    const { body } = await ask({ flip: "h", rot: 90, fm: "png" });
    const upright = await shown(await sharp(body).rotate(90).png().toBuffer());
    assert.ok(
      distance(upright.part, { left: 1, top: 0, right: 0, bottom: 1 }) < 0.02,
      JSON.stringify(upright.part),
    );
  });

  it("negotiates the format, and writes the one that is named", async () => {
    const type = async (params: Params, accept: string) =>
      (await ask(params, "a b.png", { accept })).headers["content-type"];
    assert.equal(await type({ auto: "format", fm: "jpg" }, "image/avif,image/webp,*/*"), "image/avif");
    assert.equal(await type({ fm: "jpg", auto: "compress,format" }, "image/webp,*/*"), "image/webp");
    for (const [fm, format] of [
      ["jpg", "jpeg"],
      ["pjpg", "jpeg"],
      ["png32", "png"],
      ["webp", "webp"],
    ] as const) {
      const { body } = await ask({ fm, w: 30 });
      const { format: found, isProgressive } = await sharp(body).metadata();
      assert.equal(found, format);
      assert.equal(isProgressive ?? false, fm === "pjpg");
    }
    const download = await ask({ dl: "x y.png" });
    assert.match(download.headers["content-disposition"] ?? "", /attachment/);
  });

  it("reads values in Base64", async () => {
    const { body } = await ask({ w64: "77", fm: "png" });
    assert.equal((await shown(body)).width, 77);
  });

  it("leaves out what the URLs of a service contain beside imgix's parameters", async () => {
    const unsplash = await startServer({
      plugins: [urlImgix({ variant: "unsplash" }), storageFs(), imageSharp()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"] } },
    });
    try {
      const first = await unsplash.ask("/a%20b.png?ixid=M3w&fm=jpg&fit=crop&w=108&q=80&fit=max&utm_source=x");
      const second = await unsplash.ask("/a%20b.png?fm=jpg&w=108&q=80&fit=max");
      assert.equal(first.status, 200, first.text);
      assert.equal(first.headers.etag, second.headers.etag);
    } finally {
      await unsplash.close();
    }
  });
});
