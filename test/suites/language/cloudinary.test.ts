import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { urlCloudinary } from "@mediatap/url-cloudinary";
import { v2 as cloudinary, type TransformationOptions } from "cloudinary";
import sharp from "sharp";
import {
  assertPoints,
  BLUE,
  CLEAR,
  GREEN,
  look,
  type Points,
  plain,
  png,
  RED,
  WHITE,
  YELLOW,
} from "../support/looks.ts";

const KEY = "api secret";
const QUARTERS: Points = { "5,5": RED, "-5,5": GREEN, "5,-5": BLUE, "-5,-5": WHITE };

/** Options of Cloudinary's client for Node. */
type Options = Readonly<Record<string, unknown>>;

/** Path and query of a URL of Cloudinary's client for Node. */
function urlOf(publicId: string, options: Options = {}): string {
  const url = cloudinary.url(publicId, {
    cloud_name: "demo",
    secure: true,
    ...options,
  } as TransformationOptions);
  return url.replace("https://res.cloudinary.com", "");
}

/** 400×300: red and green above blue and white. */
const quarters = async () =>
  plain(400, 300, WHITE)
    .composite([
      { input: await png(200, 150, RED), left: 0, top: 0 },
      { input: await png(200, 150, GREEN), left: 200, top: 0 },
      { input: await png(200, 150, BLUE), left: 0, top: 150 },
    ])
    .png()
    .toBuffer();

