import assert from "node:assert/strict";
import type { TestServer } from "@mediatap/test";
import sharp from "sharp";
import { openGallery } from "../support/gallery.ts";
import {
  assertPoints,
  BLACK,
  BLUE,
  CLEAR,
  type Colour,
  GREEN,
  isNear,
  lookAt,
  type Points,
  RED,
  WHITE,
  YELLOW,
} from "../support/looks.ts";

/** An example of the documentation, and what it says of the result: a size, pixels, or an error. */
type Row = readonly [url: string, result: string, points?: Points];

// photo.jpg: 640x865, wide.jpg: 1600x1067, quarters.png: 400x300, red and green above blue and white.
const URLS: readonly Row[] = [
  ["/tr:w-300,h-200/photo.jpg", "300x200"],
  ["/photo.jpg?tr=w-300,h-200", "300x200"],
  ["/photo.jpg?tr=w-300%2Ch-200", "300x200"],
  ["/photo.jpg?x=1&tr=w-300,h-200&y=2", "300x200"],
  ["/folder/tr:w-40/logo%20@1.png", "40x40"],
  ["/tr:w-400,h-300:rt-90/photo.jpg", "300x400"],
  ["/tr:w-300,h-200/photo.jpg?tr=rt-90", "200x300"],
  ["/photo.jpg?v=3&tr=w-400", "400x541"],
  ["/photo.jpg?tr=", "640x865"],
  ["/tr:/photo.jpg", "400 EINVAL"],
  ["/photo.jpg?ik-sdk-version=javascript-1.2.2&tr=w-20", "20x27"],
  ["/photo.jpg?tr=w-20&updatedAt=1&ik-obj-version=abc", "20x27"],
  ["/ik-seo/photo/eiffel-tower.jpg?tr=w-200", "200x270"],
  ["/ik-seo/folder/logo%20@1/red-shoes.png?tr=w-40", "40x40"],
  ["/tr:l-text,ie-SGVsbG8%3D,l-end/photo.jpg", "640x865"],
  ["/tr:l-image,i-/folder/logo%20@1.png,l-end/photo.jpg", "640x865", { "320,432": BLUE }],
  ["/tr:w-300/https://example.com/x.jpg", "404 ENOENT"],
  ["/ik-genimg-prompt-a-cat/cat.jpg", "403 EUNSUPPORTED"],
];

const GRAMMAR: readonly Row[] = [
  ["/photo.jpg?tr=w-400.0", "400x541"],
  ["/photo.jpg?tr=w-300,ar-4:3:rt-90", "225x300"],
  ["/quarters.png?tr=e-grayscale-true,e-contrast-true,f-png", "400x300", { "-1,-1": WHITE }],
  ["/white.png?tr=bg-FFAABB50,w-300,h-300,cm-pad_resize,f-png", "300x300", { "5,5": [255, 170, 187, 128] }],
  ["/white.png?tr=bg-lightgreen,w-300,h-300,cm-pad_resize,f-png", "300x300", { "5,5": [144, 238, 144] }],
  ["/white.png?tr=bg-a94d34,w-300,h-300,cm-pad_resize,f-png", "300x300", { "5,5": [169, 77, 52] }],
  ["/photo.jpg?tr=n-media_library_thumbnail", "74x100"],
  ["/photo.jpg?tr=n-media_library_thumbnail,rt-90", "100x74"],
  ["/photo.jpg?tr=n-media_library_thumbnail:rt-90", "100x74"],
  ["/photo.jpg?tr=n-Media_Library_Thumbnail", "400 EINVAL"],
  ["/photo.jpg?tr=l-image,i-red.png", "400 EINVAL"],
  ["/photo.jpg?tr=if-w_gt_1,w-5", "400 EINVAL"],
  ["/photo.jpg?tr=zz-5", "400 EINVAL"],
  ["/photo.jpg?tr=w-70000,h-100", "74x100"],
  ["/photo.jpg?tr=ar-4-3,w-100,h-50", "100x50"],
  ["/photo.jpg?tr=dpr-2", "640x865"],
  ["/photo.jpg?tr=w-2000,dpr-5", "2000x2703"],
  ["/quarters.png?tr=w-200,c-force,fo-left,z-2,x-5,y-5", "200x150"],
  ["/photo.jpg?tr=orig-true,w-10:rt-90", "640x865"],
  ["/white.png?tr=l-image,i-red.png,lfo-bottom,lx-4,l-end,f-png", "300x200", { "4,0": RED, "3,0": WHITE }],
  ["/white.png?tr=l-image,i-missing.png,ie-cmVkLnBuZw%3D%3D,l-end,f-png", "300x200", { "150,100": RED }],
  ...["oi-logo.png", "ot-hello,otc-red", "ox-5", "obg-red", "oib-5_red", "ote-SGk%3D", "oit-true"].map(
    (retired): Row => [`/photo.jpg?tr=${retired}`, "400 EINVAL"],
  ),
  ["/photo.jpg?tr=w-100,h-100,cm-extract,xc-600,yc-800", "400 EINVAL"],
  ["/photo.jpg?tr=w-100,w-200", "200x270"],
];

