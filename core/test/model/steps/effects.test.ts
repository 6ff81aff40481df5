import assert from "node:assert/strict";
import fc from "fast-check";
import type { Size } from "../../../src/model/expression.ts";
import { DEFAULT_LIMITS } from "../../../src/model/limits.ts";
import { createBuiltInRegistry } from "../../../src/model/steps/built-in.ts";
import { arcGeometry, isQuadrilateral, perspectiveBox } from "../../../src/model/steps/distort.ts";
import { gradientLine } from "../../../src/model/steps/effects.ts";
import { measure } from "../../../src/model/steps/measure.ts";
import type { Point, Step, StepOf } from "../../../src/model/transformation.ts";

const box = (width: number, height: number): Size => ({ width, height });
const measured = (step: Step, size: Size, limits = DEFAULT_LIMITS) =>
  measure({ steps: [step], output: {} }, size, createBuiltInRegistry(), limits)[0];
const side = fc.integer({ min: 1, max: 3000 });
const size = fc.record({ width: side, height: side }, { noNullPrototype: true });

describe("gradient", () => {
  const white = { r: 255, g: 255, b: 255, alpha: 1 };
  const request: StepOf<"gradient"> = { op: "gradient", angle: 180, from: white, to: white, stop: 1 };
  const line = (change: Partial<typeof request>, current = box(200, 100)) => {
    const { from, to } = gradientLine({ ...request, ...change }, { original: current, current });
    return [...from, ...to].map((value) => Math.round(value * 1e6) / 1e6 + 0);
  };

  it("runs the way of its angle, from edge to edge or corner to corner", () => {
    assert.deepEqual(line({}), [100, 0, 100, 100]);
    assert.deepEqual(line({ angle: 0 }), [100, 100, 100, 0]);
    assert.deepEqual(line({ angle: 90 }), [0, 50, 200, 50]);
    assert.deepEqual(line({ angle: 270 }), [200, 50, 0, 50]);
    assert.deepEqual(line({ angle: 45 }, box(100, 100)), [0, 100, 100, 0]);
  });

  it("stops at a fraction, at pixels, or by an expression", () => {
    assert.deepEqual(line({ stop: 0.25 }), [100, 0, 100, 25]);
    assert.deepEqual(line({ stop: 30 }), [100, 0, 100, 30]);
    assert.deepEqual(line({ stop: ["div", "currentWidth", 4] }), [100, 0, 100, 50]);
    assert.deepEqual(line({ stop: ["div", "currentHeight", "currentWidth"] }), [100, 0, 100, 50]);
  });

  it("is refused where it would stop before it begins", () => {
    const stop = ["sub", "currentWidth", 200] as const;
    assert.throws(() => measured({ ...request, stop }, box(200, 100)), { code: "EINVAL", message: /stop/ });
  });
});

describe("distort", () => {
  const rectangle = ({ width, height }: Size): Point[] => [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
  ];

  it("keeps the canvas of corners that lie inside, and grows it for those that do not", () => {
    const inside: Point[] = [
      [10, 10],
      [90, 20],
      [80, 40],
      [10, 30],
    ];
    assert.deepEqual(perspectiveBox(inside, box(100, 50)), { left: 0, top: 0, width: 100, height: 50 });
    const outside: Point[] = [
      [-10, -5.5],
      [120, 0],
      [100, 60],
      [0, 50],
    ];
    assert.deepEqual(perspectiveBox(outside, box(100, 50)), { left: 10, top: 6, width: 130, height: 66 });
  });

  it("knows what can be seen in space", () => {
    fc.assert(fc.property(size, (picture) => isQuadrilateral(rectangle(picture))));
    assert.ok(isQuadrilateral(rectangle(box(9, 9)).reverse()), "mirrored");
    const [a, b, c, d] = rectangle(box(9, 9)) as [Point, Point, Point, Point];
    assert.ok(!isQuadrilateral([a, c, b, d]), "crossed");
    assert.ok(!isQuadrilateral([a, b, [2, 2], d]), "dented");
    assert.ok(!isQuadrilateral([a, b, [18, 0], d]), "three in a row");
    assert.ok(!isQuadrilateral([a, a, c, d]), "two in one place");
  });

  it("gives an arc the canvas that it needs", () => {
    const half = arcGeometry(180, box(314, 100));
    assert.ok(Math.abs(half.radius - 100) < 0.1 && Math.abs(half.inner - 50) < 0.1);
    assert.deepEqual(half.size, box(300, 150));
    assert.deepEqual(arcGeometry(-180, box(314, 100)), half);
    assert.deepEqual(arcGeometry(360, box(628, 100)).size, box(300, 300));
  });

  it("hardly changes the size of a picture that is hardly bent, and never outgrows a ring", () => {
    fc.assert(
      fc.property(size, (picture) => {
        const { width, height } = arcGeometry(0.001, picture).size;
        assert.ok(Math.abs(width - picture.width) <= 1 && Math.abs(height - picture.height) <= 1);
      }),
    );
    fc.assert(
      fc.property(size, fc.double({ min: 1, max: 360, noNaN: true }), (picture, degrees) => {
        const { size: bent, outer, inner } = arcGeometry(degrees, picture);
        assert.ok(inner >= 0 && bent.width <= Math.ceil(2 * outer) && bent.height <= Math.ceil(2 * outer));
      }),
    );
  });

  it("is refused where the canvas would grow too large", () => {
    const corners = [
      [0, 0],
      [60000, 0],
      [60000, 60000],
      [0, 60000],
    ] as const;
    const step: Step = { op: "distort", mode: "perspective", corners };
    assert.throws(() => measured(step, box(10, 10)), { code: "ELIMIT" });
  });
});

describe("shadow", () => {
  const shadow: Step = { op: "shadow", sigma: 5, strength: 0.3, x: 0.02, y: 0.02 };

  it("is for pictures of at most 2 megapixels", () => {
    assert.deepEqual(measured(shadow, box(2000, 1000)), box(2000, 1000));
    assert.throws(() => measured(shadow, box(2000, 1001)), { code: "ELIMIT", message: /2 megapixels/ });
  });
});