describe("URLs of Cloudinary's clients", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    const image = await quarters();
    folder = await makeFolder({
      "quarters.png": image,
      "folder/quarters.png": image,
      "quarters.jpg": await sharp(image).jpeg().toBuffer(),
      "image/upload/quarters.jpg": await sharp(image).jpeg().toBuffer(),
      "image/authenticated/quarters.jpg": await sharp(image).jpeg().toBuffer(),
      "logo.png": await png(40, 20, RED),
    });
    const origins = ["files"];
    const cloud = (more: object = {}) => urlCloudinary({ cloudName: "demo", ...more });
    server = await startServer({
      plugins: [cloud(), storageFs(), imageSharp()],
      origins: { files: { type: "FOLDER", path: folder.path } },
      namedTransformations: {
        small: "c_fill,h_50,w_100",
        red_edge: "bo_10px_solid_red",
        twice: "t_small/t_red_edge",
        loop: "t_loop",
        off: { transformation: "w_10", enabled: false },
      },
      endpoints: {
        default: { origins, languages: ["url-cloudinary"] },
        named: { origins, languages: ["url-cloudinary"], restrictUnnamed: true },
        signed: {
          origins,
          languages: ["url-cloudinary"],
          privateKeys: ["another", KEY],
          restrictUnsigned: "all",
        },
      },
    });
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  /** What a URL shows: its size, and the colours of points, counted from the right or from below if negative. */
  async function assertShows(url: string, size: string, points: Points = {}, near = 40): Promise<void> {
    const answer = await server.ask(url);
    assert.equal(answer.status, 200, `${url}: ${answer.text}`);
    const found = await look(answer);
    assert.equal(`${found.width}x${found.height}`, size, url);
    const at = (value: number, side: number) => (value < 0 ? side + value : value);
    const absolute = Object.entries(points).map(([point, colour]) => {
      const [x = 0, y = 0] = point.split(",").map(Number);
      return [`${at(x, found.width)},${at(y, found.height)}`, colour] as const;
    });
    assertPoints(found, Object.fromEntries(absolute), url, near);
  }

  describe("sizes and crops", () => {
    const rows: readonly (readonly [Options, string, Points?])[] = [
      [{ width: 200 }, "200x150", QUARTERS],
      [{ width: 0.5, crop: "scale" }, "200x150", QUARTERS],
      [{ width: 100, height: 100, crop: "scale" }, "100x100", QUARTERS],
      [{ width: "iw * 0.5", height: "ih / 3", crop: "scale" }, "200x100", QUARTERS],
      [{ width: 100, height: 100, crop: "fit" }, "100x75", QUARTERS],
      [{ width: 800, height: 800, crop: "fit" }, "800x600"],
      [{ width: 800, height: 800, crop: "limit" }, "400x300"],
      [{ width: 200, height: 200, crop: "mfit" }, "400x300"],
      [{ width: 800, height: 800, crop: "mfit" }, "800x600"],
      [{ width: 100, height: 100, crop: "fill" }, "100x100", QUARTERS],
      [{ width: 100, height: 100, crop: "fill", gravity: "west" }, "100x100", { "40,5": RED, "-5,5": GREEN }],
      [{ width: 75, height: 150, crop: "fill", gravity: "east" }, "75x150", { "5,5": GREEN, "5,-5": WHITE }],
      [
        { width: 300, aspect_ratio: "3:1", crop: "fill", gravity: "north" },
        "300x100",
        { "5,5": RED, "5,95": RED },
      ],
      [{ aspect_ratio: "1:1", crop: "fill" }, "300x300", QUARTERS],
      [{ width: 800, height: 100, crop: "lfill" }, "400x100", QUARTERS],
      [{ width: 200, height: 100, crop: "lfill", gravity: "north" }, "200x100", { "5,5": RED, "5,-30": RED }],
      [{ width: 200, height: 200, crop: "pad" }, "200x200", { "5,5": CLEAR, "5,30": RED, "-5,-30": WHITE }],
      [
        { width: 200, height: 200, crop: "pad", background: "#ffff00", gravity: "north" },
        "200x200",
        { "5,5": RED, "5,-5": YELLOW },
      ],
      [
        { width: 500, height: 400, crop: "lpad", background: "yellow" },
        "500x400",
        { "5,5": YELLOW, "55,55": RED },
      ],
      [{ width: 200, height: 200, crop: "mpad", background: "yellow" }, "400x300", QUARTERS],
      [
        { width: 600, height: 600, crop: "mpad", background: "yellow" },
        "600x600",
        { "5,5": YELLOW, "5,100": RED },
      ],
      [{ width: 100, height: 100, crop: "crop" }, "100x100", QUARTERS],
      [{ width: 100, height: 100, crop: "crop", x: 150, y: 0 }, "100x100", { "45,5": RED, "55,5": GREEN }],
      [
        { width: 100, height: 100, crop: "crop", gravity: "south_east", x: 150, y: 10 },
        "100x100",
        { "40,-5": BLUE, "60,-5": WHITE },
      ],
      [{ width: 100, height: 100, crop: "crop", gravity: "xy_center", x: 200, y: 150 }, "100x100", QUARTERS],
      [{ width: 0.5, height: 0.5, crop: "crop", x: 0.25, y: 0.25 }, "200x150", QUARTERS],
      [{ width: 100, height: 50, crop: "thumb", gravity: "face" }, "100x50", QUARTERS],
      [{ width: 100, dpr: 2.0 }, "200x150", QUARTERS],
      [{ width: 200, angle: 90, crop: "scale" }, "150x200", { "5,5": BLUE, "-5,5": RED }],
      [{ width: 200, angle: "hflip", crop: "scale" }, "200x150", { "5,5": GREEN, "-5,5": RED }],
      [{ width: 200, radius: "max", crop: "scale" }, "200x150", { "2,2": CLEAR, "50,50": RED }],
      [
        { width: 200, border: "10px_solid_yellow", crop: "scale" },
        "220x170",
        { "5,5": YELLOW, "15,15": RED },
      ],
      [{ width: 200, effect: "colorize:100", color: "#ffff00", crop: "scale" }, "200x150", { "5,5": YELLOW }],
      [
        { width: 200, effect: "replace_color:ffff00:40:ff0000", crop: "scale" },
        "200x150",
        { "50,50": YELLOW, "-5,5": GREEN },
      ],
    ];
    for (const [options, size, points] of rows) {
      it(`${JSON.stringify(options)} → ${size}`, () =>
        assertShows(urlOf("quarters.png", options), size, points));
    }
  });

  it("decides the format by f, else by the extension", async () => {
    const formatOf = async (url: string, headers: Readonly<Record<string, string>> = {}) => {
      const { status, body, text } = await server.ask(url, { headers });
      assert.equal(status, 200, `${url}: ${text}`);
      return (await sharp(body).metadata()).format;
    };
    const url = (options: Options) => urlOf("quarters.jpg", { width: 20, crop: "scale", ...options });
    assert.equal(await formatOf(url({})), "jpeg");
    assert.equal(await formatOf(url({ fetch_format: "webp" })), "webp");
    assert.equal(await formatOf(url({ fetch_format: "auto" }), { accept: "image/webp" }), "webp");
    assert.equal(await formatOf(url({ fetch_format: "auto" }), { accept: "image/*" }), "jpeg");
    const plain = await server.ask(urlOf("quarters.jpg"));
    assert.deepEqual(plain.body, await readFile(join(folder.path, "quarters.jpg")), "the file as it is");
  });

  it("has a white background in JPEGs", async () => {
    for (const options of [
      { width: 200, height: 200, crop: "pad" },
      { width: 200, crop: "scale", radius: "max" },
      { width: 200, crop: "scale", angle: 20 },
    ]) {
      const points = { "1,1": WHITE };
      const { body } = await server.ask(urlOf("quarters.jpg", options));
      const found = await look({ status: 200, headers: {}, body });
      assertPoints(found, points, JSON.stringify(options), 10);
    }
  });

  it("accepts the signatures of the client, of each of its forms, and no other", async () => {
    const sized = { width: 20, crop: "scale" };
    const unsigned = urlOf("folder/quarters.png", sized);
    assert.equal((await server.ask(`/signed${unsigned}`)).status, 401);
    for (const more of [
      {},
      { long_url_signature: true },
      { signature_algorithm: "sha256" },
      { version: 42 },
      { url_suffix: "name", use_root_path: false },
      { type: "authenticated" },
      { type: "private" },
      { overlay: undefined, effect: "grayscale" },
    ]) {
      const options = { ...sized, ...more, sign_url: true };
      const publicId = "url_suffix" in more ? "folder/quarters" : "folder/quarters.png";
      const format = "url_suffix" in more ? { format: "png" } : {};
      const right = urlOf(publicId, { ...options, ...format, api_secret: KEY });
      const wrong = urlOf(publicId, { ...options, ...format, api_secret: "wrong" });
      assert.match(right, /s--[\w-]+--/);
      assert.equal((await server.ask(`/signed${right}`)).status, 200, right);
      assert.equal((await server.ask(`/signed${wrong}`)).status, 401, wrong);
      const changed = right.replace("w_20", "w_21");
      assert.equal((await server.ask(`/signed${changed}`)).status, 401, changed);
    }
  });

  it("refuses files of protected types without a signature, and where other URLs reach them", async () => {
    const options = { type: "authenticated", width: 20, crop: "scale" };
    const open = await server.ask(urlOf("quarters.jpg", options));
    assert.equal(open.status, 403);
    assert.match(open.text, /image\/authenticated/);
    assert.equal((await server.ask(`/signed${urlOf("quarters.jpg", options)}`)).status, 401);
  });

  describe("layers, conditions, variables and named transformations", () => {
    const LOGO = { overlay: "logo.png" };
    const rows: readonly (readonly [Options, string, Points?])[] = [
      [
        { transformation: [{ ...LOGO, gravity: "south_east", x: 10, y: 20 }] },
        "400x300",
        { "-11,-21": RED, "-5,-5": WHITE, "-51,-41": WHITE, "-49,-39": RED },
      ],
      [
        { transformation: [{ ...LOGO, width: 200, crop: "scale", gravity: "center" }] },
        "400x300",
        { "101,170": RED, "98,170": BLUE },
      ],
      [
        { transformation: [{ ...LOGO, width: 0.5, flags: "relative", gravity: "south" }] },
        "400x300",
        { "101,-5": RED, "98,-5": BLUE },
      ],
      [
        { transformation: [{ ...LOGO, gravity: "north_east", x: 0.25 }] },
        "400x300",
        { "-101,5": RED, "-99,5": GREEN, "-141,5": GREEN },
      ],
      [
        {
          transformation: [
            LOGO,
            { width: 100, crop: "scale" },
            { flags: "layer_apply", gravity: "south_east" },
            { width: 200, crop: "scale" },
          ],
        },
        "200x150",
        { "-5,-5": RED, "-55,-5": WHITE },
      ],
      [
        {
          transformation: [
            { width: 200, crop: "scale" },
            { ...LOGO, gravity: "east" },
          ],
        },
        "200x150",
        { "-5,75": RED },
      ],
      [{ if: "w > 300", width: 100, crop: "scale" }, "100x75"],
      [{ if: "w > 500", width: 100, crop: "scale" }, "400x300"],
      [
        {
          transformation: [
            { if: "ar_gt_3:4_and_h_lt_200_or_w_eq_400" },
            { width: 100, crop: "scale" },
            { radius: 5 },
            { if: "else" },
            { width: 50, crop: "scale" },
            { if: "end" },
          ],
        },
        "100x75",
        { "0,0": CLEAR },
      ],
      [
        {
          transformation: [
            { if: "h_gt_400", width: 100, crop: "scale" },
            { if: "else", width: 50, crop: "scale" },
            { if: "end" },
            { angle: 90 },
          ],
        },
        "38x50",
      ],
      [{ variables: [["$size", "100"]], width: "$size", height: "$size * 2", crop: "fill" }, "100x200"],
      [{ transformation: [{ $half: "iw / 2" }, { width: "$half + 10", crop: "scale" }] }, "210x158"],
      [
        { transformation: [{ $logo: "!logo.png!" }, { overlay: "$(logo)", gravity: "south_east" }] },
        "400x300",
        { "-5,-5": RED },
      ],
      [{ transformation: ["small"] }, "100x50", QUARTERS],
      [{ transformation: ["small", "red_edge"] }, "120x70", { "5,5": RED, "-15,15": GREEN }],
      [{ transformation: ["twice"] }, "120x70"],
    ];
    for (const [options, size, points] of rows) {
      it(`${urlOf("", options).split("/upload/")[1]?.split("?")[0]} → ${size}`, () =>
        assertShows(urlOf("quarters.png", { force_version: false, ...options }), size, points));
    }

    it("writes texts", async () => {
      const overlay = { font_family: "Noto Sans", font_size: 60, font_weight: "bold", text: "Hi, you/all" };
      const url = urlOf("quarters.png", {
        transformation: [{ overlay, color: "#ffff00", gravity: "north_west", x: 20, y: 20 }],
      });
      const found = await look(await server.ask(url));
      assert(found.count(YELLOW) > 500, url);
      const wrapped = urlOf("quarters.png", {
        transformation: [
          {
            overlay,
            color: "#ffff00",
            background: "#0000ff",
            width: 150,
            crop: "fit",
            gravity: "north_west",
          },
        ],
      });
      const box = (await look(await server.ask(wrapped))).box(BLUE);
      assert.equal(box?.[0], 0, wrapped);
    });

    it("claims names, and nothing beside them, as named", async () => {
      assert.equal(
        (await server.ask(`/named${urlOf("quarters.png", { transformation: ["small"] })}`)).status,
        200,
      );
      assert.equal(
        (await server.ask(`/named${urlOf("quarters.png", { transformation: ["small"], width: 10 })}`)).status,
        400,
      );
    });

    it("refuses what has no meaning", async () => {
      for (const [text, status, words] of [
        ["t_loop", 400, "name itself"],
        ["t_off", 400, "stored transformation"],
        ["t_none", 400, "stored transformation"],
        ["w_$none", 400, "variable that is set before"],
        ["$a_w/w_$a", 403, "\\$a: w"],
        ["if_w_gt_300,$a_1,w_$a", 403, "variables that are set in a condition"],
        ["if_w_gt_300/w_10", 400, "if_end"],
        ["if_else/w_10", 400, "condition"],
        ["if_w_big_300/w_10/if_end", 400, "condition"],
        ["if_fc_gt_1/w_10/if_end", 403, "this variable"],
        ["if_!a!_in_tags/w_10/if_end", 403, "texts and lists"],
        ["if_w_gt_1/f_auto/if_end", 403, "in a condition"],
        ["if_w_gt_1/so_2/if_end", 403, "so"],
        ["l_a/l_b/fl_layer_apply/x_1", 200, ""],
        ["l_logo.png/if_w_gt_3/w_10/if_end/fl_layer_apply", 403, "in a layer"],
        ["l_logo.png/f_png/fl_layer_apply", 403, "format of a layer"],
        ["l_logo.png/fl_layer_apply,e_screen", 403, "e: screen"],
        ["l_logo.png,g_auto", 403, "g: attention"],
        ["l_logo.png/fl_layer_apply,w_10", 403, "fl_layer_apply"],
        ["l_text:Arial:Hello", 403, "l: text:Arial:Hello"],
        ["l_text:Arial_20_underline:Hello", 403, "l: underline"],
        ["l_text:Arial_20:", 400, "text"],
        ["l_fetch:aHR0cHM6Ly9leGFtcGxlLmNvbS9hLnBuZw==", 403, "kind of layer"],
        ["l_video:dog", 403, "videos on images"],
        ["l_..:logo.png", 400, "plain name"],
        ["u_logo.png", 403, "underlays"],
        ["fl_layer_apply", 403, "without a layer"],
      ] as const) {
        if (status === 200) continue;
        const answer = await server.ask(`/demo/image/upload/${text}/quarters.png`);
        assert.equal(answer.status, status, `${text}: ${answer.text}`);
        assert.match(answer.text, new RegExp(words), text);
      }
    });
  });
});