const SIZES: readonly Row[] = [
  ["/photo.jpg?tr=w-300,h-200", "300x200"],
  ["/photo.jpg?tr=w-300,h-200,c-force", "300x200"],
  ["/photo.jpg?tr=w-300,h-200,c-at_max", "148x200"],
  ["/photo.jpg?tr=w-850,h-1000,c-at_max_enlarge", "740x1000"],
  ["/photo.jpg?tr=w-300,h-200,c-at_least", "300x405"],
  ["/photo.jpg?tr=w-300,h-200,c-maintain_ratio_no_enlarge", "300x200"],
  ["/photo.jpg?tr=w-300,h-200,cm-pad_resize", "300x200"],
  ["/photo.jpg?tr=w-300,h-200,cm-pad_resize_no_enlarge", "300x200"],
  ["/photo.jpg?tr=w-300,h-200,cm-extract", "300x200"],
  ["/photo.jpg?tr=w-700,h-900,cm-pad_extract,bg-272B38", "700x900"],
  ["/wide.jpg?tr=w-3840,c-at_max", "1600x1067"],
  ["/photo.jpg?tr=w-1280", "1280x1730"],
  ["/photo.jpg?tr=w-0.5,h-0.5", "320x433"],
  ["/photo.jpg?tr=c-force,cm-extract,w-100,h-100", "100x100"],
  [
    "/quarters.png?tr=w-300,h-150,cm-pad_resize,bg-F3F3F3,fo-left,f-png",
    "300x150",
    { "5,5": RED, "195,5": GREEN, "205,75": [243, 243, 243] },
  ],
  ["/photo.jpg?tr=w-800,h-600,cm-pad_resize,bg-blurred_25_N30", "800x600"],
  [
    "/quarters.png?tr=w-iw_div_2,h-ih_div_2,cm-extract,x-iw_mul_0.2,y-ih_mul_0.2,f-png",
    "200x150",
    { "119,89": RED, "120,89": GREEN, "119,90": BLUE, "120,90": WHITE },
  ],
  ["/photo.jpg?tr=fo-car,ar-2_1", "403 EUNSUPPORTED"],
  ["/photo.jpg?tr=w-300,h-300,cm-pad_resize,bg-genfill-prompt-a%20forest", "403 EUNSUPPORTED"],
];

const EFFECTS: readonly Row[] = [
  ["/logo.png?tr=bg-F00000,f-png", "80x80", { "5,5": [240, 0, 0], "40,40": BLUE }],
  ["/logo.png?tr=f-jpg", "80x80", { "5,5": BLACK }],
  ["/quarters.png?tr=b-cw_mul_0.05_FF00FF,f-png", "440x340", { "19,19": [255, 0, 255], "20,20": RED }],
  ["/quarters.png?tr=b-5-A94D34,f-png", "410x310", { "2,2": [169, 77, 52] }],
  ["/quarters.png?tr=w-100,h-100,r-max,f-png", "100x100", { "3,3": CLEAR, "30,30": RED }],
  ["/quarters.png?tr=o-50,bg-FFFFFF20,f-png", "400x300", { "5,5": [255, 128, 128] }],
  ["/photo.jpg?tr=o-0.8", "400 EINVAL"],
  [
    "/quarters.png?tr=e-gradient-ld-top_right_from-FF0000_to-lightskyblue_sp-0.5,f-png",
    "400x300",
    { "0,-1": RED, "-1,0": [135, 206, 250] },
  ],
  ["/photo.jpg?tr=e-sharpen-200", "640x865"],
  ["/photo.jpg?tr=e-usm-2.5-8.00-1-0.05", "640x865"],
  ["/wide.jpg?tr=w-3000,e-shadow", "400 ELIMIT"],
  ["/quarters.png?tr=e-distort-p-0_0_9_9_0_9_9_0", "400 EINVAL"],
  ["/quarters.png?tr=cr-FFFF00_35_FF0000,f-png", "400x300", { "5,5": YELLOW }],
  ["/quarters.png?tr=rt-N90,f-png", "300x400", { "5,5": GREEN }],
  ["/photo.jpg?tr=f-gif", "400 EINVAL"],
  ["/moving.gif?tr=pg-3,f-png", "40x30", { "5,5": WHITE }],
  ["/logo.svg?tr=f-png", "158x33", { "5,5": RED }],
  ["/photo.jpg?tr=c2pa-true", "403 EUNSUPPORTED"],
];

