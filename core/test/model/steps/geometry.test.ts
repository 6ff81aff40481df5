import assert from "node:assert/strict";
import fc from "fast-check";
import type { Size } from "../../../src/model/expression.ts";
import { extractGeometry, placeAt, resizeGeometry, rotatedSize } from "../../../src/model/steps/geometry.ts";
import type { StepOf } from "../../../src/model/transformation.ts";

type Resize = StepOf<"resize">;
type Extract = StepOf<"extract">;

const REFERENCE: Size = { width: 640, height: 865 };

const stage = (current: Size, original = current) => ({ original, current });
const resized = (request: Partial<Resize>, current = REFERENCE, original = current) =>
  resizeGeometry({ op: "resize", fit: "cover", enlarge: true, ...request }, stage(current, original));
const extracted = (request: Partial<Extract>, current = REFERENCE) =>
  extractGeometry({ op: "extract", outside: "error", shrink: true, ...request }, stage(current));
const box = (width: number, height: number): Size => ({ width, height });

describe("resize", () => {
  it("gives the sizes of ImageKit's reference table", () => {
    const asked = { width: 300, height: 200 };
    assert.deepEqual(resized({ ...asked }).size, box(300, 200));
    assert.deepEqual(resized({ ...asked, fit: "fill" }).size, box(300, 200));
    assert.deepEqual(resized({ ...asked, fit: "inside", enlarge: false }).size, box(148, 200));
    assert.deepEqual(resized({ width: 850, height: 1000, fit: "inside" }).size, box(740, 1000));
    assert.deepEqual(resized({ ...asked, fit: "outside" }).size, box(300, 405));
    assert.deepEqual(resized({ ...asked, fit: "cover", enlarge: false }).size, box(300, 200));
    assert.deepEqual(resized({ ...asked, fit: "contain" }).size, box(300, 200));
    assert.deepEqual(resized({ ...asked, fit: "contain" }).scaled, box(148, 200));
  });

  it("follows the ratio where one dimension is given", () => {
    assert.deepEqual(resized({ width: 320 }).size, box(320, 433));
    assert.deepEqual(resized({ height: 173 }).size, box(128, 173));
    assert.deepEqual(resized({ width: 3840, enlarge: false }, box(1600, 900)).size, box(1600, 900));
    assert.deepEqual(resized({ width: 600 }, box(300, 200)).size, box(600, 400));
  });

  it("completes one dimension by a ratio, and ignores it beside none or both", () => {
    assert.deepEqual(resized({ width: 400, ratio: 4 / 3 }).size, box(400, 300));
    assert.deepEqual(resized({ height: 300, ratio: 4 / 3 }).size, box(400, 300));
    assert.deepEqual(resized({ width: 100, height: 100, ratio: 4 / 3 }).size, box(100, 100));
    assert.deepEqual(resized({ ratio: 4 / 3 }).size, REFERENCE);
  });

  it("reads fractions from the original, also in later steps", () => {
    const request = { width: ["mul", "originalWidth", 0.5] } as const;
    assert.deepEqual(resized(request, box(100, 50), box(1000, 500)).size, box(500, 250));
    assert.deepEqual(
      resized({ width: ["div", "currentWidth", 2] }, box(100, 50), box(1000, 500)).size,
      box(50, 25),
    );
  });

  it("multiplies by dpr unless that leaves 1 to 5000", () => {
    assert.deepEqual(resized({ width: 100, height: 50, dpr: 2 }).size, box(200, 100));
    assert.deepEqual(resized({ width: 3000, height: 50, dpr: 2 }).size, box(3000, 50));
    assert.deepEqual(resized({ width: 100, height: 2, dpr: 0.1 }).size, box(100, 2));
    assert.deepEqual(resized({ width: 2500, dpr: 2 }, box(2500, 10)).size, box(5000, 20));
  });

  it("calculates dpr from the picture", () => {
    const dpr = ["div", "originalWidth", 320] as const;
    assert.deepEqual(resized({ width: 100, height: 50, dpr }).size, box(200, 100));
    assert.deepEqual(
      resized({ width: 100, height: 50, dpr: ["mul", "originalWidth", 100] }).size,
      box(100, 50),
    );
    assert.throws(() => resized({ width: 100, dpr: ["sub", "originalWidth", 640] }), {
      code: "EINVAL",
      message: /dpr/,
    });
  });

  it("keeps the box's ratio at the picture's own scale where it may not enlarge", () => {
    const { size, scaled, crop } = resized({ width: 1000, height: 500, enlarge: false }, box(400, 300));
    assert.deepEqual([scaled, crop, size], [box(400, 300), box(400, 200), box(400, 200)]);
    assert.deepEqual(resized({ width: 500, height: 100, enlarge: false }, box(400, 300)).size, box(400, 80));
    assert.deepEqual(resized({ width: 1000, height: 500, enlarge: false, fit: "contain" }, box(400, 300)), {
      scaled: box(400, 300),
      canvas: box(1000, 500),
      size: box(1000, 500),
    });
    assert.deepEqual(
      resized({ width: 1000, height: 500, enlarge: false, fit: "fill" }, box(400, 300)).size,
      box(400, 200),
    );
  });

  it("refuses lengths of zero or less, and rounds small ones up to a pixel", () => {
    for (const width of [0, -5, ["sub", "originalWidth", 640] as const]) {
      assert.throws(() => resized({ width }), { code: "EINVAL" });
    }
    assert.deepEqual(resized({ width: 0.2, height: 0.4 }).size, box(1, 1));
  });

  const side = fc.integer({ min: 1, max: 4000 });
  const size = fc.record({ width: side, height: side }, { noNullPrototype: true });
  const fit = fc.constantFrom<Resize["fit"]>("cover", "contain", "fill", "inside", "outside");

  it("refuses a size that needs a larger picture, if it is to", () => {
    const strict = { enlarge: false, larger: "error" } as const;
    assert.deepEqual(resized({ ...strict, width: 640, fit: "inside" }).size, REFERENCE);
    assert.deepEqual(resized({ ...strict, width: 64, height: 865, fit: "fill" }).size, box(64, 865));
    for (const asked of [{ width: 641 }, { height: 866 }, { width: 64, height: 866 }]) {
      assert.throws(() => resized({ ...strict, ...asked, fit: "fill" }), { code: "EINVAL" });
    }
  });

  it("covers exactly the box where it may enlarge, and cuts out of what it scaled", () => {
    fc.assert(
      fc.property(size, size, (current, asked) => {
        const { size: result, scaled, crop } = resized({ ...asked, fit: "cover" }, current);
        assert.deepEqual(result, asked);
        assert.deepEqual(crop, asked);
        assert.ok(scaled.width >= asked.width && scaled.height >= asked.height);
      }),
    );
  });

  it("never leaves the box inside, and touches it", () => {
    fc.assert(
      fc.property(size, size, (current, asked) => {
        const { size: result } = resized({ ...asked, fit: "inside" }, current);
        assert.ok(result.width <= asked.width && result.height <= asked.height);
        assert.ok(result.width === asked.width || result.height === asked.height);
      }),
    );
  });

  it("covers the box outside, and touches it", () => {
    fc.assert(
      fc.property(size, size, (current, asked) => {
        const { size: result } = resized({ ...asked, fit: "outside" }, current);
        assert.ok(result.width >= asked.width && result.height >= asked.height);
        assert.ok(result.width === asked.width || result.height === asked.height);
      }),
    );
  });

  it("keeps the ratio to half a pixel unless it stretches", () => {
    fc.assert(
      fc.property(size, size, fit, fc.boolean(), (current, asked, how, enlarge) => {
        fc.pre(how !== "fill");
        const { scaled } = resized({ ...asked, fit: how, enlarge }, current);
        const across = scaled.width / current.width;
        const down = scaled.height / current.height;
        const error = Math.min(
          Math.abs(across - down) * current.width,
          Math.abs(across - down) * current.height,
        );
        assert.ok(error <= 1 || scaled.width === 1 || scaled.height === 1, `${error}`);
      }),
    );
  });

  it("never scales up where it may not, and never makes less than a pixel", () => {
    fc.assert(
      fc.property(size, size, fit, (current, asked, how) => {
        const { scaled, size: result, crop } = resized({ ...asked, fit: how, enlarge: false }, current);
        assert.ok(scaled.width <= current.width && scaled.height <= current.height);
        for (const { width, height } of [scaled, result, crop ?? scaled])
          assert.ok(width >= 1 && height >= 1);
      }),
    );
  });

  it("crops a window of the box's ratio, to a pixel, where it may not enlarge", () => {
    fc.assert(
      fc.property(size, size, (current, asked) => {
        const { size: result } = resized({ ...asked, fit: "cover", enlarge: false }, current);
        const exact = result.width * (asked.height / asked.width);
        const otherwise = result.height * (asked.width / asked.height);
        assert.ok(
          Math.min(Math.abs(exact - result.height), Math.abs(otherwise - result.width)) <= 1 ||
            Math.min(result.width, result.height) === 1,
        );
      }),
    );
  });
});

