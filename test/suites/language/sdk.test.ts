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
  look,
  type Points,
  RED,
  WHITE,
  YELLOW,
} from "../support/looks.ts";
import { describeWithSdks, type Step, sent } from "../support/sdks.ts";

/** What a step of the SDK gives: the size, and pixels of it. */
type Row = readonly [step: Step | readonly Step[], size: string, points?: Points, near?: number];

const QUARTERS: Points = { "5,5": RED, "-5,5": GREEN, "5,-5": BLUE, "-5,-5": WHITE };

/** Points that are counted from the right or from below where they are negative. */
const within = (points: Points, width: number, height: number): Points =>
  Object.fromEntries(
    Object.entries(points).map(([point, colour]) => {
      const [x = 0, y = 0] = point.split(",").map(Number);
      return [`${x < 0 ? width + x : x},${y < 0 ? height + y : y}`, colour];
    }),
  );

describeWithSdks("pictures as ImageKit's SDKs ask for them", ({ javascript }) => {
  let server: TestServer;
  before(async () => {
    server = await openGallery();
  });
  after(() => server.close());

  const ask = (src: string, steps: Step | readonly Step[], headers: Record<string, string> = {}) =>
    server.ask(
      sent(
        javascript.buildSrc({
          urlEndpoint: server.url,
          src,
          transformation: [steps].flat() as readonly Step[],
        }),
      ),
      { headers },
    );

  /** Of `quarters.png`, as PNG so that pixels are exact. */
  function rows(...all: readonly Row[]) {
    for (const [steps, size, points = {}, near] of all) {
      it(`${JSON.stringify(steps)} → ${size}`, async () => {
        const found = await look(await ask("/quarters.png", [...[steps].flat(), { format: "png" }]));
        assert.equal(`${found.width}x${found.height}`, size);
        assertPoints(found, within(points, found.width, found.height), "quarters.png", near);
      });
    }
  }

  describe("sizes and crops", () => {
    rows(
      [{ width: 200 }, "200x150", QUARTERS],
      [{ width: 0.5 }, "200x150", QUARTERS],
      [{ height: "ih_mul_0.5" }, "200x150", QUARTERS],
      [{ width: "iw_div_2", height: "ih_div_3" }, "200x100", QUARTERS],
      [{ width: 300, aspectRatio: "4:3" }, "300x225"],
      [{ width: 300, aspectRatio: "4_3" }, "300x225"],
      [{ width: 300, aspectRatio: 1.5 }, "300x200"],
      [{ height: 300, aspectRatio: "iar_div_2" }, "200x300"],
      [{ width: 100, dpr: 2 }, "200x150", QUARTERS],
      [{ width: 100, dpr: "iw_div_200" }, "200x150"],
      [{ width: 800 }, "800x600", QUARTERS],
      [{ width: 100, height: 200, crop: "force" }, "100x200", QUARTERS],
      [{ width: 100, height: 100, crop: "at_max" }, "100x75", QUARTERS],
      [{ width: 800, height: 800, crop: "at_max" }, "400x300"],
      [{ width: 800, height: 800, crop: "at_max_enlarge" }, "800x600"],
      [{ width: 100, height: 150, crop: "at_least" }, "200x150", QUARTERS],
      [{ width: 100, height: 150, crop: "maintain_ratio" }, "100x150", QUARTERS],
      [{ width: 800, height: 400, crop: "maintain_ratio_no_enlarge" }, "400x200"],
      [{ width: 200, height: 200, cropMode: "pad_resize" }, "200x200", { "100,5": BLACK, "5,30": RED }],
      [
        { width: 200, height: 200, cropMode: "pad_resize", background: "yellow", focus: "top" },
        "200x200",
        { "5,5": RED, "100,145": BLUE, "100,195": YELLOW },
        255,
      ],
      [
        { width: 500, height: 400, cropMode: "pad_resize_no_enlarge", background: "FFFF00" },
        "500x400",
        { "45,45": YELLOW, "55,55": RED, "445,345": WHITE, "455,355": YELLOW },
      ],
      [
        { width: 500, height: 200, cropMode: "pad_extract", background: "FFFF00" },
        "500x200",
        { "45,100": YELLOW, "55,10": RED, "445,190": WHITE, "455,100": YELLOW },
      ],
      [
        { width: 200, height: 400, cropMode: "pad_extract_no_shrink", background: "FFFF00" },
        "400x400",
        { "5,45": YELLOW, "5,55": RED },
      ],
      [
        { width: 100, height: 100, cropMode: "extract", x: 150, y: 0 },
        "100x100",
        { "49,50": RED, "50,50": GREEN },
      ],
      [
        { width: 100, height: 100, cropMode: "extract", xCenter: 200, yCenter: "ih_div_2" },
        "100x100",
        { "49,49": RED, "50,49": GREEN, "49,50": BLUE, "50,50": WHITE },
      ],
      [[{ width: 200 }, { rotation: 90 }], "150x200", { "5,5": BLUE }],
      [{ raw: "w-200,h-100,c-force" }, "200x100", QUARTERS],
      [{ raw: "if-ar_gt_1,w-200,if-else,h-30,if-end" }, "200x150"],
      [{ named: "media_library_thumbnail" }, "100x75", QUARTERS],
      [{ width: 100, height: undefined, quality: null }, "100x75"],
    );
    const corners: readonly [focus: string, colour: Colour][] = [
      ["top_left", RED],
      ["top_right", GREEN],
      ["bottom_left", BLUE],
      ["bottom_right", WHITE],
    ];
    rows(
      ...corners.map(
        ([focus, colour]): Row => [
          { width: 100, height: 100, cropMode: "extract", focus },
          "100x100",
          { "5,5": colour, "94,94": colour },
        ],
      ),
      ...["center", "top", "left", "bottom", "right", "auto", "face", "custom", "auto-custom_override"].map(
        (focus): Row => [{ width: 100, height: 150, focus }, "100x150"],
      ),
      [{ width: 100, height: 150, focus: "left" }, "100x150", { "5,5": RED, "94,5": RED, "94,145": BLUE }],
      [{ width: 300, height: 100, focus: "bottom" }, "300x100", { "5,5": BLUE, "294,94": WHITE }],
      [{ width: 100, height: 100, focus: "face", zoom: 0.5 }, "100x100"],
    );
  });

  describe("effects", () => {
    rows(
      [{ border: "5_FFF000" }, "410x310", { "2,2": [255, 240, 0], "7,7": RED }],
      [{ border: "ih_div_20_FF00FF" }, "430x330", { "12,12": [255, 0, 255], "17,17": RED }],
      [{ radius: 20 }, "400x300", { "0,0": CLEAR, "-1,-1": CLEAR, "20,20": RED }],
      [{ radius: "max" }, "400x300", { "10,10": CLEAR, "200,2": GREEN, "2,150": BLUE }],
      [{ radius: "60_0_0_0" }, "400x300", { "2,2": CLEAR, "-1,0": GREEN, "0,-1": BLUE }],
      [{ rotation: 90 }, "300x400", { "5,5": BLUE, "-5,5": RED, "5,-5": WHITE, "-5,-5": GREEN }],
      [{ rotation: "N90" }, "300x400", { "5,5": GREEN, "-5,5": WHITE, "5,-5": RED, "-5,-5": BLUE }],
      [{ rotation: "auto" }, "400x300", QUARTERS],
      [{ rotation: 45, background: "yellow" }, "495x495", { "5,5": YELLOW }],
      [{ flip: "h" }, "400x300", { "5,5": GREEN, "5,-5": WHITE }],
      [{ flip: "v" }, "400x300", { "5,5": BLUE, "-5,5": WHITE }],
      [{ flip: "h_v" }, "400x300", { "5,5": WHITE, "-5,-5": RED }],
      [{ flip: "v_h" }, "400x300", { "5,5": WHITE, "-5,-5": RED }],
      [{ blur: 10 }, "400x300", { "5,5": RED, "200,60": [128, 128, 0] }, 90],
      [{ grayscale: true }, "400x300", { "-5,-5": WHITE }],
      [{ contrastStretch: true }, "400x300", { "-5,-5": WHITE }],
      [{ sharpen: true }, "400x300", QUARTERS],
      [{ sharpen: 10 }, "400x300", QUARTERS],
      [{ unsharpMask: true }, "400x300", QUARTERS],
      [{ unsharpMask: "2-2-0.8-0.024" }, "400x300", QUARTERS],
      [{ gradient: true }, "400x300", { "5,0": WHITE, "5,-1": BLUE }],
      [{ gradient: "ld-right_from-yellow_to-black" }, "400x300", { "0,5": YELLOW, "-1,5": BLACK }],
      [{ gradient: "ld-top_from-yellow_to-FF000000_sp-0.5" }, "400x300", { "5,-1": YELLOW, "-5,5": GREEN }],
      [
        { gradient: "ld-top_from-yellow_to-FF000000_sp-ih_div_2" },
        "400x300",
        { "5,-1": YELLOW, "-5,5": GREEN },
      ],
      [{ colorReplace: "FFFF00_20_FF0000" }, "400x300", { "5,5": YELLOW, "-5,5": GREEN, "5,-5": BLUE }],
      [{ colorReplace: "red_30_blue" }, "400x300", { "5,-5": RED, "5,5": RED }],
      [
        { distort: "p-50_50_350_50_350_250_50_250" },
        "400x300",
        { "5,5": CLEAR, "60,60": RED, "340,240": WHITE },
      ],
      [{ colorize: "co-blue_in-0" }, "400x300", QUARTERS],
      [{ opacity: 50 }, "400x300", { "5,5": [255, 0, 0, 128] }],
      [{ opacity: 50, background: "black" }, "400x300", { "5,5": [128, 0, 0] }],
      [{ trim: true }, "400x300"],
    );

    it("gray, tint and arc", async () => {
      const gray = (await look(await ask("/quarters.png", { grayscale: true, format: "png" }))).at(5, 5);
      assert(gray[0] === gray[1] && gray[1] === gray[2] && (gray[0] ?? 0) > 20, `${gray}`);
      for (const colorize of ["co-blue", "co-blue_in-80"]) {
        const [r = 0, , b = 0] = (await look(await ask("/quarters.png", { colorize, format: "png" }))).at(
          5,
          5,
        );
        assert(b > r, `${r} ${b}`);
      }
      const arc = await look(await ask("/quarters.png", { distort: "a-N45", format: "png" }));
      assert(arc.width > 400 && isNear(arc.at(0, 0), CLEAR), `${arc.width} ${arc.at(0, 0)}`);
    });

    it("contrast over the whole range", async () => {
      const dim = await look(await ask("/dim.png", { contrastStretch: true, format: "png" }));
      assertPoints(dim, { "0,0": BLACK, "30,20": WHITE }, "contrast", 16);
    });

    it("shadows and trims of what is clear around its edges", async () => {
      const shadow = await look(await ask("/logo.png", { shadow: "bl-0_st-80_x-10_y-10", format: "png" }));
      assertPoints(shadow, { "30,30": BLUE, "64,64": [0, 0, 0, 204], "70,70": CLEAR }, "shadow");
      assert.equal((await ask("/logo.png", { shadow: true })).status, 200);
      for (const trim of [true, 5, ""] as const) {
        const { width, height } = await look(await ask("/logo.png", { trim }));
        assert.deepEqual([width, height], [40, 40]);
      }
    });

    for (const background of "dominant gradient_dominant gradient_dominant_2 gradient_dominant_4 blurred blurred_25_N15".split(
      " ",
    )) {
      it(`background ${background}`, async () => {
        const step = { width: 300, height: 150, cropMode: "pad_resize", background, format: "png" };
        const { at, width, height } = await look(await ask("/quarters.png", step));
        assert.deepEqual([width, height], [300, 150]);
        assert(isNear(at(55, 5), RED) && isNear(at(244, 144), WHITE));
        assert(!isNear(at(5, 75), BLACK) && at(5, 75)[3] === 255, `${at(5, 75)}`);
      });
    }

    it("background that is nearly clear", async () => {
      const step = { width: 300, height: 150, cropMode: "pad_resize", background: "AAFF0010" };
      const { at } = await look(await ask("/quarters.png", step));
      assert(isNear(at(5, 5), [170, 255, 0, 26], 2), `${at(5, 5)}`);
    });
  });

  describe("output", () => {
    const FORMATS: readonly [format: string, type: string, accept?: string][] = [
      ["auto", "image/webp", "image/webp,*/*"],
      ["webp", "image/webp"],
      ["jpg", "image/jpeg"],
      ["jpeg", "image/jpeg"],
      ["png", "image/png"],
      ["avif", "image/avif"],
      ["orig", "image/jpeg", "image/webp,*/*"],
    ];
    for (const [format, type, accept = "*/*"] of FORMATS) {
      it(`format ${format}`, async () => {
        const answer = await ask("/photo.jpg", { width: 100, format }, { accept });
        assert.equal(answer.headers["content-type"], type);
        assert.equal((await look(answer)).width, 100);
      });
    }

    it("formats of others", async () => {
      for (const format of ["gif", "svg", "mp4", "webm"]) {
        assert.equal((await ask("/photo.jpg", { width: 100, format })).status, 400, format);
      }
      assert.equal(
        (await ask("/moving.gif", { width: 20, format: "gif" })).headers["content-type"],
        "image/gif",
      );
      assert.match((await ask("/logo.svg", { format: "svg" })).headers["content-type"] ?? "", /svg/);
      const drawn = await look(await ask("/logo.svg", { format: "png" }));
      assert.deepEqual([drawn.width, drawn.height], [158, 33]);
    });

    it("quality, progressive and lossless", async () => {
      const [low, high] = await Promise.all([10, 90].map((quality) => ask("/photo.jpg", { quality })));
      assert((low?.body.length ?? 0) < (high?.body.length ?? 0) / 2);
      const step = { progressive: true, format: "jpg" };
      assert.equal((await sharp((await ask("/photo.jpg", step)).body).metadata()).isProgressive, true);
      const exact = await look(await ask("/quarters.png", { lossless: true, format: "webp" }));
      assertPoints(exact, { "199,149": RED, "200,149": GREEN, "199,150": BLUE, "200,150": WHITE }, "webp", 0);
    });

    it("profile, metadata and density", async () => {
      const of = async (step: Step) => sharp((await ask("/exif.jpg", step)).body).metadata();
      const bare = await of({ width: 20 });
      assert.deepEqual([bare.icc, bare.exif], [undefined, undefined]);
      assert(Buffer.isBuffer((await of({ width: 20, colorProfile: true })).icc));
      const kept = await of({ width: 20, metadata: true });
      assert(Buffer.isBuffer(kept.icc) && kept.exif?.includes("someone"));
      assert.equal((await of({ density: 150 })).density, 150);
      assert.equal((await of({ density: "idn_mul_2" })).density, 192);
      const large = await look(await ask("/logo.svg", { density: 192, format: "png" }));
      // Its own size is at 72 dots per inch.
      assert.equal(large.width, 421);
    });

    it("the original, or another where it is missing", async () => {
      const original = await server.ask("/photo.jpg?tr=orig-true");
      const answer = await ask("/photo.jpg", { original: true, width: 20 });
      assert(answer.body.equals(original.body) && answer.body.length > 0);
      const instead = await look(await ask("/missing.jpg", { defaultImage: "/red.png/", width: 20 }));
      assert.deepEqual([instead.width, instead.height], [20, 10]);
      // No origin here fetches addresses.
      assert.equal((await ask("/missing.jpg", { defaultImage: "https://example.com/a.png" })).status, 404);
    });

    it("pages", async () => {
      assertPoints(await look(await ask("/moving.gif", { page: 2 })), { "5,5": BLUE }, "page 2");
      const thumbnail = await look(await ask("/moving.gif/ik-thumbnail.jpg", { page: 2, width: 20 }));
      assertPoints(thumbnail, { "5,5": BLUE }, "thumbnail");
      assert.equal((await ask("/moving.gif", { page: 4 })).status, 400);
    });

    it("widths and ratios of devices", async () => {
      const hints = { "sec-ch-width": "212", "sec-ch-dpr": "2" };
      assert.equal((await look(await ask("/photo.jpg", { width: "auto" }, hints))).width, 300);
      assert.equal((await look(await ask("/photo.jpg", { width: 100, dpr: "auto" }, hints))).width, 200);
    });

    it("attributes of responsive pictures", async () => {
      for (const options of [{}, { width: 300 }, { sizes: "(min-width: 800px) 33vw, 100vw" }]) {
        const { src, srcSet } = javascript.getResponsiveImageAttributes({
          urlEndpoint: server.url,
          src: "/wide.jpg",
          transformation: [{ height: 300 }],
          ...options,
        });
        const candidates = srcSet.split(", ").map((candidate) => candidate.split(" ")[0] as string);
        assert(candidates.includes(src));
        for (const url of [candidates[0] as string, src]) {
          const wanted = Number(/w-(\d+),c-at_max/.exec(url)?.[1]);
          const { width } = await look(await server.ask(sent(url)));
          // 300 px high it is 450 px wide, and no candidate is enlarged.
          assert.equal(width, Math.min(wanted, 450), url);
        }
      }
    });
  });

  const REFUSED: readonly [step: Step, named: string][] = [
    [{ aiRemoveBackground: true }, "e-bgremove"],
    [{ aiRemoveBackgroundExternal: true }, "e-removedotbg"],
    [{ aiDropShadow: true }, "e-dropshadow"],
    [{ aiDropShadow: "az-45" }, "e-dropshadow-az-45"],
    [{ aiChangeBackground: "prompt-snow road" }, "e-changebg-prompt-snow road"],
    [{ aiChangeBackground: "prompte-c25vdyByb2Fk" }, "e-changebg"],
    [{ aiEdit: "prompt-snow road" }, "e-edit"],
    [{ aiRetouch: true }, "e-retouch"],
    [{ aiUpscale: true }, "e-upscale"],
    [{ aiVariation: true }, "e-genvar"],
    [{ width: 600, height: 600, cropMode: "pad_resize", background: "genfill" }, "bg-genfill"],
    [{ width: 600, height: 600, cropMode: "pad_resize", background: "genfill-prompt-a b" }, "bg-genfill"],
    [{ width: 100, height: 100, focus: "car" }, "fo-car"],
    [{ focus: "person_dog" }, "fo-person_dog"],
    [{ page: "3-4" }, "pg-3-4"],
    [{ page: "name-layer-4" }, "pg-name-layer-4"],
  ];
  describe("what needs a model, or is of another kind", () => {
    for (const [step, named] of REFUSED) {
      it(`${JSON.stringify(step)} → 403`, async () => {
        for (const transformation of [
          step,
          { overlay: { type: "image", input: "red.png", transformation: [step] } },
        ]) {
          const { status, headers } = await ask("/photo.jpg", transformation);
          assert.equal(status, 403, headers["ik-error"]);
          assert.match(headers["ik-error"] ?? "", /^EUNSUPPORTED - /);
          assert(headers["ik-error"]?.includes(named), headers["ik-error"]);
        }
      });
    }
    it("a word that no SDK and no language knows → 400", async () => {
      assert.equal((await ask("/photo.jpg", { rndm_trnsf: "abcd" })).status, 400);
    });
  });
});