const EXPRESSIONS: readonly Row[] = [
  ["/wide.jpg?tr=w-iw_div_4", "400x267"],
  ["/wide.jpg?tr=w-ih_mul_0.8_add_iw_mul_0.4", "1494x996"],
  ["/wide.jpg?tr=w-iw_sub_1000_mul_0.5", "1100x734"],
  ["/wide.jpg?tr=w-iw_add_10_mod_100", "10x7"],
  ["/wide.jpg?tr=w-2_mul_5_pow_2", "100x67"],
  ["/wide.jpg?tr=w-ih,h-50", "1067x50"],
  ["/wide.jpg?tr=w-400:w-cw_div_2,h-iw_div_16", "200x100"],
  ["/photo.jpg?tr=if-ar_gt_1,w-200,if-else,w-300,if-end", "300x405"],
  ["/wide.jpg?tr=if-ar_gt_1,w-200,if-else,w-300,if-end", "200x133"],
  ["/photo.jpg?tr=h-200:if-h_eq_200,w-100,if-end:rt-90", "135x100"],
  ["/photo.jpg?tr=h-100,if-h_eq_200,w-100,if-end", "400 EINVAL"],
  ["/photo.jpg?tr=if-h_gte_100_and_h_lte_400_or_ar_lt_4-3,w-50,if-end", "50x68"],
  ["/wide.jpg?tr=if-h_gte_100_and_h_lte_400_or_ar_lt_4-3,w-50,if-end", "1600x1067"],
  ["/photo.jpg?tr=if-iw_gt_100,w-20:rt-90,if-else,h-4,if-end", "27x20"],
  ["/photo.jpg?tr=if-iw_gt_100,pg-1,if-end", "400 EINVAL"],
];

const red = "l-image,i-ik_canvas,bg-FF0000";
const LAYERS: readonly Row[] = [
  [
    "/white.png?tr=l-image,i-red.png,w-10,rt-90,lx-10,ly-20,l-end,f-png",
    "300x200",
    { "10,20": RED, "14,29": RED },
  ],
  [
    "/white.png?tr=l-image,i-red.png,w-100,l-image,i-logo.png,w-10,lfo-top_left,l-end,l-end,f-png",
    "300x200",
    { "105,80": BLUE, "120,100": RED },
  ],
  ["/white.png?tr=l-image,i-red.png,w-bw_div_3:l-text,i-Hi,l-end,l-end,f-png", "300x200", { "101,100": RED }],
  [`/white.png?tr=${red},w-300,h-100,l-end,f-png`, "300x200", { "5,50": RED, "5,149": RED, "5,151": WHITE }],
  [`/white.png?tr=${red}50,al-1,l-end,f-png`, "300x200", { "5,5": [255, 128, 128] }],
  ["/white.png?tr=l-image,i-ik_canvas,bg-red,al-1,l-end,f-png", "300x200", { "5,5": RED }],
  [
    `/white.png?tr=${red},w-40,h-20,lx-N16,ly-12,l-end,f-png`,
    "300x200",
    { "283,12": RED, "284,12": WHITE, "244,31": RED },
  ],
  [`/white.png?tr=${red},w-40,h-20,ly-N0,l-end,f-png`, "300x200", { "0,199": RED, "0,179": WHITE }],
  [
    `/white.png?tr=${red},w-40,h-20,lx-9000,ly-9000,l-end,f-png`,
    "300x200",
    { "299,199": RED, "260,180": RED },
  ],
  [`/white.png?tr=${red},w-40,h-20,lx-5,lxc-5,l-end`, "400 EINVAL"],
  [`/white.png?tr=${red},w-900,h-900,l-end,f-png`, "300x200", { "0,0": RED, "299,199": RED }],
  [
    "/white.png?tr=l-text,i-Hi,w-200,bg-FF0000,fs-20,ia-left,lx-0,ly-0,l-end,f-png",
    "300x200",
    { "0,0": RED, "199,0": RED, "200,0": WHITE },
  ],
  ["/white.png?tr=l-text,i-Hi,w-17000,bg-red,l-end", "400 ELIMIT"],
  ["/white.png?tr=l-text,i-%E0%A4%B9%E0%A4%BF_-%25!@%26,l-end", "300x200"],
  ["/white.png?tr=l-video,i-a.mp4,l-end", "403 EUNSUPPORTED"],
  ["/white.png?tr=l-image,i-none.png,l-end", "404 ENOENT"],
  [`/white.png?tr=${`${red},`.repeat(4)}${"l-end,".repeat(4)}w-5`, "400 ELIMIT"],
];

