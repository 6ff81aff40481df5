import assert from "node:assert/strict";
import type { Step } from "@mediatap/core";
import { isLike } from "../support/results.ts";
import {
  BLACK,
  BLUE,
  describeTranscoding,
  fields,
  GREEN,
  paint,
  quarters,
  RED,
  resize,
  sizeOf,
  WHITE,
} from "../support/transcoded.ts";
import type { Studio } from "../support/videos.ts";

async function prepare(studio: Studio) {
  const yuv = ["-c:v", "libx264", "-pix_fmt", "yuv420p"];
  await Promise.all([
    studio.make("odd.mkv", ...fields("321x181"), "-c:v", "ffv1", "-pix_fmt", "yuv444p"),
    studio.make("anamorphic.mp4", ...fields("320x180"), "-vf", "setsar=2/1", ...yuv),
    studio.make("turned.mp4", "-display_rotation", "90", "-i", studio.path("fields.mp4"), "-c", "copy"),
  ]);
}

describeTranscoding("the pictures of whole videos", prepare, ({ make }) => {
  describe("sizes", () => {
    const cases: readonly (readonly [string, Step[], string, string?])[] = [
      ["one side", [resize({ width: 100 })], "100x56", "red green blue white"],
      ["cover", [resize({ width: 100, height: 100 })], "100x100", "red green blue white"],
      ["cover to the left", [resize({ width: 80, height: 90, focus: "left" })], "80x90", "red red blue blue"],
      [
        "cover to the right",
        [resize({ width: 80, height: 90, focus: "right" })],
        "80x90",
        "green green white white",
      ],
      ["fill", [resize({ width: 100, height: 100, fit: "fill" })], "100x100", "red green blue white"],
      ["inside", [resize({ width: 100, height: 100, fit: "inside" })], "100x56"],
      ["inside, no larger", [resize({ width: 900, height: 900, fit: "inside", enlarge: false })], "320x180"],
      ["outside", [resize({ width: 100, height: 100, fit: "outside" })], "178x100"],
      ["enlarged", [resize({ width: 640 })], "640x360"],
      ["a ratio", [resize({ width: 100, ratio: 1 })], "100x100"],
      ["an expression", [resize({ width: ["div", "originalWidth", 2] })], "160x90"],
      [
        "a window",
        [
          {
            op: "extract",
            width: 160,
            height: 90,
            at: { from: "corner", x: 160, y: 90 },
            outside: "error",
            shrink: true,
          },
        ],
        "160x90",
        "white white white white",
      ],
      ["a quarter turn", [{ op: "rotate", angle: 90 }], "180x320", "blue red white green"],
      ["half a turn", [{ op: "rotate", angle: 180 }], "320x180", "white blue green red"],
      ["three quarters", [{ op: "rotate", angle: 270 }], "180x320", "green white red blue"],
      ["a flip", [{ op: "flip", horizontal: true, vertical: false }], "320x180", "green red white blue"],
      ["odd sides", [resize({ width: 101, height: 51 })], "100x50", "red green blue white"],
      [
        "a border",
        [{ op: "border", width: 10, color: paint(0, 255, 0).color }],
        "340x200",
        "red green blue white",
      ],
      [
        "several",
        [resize({ width: 200, height: 200 }), { op: "rotate", angle: 90 }, resize({ width: 51 })],
        "50x50",
        "blue red white green",
      ],
      [
        "a condition",
        [
          {
            op: "when",
            if: { left: "currentRatio", is: "gt", right: 1 },
            // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
            then: [resize({ width: 64 })],
            else: [],
          },
        ],
        "64x36",
      ],
    ];
    for (const [what, steps, size, colors] of cases) {
      it(`${what}: ${size}`, async () => {
        const result = await make("fields.mp4", steps, { audio: "none" });
        assert.equal(sizeOf(result), size);
        if (colors) assert.equal(await quarters(result), colors);
      });
    }

    it("odd ones of the source lose a line", async () => {
      const result = await make("odd.mkv");
      assert.equal(sizeOf(result), "320x180");
      assert.equal(await quarters(result), "red green blue white");
    });

    it("contain pads with a colour, at its position", async () => {
      const steps = [
        resize({ width: 100, height: 100, fit: "contain", focus: "top", background: paint(0, 0, 255) }),
      ];
      const result = await make("fields.mp4", steps, { audio: "none" });
      assert.equal(sizeOf(result), "100x100");
      const at = await result.at(0.5);
      assert.ok(isLike(at(0.5, 0.9), BLUE), String(at(0.5, 0.9)));
      assert.ok(isLike(at(0.2, 0.1), RED), String(at(0.2, 0.1)));
    });

    it("contain pads with black if no colour is named", async () => {
      const result = await make("fields.mp4", [resize({ width: 100, height: 100, fit: "contain" })]);
      const at = await result.at(0.5);
      assert.ok(isLike(at(0.5, 0.05), BLACK) && isLike(at(0.5, 0.95), BLACK));
    });

    it("contain pads with a blurred copy", async () => {
      const background = { kind: "blurred", intensity: "auto", brightness: 0 } as const;
      const result = await make("fields.mp4", [
        resize({ width: 100, height: 100, fit: "contain", background }),
      ]);
      assert.equal(sizeOf(result), "100x100");
      const at = await result.at(0.5);
      assert.ok(isLike(at(0.1, 0.05), RED, 60), String(at(0.1, 0.05)));
      assert.ok(isLike(at(0.9, 0.05), GREEN, 60), String(at(0.9, 0.05)));
      assert.ok(isLike(at(0.1, 0.5), RED, 60) || isLike(at(0.1, 0.6), BLUE, 60));
    });

    it("of square pixels if the source's are not", async () => {
      const result = await make("anamorphic.mp4");
      assert.equal(sizeOf(result), "640x180");
      assert.equal(result.video.sample_aspect_ratio, "1:1");
      assert.equal(sizeOf(await make("anamorphic.mp4", [resize({ width: 160 })])), "160x44");
    });

    it("upright if metadata rotates the source, once", async () => {
      const result = await make("turned.mp4");
      assert.equal(sizeOf(result), "180x320");
      assert.equal(result.video.side_data_list, undefined);
      const colors = await quarters(result);
      assert.equal(colors, "green white red blue");
      const again = await make("turned.mp4", [{ op: "rotate", angle: 90 }]);
      assert.equal(sizeOf(again), "320x180");
      assert.equal(await quarters(again), "red green blue white");
    });
  });

  describe("surfaces", () => {
    it("round corners show black, or the background", async () => {
      const round = { op: "round", radius: [40, 40, 40, 40] } as const;
      const black = await (await make("fields.mp4", [round])).at(0.5);
      assert.ok(isLike(black(0.005, 0.005), BLACK) && isLike(black(0.5, 0.1), black(0.5, 0.3)));
      assert.ok(isLike(black(0.99, 0.99), BLACK) && isLike(black(0.9, 0.7), WHITE));
      const blue = await (
        await make("fields.mp4", [round, { op: "flatten", background: paint(0, 0, 255) }])
      ).at(0.5);
      assert.ok(isLike(blue(0.005, 0.005), BLUE), String(blue(0.005, 0.005)));
    });

    it("an ellipse, on a blurred copy", async () => {
      const background = { kind: "blurred", intensity: 50, brightness: 0 } as const;
      const result = await make("fields.mp4", [
        { op: "round", radius: "max" },
        { op: "flatten", background },
      ]);
      const at = await result.at(1);
      assert.ok(isLike(at(0.25, 0.25), RED, 40));
      assert.equal(Number(result.video.nb_read_frames), 50);
    });

    it("grey, and half as opaque", async () => {
      const at = await (await make("fields.mp4", [{ op: "grayscale" }])).at(0.5);
      const [r, g, b] = at(0.25, 0.25);
      assert.ok(Math.abs(r - g) < 6 && Math.abs(g - b) < 6);
      const half = await (await make("fields.mp4", [{ op: "opacity", value: 0.5 }])).at(0.5);
      assert.ok(isLike(half(0.75, 0.75), [128, 128, 128]), String(half(0.75, 0.75)));
    });

    it("blur", async () => {
      const at = await (await make("fields.mp4", [{ op: "blur", sigma: 10 }])).at(0.5);
      assert.ok(!isLike(at(0.49, 0.25), RED, 40) && isLike(at(0.2, 0.2), RED, 40));
    });
  });
});
