import assert from "node:assert/strict";
import type { TestServer } from "@mediatap/test";
import { openGallery } from "../support/gallery.ts";
import {
  assertPoints,
  BLUE,
  CLEAR,
  type Colour,
  GREEN,
  isNear,
  type Look,
  look,
  type Points,
  RED,
  WHITE,
} from "../support/looks.ts";
import { describeWithSdks, type Step, sent } from "../support/sdks.ts";

/** An overlay of the SDK on 300x200 px of white, and what is there then. */
type Row = readonly [overlay: Step, points: Points, near?: number];

const image = (more: Step = {}, ...transformation: Step[]): Step => ({
  type: "image",
  input: "red.png",
  transformation,
  ...more,
});

describeWithSdks("layers as ImageKit's SDKs ask for them", ({ javascript }) => {
  let server: TestServer;
  before(async () => {
    server = await openGallery();
  });
  after(() => server.close());

  const ask = (overlay: Step, transformationPosition: "path" | "query" = "query", src = "/white.png") =>
    server.ask(
      sent(
        javascript.buildSrc({
          urlEndpoint: server.url,
          src,
          transformation: [{ overlay, format: "png" }],
          transformationPosition,
        }),
      ),
    );
  const seen = async (overlay: Step) => look(await ask(overlay));

  function rows(...all: readonly Row[]) {
    for (const [overlay, points, near] of all) {
      it(JSON.stringify(overlay), async () => {
        for (const position of ["query", "path"] as const) {
          assertPoints(await look(await ask(overlay, position)), points, position, near);
        }
      });
    }
  }

  describe("of pictures", () => {
    const places: readonly [position: Step, left: number, top: number][] = [
      [{}, 130, 90],
      [{ focus: "top_left" }, 0, 0],
      [{ focus: "bottom_right" }, 260, 180],
      [{ focus: "right" }, 260, 90],
      [{ x: 10, y: 20 }, 10, 20],
      [{ x: "10", y: "20", focus: "center" }, 10, 20],
      [{ x: "N10", y: "N20" }, 250, 160],
      [{ x: "bw_mul_0.4", y: "bh_sub_ch" }, 120, 180],
      [{ xCenter: 50, yCenter: 60 }, 30, 50],
      [{ x: 10, yCenter: "bh_div_2" }, 10, 90],
      [{ anchorPoint: "center", x: 10, y: 20 }, 160, 120],
    ];
    for (const [position, left, top] of places) {
      it(`lie at ${left}, ${top} for ${JSON.stringify(position)}`, async () => {
        assert.deepEqual((await seen(image({ position }))).box(RED), [left, top, 40, 20]);
      });
    }

    const sizes: readonly [step: Step, width: number, height: number][] = [
      [{ width: 80 }, 80, 40],
      [{ width: "bw_mul_0.5", height: "bh_mul_0.5" }, 150, 100],
      [{ width: 20, height: 20, crop: "force" }, 20, 20],
      [{ width: 20, height: 20, crop: "at_max" }, 20, 10],
      [{ width: 20, height: 20, cropMode: "extract", focus: "left" }, 20, 20],
      [{ width: 20, height: 10, cropMode: "extract", x: 3, y: 4 }, 20, 10],
      [{ width: 60, height: 60, cropMode: "pad_resize", background: "red" }, 60, 60],
      [{ width: 40, aspectRatio: "1-1" }, 40, 40],
      [{ width: 20, dpr: 2 }, 40, 20],
      [{ rotation: 90 }, 20, 40],
      [{ border: "5_red" }, 50, 30],
      [{ page: 1, quality: 50, trim: true }, 40, 20],
    ];
    for (const [step, width, height] of sizes) {
      it(`are ${width}x${height} for ${JSON.stringify(step)}`, async () => {
        const found = await seen(image({ position: { focus: "top_left" } }, step));
        assert.deepEqual(found.box(RED), [0, 0, width, height]);
      });
    }

    rows(
      [image({ input: "/folder/logo @1.png" }), { "150,100": BLUE, "131,81": BLUE, "128,100": WHITE }],
      [image({ input: "folder/हिन्दी.png" }), { "150,100": BLUE }],
      [image({ input: "folder/logo @1.png", encoding: "plain" }), { "150,100": BLUE }],
      [image({ input: "/logo.png/", encoding: "base64" }), { "150,100": BLUE }],
      [image({ input: "logo.png" }, { trim: false }), { "150,100": BLUE, "115,65": WHITE }],
      [image({ input: "quarters.png" }, { width: 100, flip: "h" }), { "105,70": GREEN, "195,70": RED }],
      [image({}, { opacity: 50 }), { "150,100": [255, 128, 128] }],
      [image({}, { radius: "max" }), { "150,100": RED, "131,91": WHITE }],
      [image({}, { width: 50 }, { rotation: 90 }), { "150,78": RED, "150,122": RED, "165,100": WHITE }],
      [image({}, { colorReplace: "blue" }), { "150,100": BLUE }],
      [image({}, { blur: 5, sharpen: true, unsharpMask: true, contrastStretch: true }), { "20,20": WHITE }],
      [image({ input: "logo.png" }, { shadow: true, trim: false }), { "150,100": BLUE }],
      [image({}, { gradient: "from-blue_to-blue" }), { "150,100": BLUE }],
      [image({}, { distort: "a-45", colorize: "co-red_in-10" }), { "20,20": WHITE }],
      [
        image(
          {},
          { width: 100, overlay: { type: "solidColor", color: "blue", transformation: [{ width: 10 }] } },
        ),
        { "105,80": RED, "150,100": BLUE },
      ],
      [image({ timing: { start: 5, duration: "10", end: 15 } }), { "150,100": RED }],
      [image({ layerMode: "multiply" }), { "150,100": RED }],
      [image({ layerMode: "cutout" }), { "150,100": CLEAR, "5,5": WHITE }],
      [image({ layerMode: "displace", position: { x: 50, y: 50 } }), { "5,5": WHITE }],
    );

    it("cut to shape", async () => {
      const { width, height, at } = await seen(image({ layerMode: "cutter" }, { radius: "max" }));
      assert.deepEqual([width, height], [40, 20]);
      assert(isNear(at(0, 0), CLEAR) && isNear(at(20, 10), WHITE));
    });

    it("are none without an input, and 404 where there is none", async () => {
      for (const overlay of [{ type: "image" }, { type: "text", text: "" }, { input: "red.png" }]) {
        assert.equal((await seen(overlay)).count(WHITE), 300 * 200);
      }
      assert.equal((await ask(image({ input: "missing.png" }))).status, 404);
    });

    it("of videos and subtitles are none of pictures", async () => {
      for (const overlay of [
        { type: "video", input: "play.mp4" },
        { type: "subtitle", input: "a.srt" },
      ]) {
        assert.match((await ask(overlay)).headers["ik-error"] ?? "", /^EUNSUPPORTED - .*l-(video|subtitles)/);
      }
    });
  });

  describe("of colours", () => {
    const block = (more: Step, color = "FF0000"): Step => ({
      type: "solidColor",
      color,
      transformation: [more],
    });
    rows(
      [
        { type: "solidColor", color: "FF0000" },
        { "0,0": RED, "299,199": RED },
      ],
      [{ type: "solidColor", color: "FF000050" }, { "0,0": [255, 128, 128] }],
      [
        block({ width: "bw_mul_0.2", height: "bh_div_2" }),
        { "121,51": RED, "178,148": RED, "118,100": WHITE },
      ],
      [block({ width: 50, height: 20, alpha: 5 }), { "150,100": [255, 128, 128] }],
      [block({ width: 50, height: 50, radius: "max" }), { "150,100": RED, "127,77": WHITE }],
      [block({ width: 50, height: 50, radius: "20_0_0_0" }), { "127,77": WHITE, "173,77": RED }],
      [block({ width: 50, height: 50, background: "blue" }, "red"), { "150,100": BLUE }],
      [block({ gradient: "from-red_to-blue" }), { "150,0": RED, "150,199": BLUE }],
      [block({ gradient: true, height: 100, width: 50 }), { "150,51": WHITE, "150,148": RED }],
    );
  });

  describe("of texts", () => {
    const text = (step: Step = {}, more: Step = {}): Step => ({
      type: "text",
      text: "Hi",
      transformation: [{ fontSize: 40, fontColor: "0000FF", ...step }],
      ...more,
    });
    const box = (found: Look, colour: Colour = BLUE) => {
      const at = found.box(colour, 100);
      assert(at, "nothing of that colour");
      return { left: at[0], top: at[1], width: at[2], height: at[3] };
    };

    it("are black and in the middle, however they are encoded", async () => {
      for (const overlay of [
        { type: "text", text: "Minimal Text" },
        { type: "text", text: "Let's use ©, ®, ™, etc" },
        { type: "text", text: "हिन्दी" },
        { type: "text", text: "100% & <b> ? #", encoding: "plain" },
        { type: "text", text: "Hi", encoding: "base64" },
        { type: "text", text: "alnum123-._ " },
      ]) {
        for (const position of ["query", "path"] as const) {
          const small = { ...overlay, transformation: [{ fontSize: 20 }] };
          const { left, width } = box(await look(await ask(small, position)), [0, 0, 0]);
          assert(Math.abs(left + width / 2 - 150) < 6, `${overlay.text}: ${left} ${width}`);
        }
      }
    });

    it("are as large as they should be", async () => {
      const small = box(await seen(text({ fontSize: 30 })));
      const large = box(await seen(text({ fontSize: "bh_mul_0.3" })));
      assert(Math.abs(large.height / small.height - 2) < 0.15, `${small.height} ${large.height}`);
    });

    it("have colours, and are clear in part", async () => {
      assert((await seen(text({ fontColor: "red" }))).count(RED) > 50);
      const faint = await seen(text({ fontColor: "FF000050" }));
      assert(faint.count(RED) === 0 && faint.count([255, 128, 128], 20) > 50);
      assert((await seen(text({ alpha: 2 }))).count([204, 204, 255], 20) > 50);
      // What the SDK has no name for goes out as it is.
      assert((await seen(text({ fontColor: undefined, color: "red" }))).count(RED) > 50);
    });

    it("wrap, and align their lines", async () => {
      const lines = (more: Step) =>
        seen(text({ width: 140, fontSize: 30, ...more }, { text: "long lines wrap I" }));
      const left = await lines({ innerAlignment: "left", background: "FFFF00" });
      const right = await lines({ innerAlignment: "right", background: "FFFF00" });
      assert.equal(box(left, [255, 255, 0]).width, 140);
      assert(box(left).left < 85 && box(right).left > 85, `${box(left).left} ${box(right).left}`);
      assert(box(await lines({ lineHeight: 60 })).height > box(await lines({ lineHeight: 40 })).height + 15);
    });

    it("have room around them, and a background with corners", async () => {
      const boxOf = async (more: Step) =>
        box(await seen(text({ background: "FFFF00", ...more })), [255, 255, 0]);
      const bare = await boxOf({});
      for (const [padding, x, y] of [
        [5, 10, 10],
        ["5_10", 20, 10],
        ["1_2_3_4", 6, 4],
        ["bw_div_30", 20, 20],
      ] as const) {
        const padded = await boxOf({ padding });
        assert.deepEqual([padded.width - bare.width, padded.height - bare.height], [x, y], `${padding}`);
      }
      const found = await seen(text({ background: "FFFF00", padding: 20, radius: "max" }));
      const { left, top } = box(found, [255, 255, 0]);
      assert(isNear(found.at(left, top), WHITE));
    });

    it("are turned and mirrored", async () => {
      const upright = box(await seen(text({}, { text: "Hello" })));
      const turned = box(await seen(text({ rotation: 90 }, { text: "Hello" })));
      assert(Math.abs(upright.width - turned.height) <= 2 && Math.abs(upright.height - turned.width) <= 2);
      const wide = box(await seen(text({ rotation: "N45" }, { text: "Hello" })));
      assert(wide.height > upright.height && wide.width < upright.width);
      const half = (found: Look) => {
        const { left, width } = box(found);
        let sum = 0;
        for (let y = 0; y < 200; y++)
          for (let x = left; x < left + width / 2; x++) if (isNear(found.at(x, y), BLUE, 100)) sum++;
        return sum;
      };
      // The stem of an L is on the left, mirrored on the right.
      assert(
        half(await seen(text({}, { text: "L" }))) > half(await seen(text({ flip: "h" }, { text: "L" }))),
      );
    });

    it("are bold, italic, struck out, and of other families", async () => {
      const ink = async (step: Step) => (await seen(text(step, { text: "Him" }))).count(BLUE, 100);
      const regular = await ink({});
      assert((await ink({ typography: "b" })) > regular * 1.2);
      assert((await ink({ typography: "strikethrough" })) > regular);
      const answers = await Promise.all(
        [{}, { typography: "i" }, { typography: "b_i_strikethrough" }, { fontFamily: "Lobster" }].map(
          (step) => ask(text(step)),
        ),
      );
      assert.equal(new Set(answers.map(({ body }) => body.toString("base64"))).size, 4);
      assert.equal((await ask(text({ fontFamily: "Arial" }))).status, 200);
      assert.equal((await ask(text({ fontFamily: "/fonts/Missing.ttf" }))).status, 404);
    });

    it("cut out, multiply and cut to shape", async () => {
      const cut = await seen(text({}, { layerMode: "cutout", text: "I" }));
      assert(clear(cut) > 50 && clear(cut) < 2_000, `${clear(cut)}`);
      assert((await seen(text({}, { layerMode: "multiply" }))).count(BLUE, 60) > 50);
      const shape = await seen(text({}, { layerMode: "cutter" }));
      assert(shape.width < 300 && clear(shape) > 0 && shape.count(WHITE) > 50);
    });

    const clear = (found: Look) => {
      let count = 0;
      for (let y = 0; y < found.height; y++)
        for (let x = 0; x < found.width; x++) if (isNear(found.at(x, y), CLEAR)) count++;
      return count;
    };

    it("with all that the SDK's own tests say", async () => {
      const overlay = {
        type: "text",
        text: "Every thing",
        position: { x: "10", y: "20", focus: "center" },
        timing: { start: 5, duration: "10", end: 15 },
        transformation: [
          {
            ...{
              width: "bw_mul_0.5",
              fontSize: 20,
              fontFamily: "Arial",
              fontColor: "0000ff",
              innerAlignment: "left",
            },
            ...{
              padding: 5,
              alpha: 7,
              typography: "b",
              background: "red",
              radius: 10,
              rotation: "N45",
              flip: "h",
            },
            lineHeight: 20,
          },
        ],
      };
      const { left, top } = box(await seen(overlay), [255, 77, 77]);
      assert(left >= 10 && left < 30 && top >= 20 && top < 40, `${left} ${top}`);
    });
  });
});