const SECTIONS = { URLS, GRAMMAR, SIZES, EFFECTS, EXPRESSIONS, LAYERS };

describe("examples of ImageKit's documentation", () => {
  let server: TestServer;
  before(async () => {
    server = await openGallery();
  });
  after(() => server.close());

  for (const [section, rows] of Object.entries(SECTIONS)) {
    describe(section.toLowerCase(), () => {
      for (const [url, result, points = {}] of rows) {
        it(`${url} → ${result}`, async () => {
          const { status, headers, body } = await server.ask(url);
          if (status !== 200) {
            assert.equal(`${status} ${headers["ik-error"]?.split(" - ")[0]}`, result, headers["ik-error"]);
            return;
          }
          const found = await lookAt(body);
          assert.equal(`${found.width}x${found.height}`, result);
          const inside = Object.entries(points).map(([point, colour]): [string, Colour] => {
            const [x = 0, y = 0] = point.split(",").map(Number);
            const isFar = (value: number) => value < 0 || Object.is(value, -0);
            return [`${isFar(x) ? found.width + x : x},${isFar(y) ? found.height + y : y}`, colour];
          });
          assertPoints(found, Object.fromEntries(inside), url);
        });
      }
    });
  }

  it("built-in families; those that are not installed are drawn in the usual one", async () => {
    const draw = async (family: string) => {
      const url = `/white.png?tr=l-text,i-Rag%20gum,ff-${encodeURIComponent(family)},l-end,f-png`;
      const { status, body } = await server.ask(url);
      assert.equal(status, 200, family);
      return body.toString("base64");
    };
    const brought = await Promise.all(["Open Sans", "Lato", "PT_Serif", "PT Mono", "Lobster"].map(draw));
    assert.equal(new Set(brought).size, brought.length);
    const others =
      "AbrilFatFace,Amaranth,Arvo,Audiowide,Chivo,Crimson Text,exo,Fredoka One,Gravitas One,Kanit,Lora,Monoton,Montserrat,Roboto,Old Standard,Ubuntu,Vollkorn";
    for (const family of others.split(",")) await draw(family);
  });

  it("formats by what clients accept, and headers", async () => {
    const type = async (url: string, accept: string) =>
      (await server.ask(url, { headers: { accept } })).headers;
    const browser = "image/avif,image/webp,*/*";
    assert.equal((await type("/photo.jpg?tr=w-100", browser))["content-type"], "image/webp");
    assert.equal((await type("/photo.jpg?tr=w-100", "*/*"))["content-type"], "image/jpeg");
    assert.match((await type("/photo.jpg?tr=w-100", browser)).vary ?? "", /accept/i);
    assert.match((await type("/logo.png", "*/*"))["content-type"] ?? "", /png/);
    assert.match((await type("/logo.svg", browser))["content-type"] ?? "", /svg/);
    assert.equal((await type("/photo.jpg?tr=f-avif,w-50", "*/*"))["content-type"], "image/avif");
    const download = await server.ask("/photo.jpg?tr=w-9&ik-attachment=true&ik-attachment-filename=kitty");
    assert.match(download.headers["content-disposition"] ?? "", /^attachment; filename="?kitty\.jpe?g"?/);
    assert.equal(download.headers["access-control-allow-origin"], "*");
  });

  it("client hints", async () => {
    const ask = (tr: string, headers: Record<string, string>) =>
      server.ask(`/photo.jpg?tr=${tr}`, { headers });
    const auto = await ask("w-auto", { "sec-ch-width": "212", "sec-ch-dpr": "2" });
    assert.equal((await lookAt(auto.body)).width, 300);
    assert.equal(auto.headers["content-dpr"], "2.83");
    assert.equal((await lookAt((await ask("w-100,dpr-auto", { dpr: "2" })).body)).width, 200);
    const both = await ask("w-auto,dpr-auto", { width: "600", dpr: "2" });
    assert.equal((await lookAt(both.body)).width, 600);
  });

  it("animations keep moving, or hold still", async () => {
    const pages = async (tr: string) =>
      (await sharp((await server.ask(`/moving.gif?tr=${tr}`)).body).metadata()).pages;
    assert.equal(await pages("w-20"), 3);
    assert.equal(await pages("w-20,f-webp"), 3);
    assert.equal((await pages("w-20,f-jpg")) ?? 1, 1);
    const still = await lookAt((await server.ask("/moving.gif/ik-thumbnail.jpg")).body);
    assert(isNear(still.at(5, 5), GREEN));
  });
});