describe("extract", () => {
  it("cuts at the focus where no place is given, without scaling", () => {
    assert.deepEqual(extracted({ width: 300, height: 200 }), {
      left: 170,
      top: 332,
      ...box(300, 200),
      size: box(300, 200),
    });
    const { left, top } = extracted({ width: 300, height: 200, focus: "bottom-right" });
    assert.deepEqual([left, top], [340, 665]);
  });

  it("cuts at a corner or around a middle", () => {
    const corner = extracted({
      width: 100,
      height: 50,
      at: { from: "corner", x: 20, y: ["div", "originalHeight", 5] },
    });
    assert.deepEqual([corner.left, corner.top], [20, 173]);
    const middle = extracted({ width: 100, height: 50, at: { from: "center", x: 320, y: 400 } });
    assert.deepEqual([middle.left, middle.top], [270, 375]);
  });

  it("takes the picture's dimension for one that is missing", () => {
    assert.deepEqual(extracted({ width: 100 }).size, box(100, 865));
    assert.deepEqual(extracted({ height: 100, ratio: 2 }).size, box(200, 100));
  });

  it("refuses, clips or pads a window that leaves the picture", () => {
    const request = { width: 100, height: 100, at: { from: "corner", x: 600, y: -10 } } as const;
    assert.throws(() => extracted(request), { code: "EINVAL", message: /100x100 at 600,-10/ });
    assert.deepEqual(extracted({ ...request, outside: "clip" }), {
      left: 600,
      top: 0,
      ...box(40, 90),
      size: box(40, 90),
    });
    assert.deepEqual(extracted({ ...request, outside: "pad" }), {
      left: 600,
      top: 0,
      ...box(40, 90),
      canvas: { left: 0, top: 10, ...box(100, 100) },
      size: box(100, 100),
    });
  });

  it("refuses a window with nothing of the picture in it", () => {
    for (const outside of ["error", "clip", "pad"] as const) {
      assert.throws(() => extracted({ width: 9, height: 9, at: { from: "corner", x: 640, y: 0 }, outside }), {
        code: "EINVAL",
      });
    }
  });

  it("pads around a picture that is smaller, placed by the focus", () => {
    const picture = box(600, 600);
    const request = { width: 700, height: 700, outside: "pad" } as const;
    assert.deepEqual(extracted(request, picture).canvas, { left: 50, top: 50, ...box(700, 700) });
    assert.deepEqual(extracted({ ...request, focus: "left" }, picture).canvas, {
      left: 0,
      top: 50,
      ...box(700, 700),
    });
  });

  it("cuts nothing off where it may not shrink", () => {
    const request = { width: 700, height: 300, outside: "pad", shrink: false } as const;
    assert.deepEqual(extracted(request, box(600, 600)), {
      left: 0,
      top: 0,
      ...box(600, 600),
      canvas: { left: 50, top: 0, ...box(700, 600) },
      size: box(700, 600),
    });
  });

  it("never cuts outside the picture, and pads to exactly the window", () => {
    const side = fc.integer({ min: 1, max: 2000 });
    const at = fc.integer({ min: -3000, max: 3000 });
    fc.assert(
      fc.property(
        side,
        side,
        side,
        side,
        at,
        at,
        fc.constantFrom("clip", "pad"),
        (w, h, width, height, x, y, outside) => {
          const overlaps = x < w && y < h && x + width > 0 && y + height > 0;
          fc.pre(overlaps);
          const cut = extracted(
            { width, height, at: { from: "corner", x, y }, outside } as Partial<Extract>,
            box(w, h),
          );
          assert.ok(cut.left >= 0 && cut.top >= 0 && cut.width > 0 && cut.height > 0);
          assert.ok(cut.left + cut.width <= w && cut.top + cut.height <= h);
          if (outside === "pad") assert.deepEqual(cut.size, { width, height });
          if (cut.canvas) {
            assert.ok(cut.canvas.left >= 0 && cut.canvas.top >= 0);
            assert.ok(cut.canvas.left + cut.width <= width && cut.canvas.top + cut.height <= height);
          }
        },
      ),
    );
  });
});

describe("placing and turning", () => {
  it("places a picture by gravity, larger or smaller than its area", () => {
    assert.deepEqual(placeAt("top-right", box(100, 100), box(40, 20)), { left: 60, top: 0 });
    assert.deepEqual(placeAt("bottom", box(100, 100), box(40, 20)), { left: 30, top: 80 });
    assert.deepEqual(placeAt("right", box(100, 100), box(140, 120)), { left: -40, top: -10 });
    assert.deepEqual(
      placeAt("attention", box(100, 100), box(40, 20)),
      placeAt(undefined, box(100, 100), box(40, 20)),
    );
  });

  it("places half a pixel before or after the middle", () => {
    for (const [outer, down, up] of [
      [101, 30, 31],
      [100, 30, 30],
    ] as const) {
      assert.deepEqual(placeAt("top", box(outer, 9), box(40, 9)), { left: down, top: 0 });
      assert.deepEqual(placeAt("top", box(outer, 9), box(40, 9), "up"), { left: up, top: 0 });
    }
  });

  it("grows the canvas of a turned picture", () => {
    assert.deepEqual(rotatedSize(box(40, 20), 90), box(20, 40));
    assert.deepEqual(rotatedSize(box(40, 20), -90), box(20, 40));
    assert.deepEqual(rotatedSize(box(40, 20), 540), box(40, 20));
    assert.deepEqual(rotatedSize(box(100, 100), 45), box(141, 141));
  });
});
