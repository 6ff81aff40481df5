import assert from "node:assert/strict";
import fc from "fast-check";
import type { Scope, Size } from "../../../src/model/expression.ts";
import { placeLayer } from "../../../src/model/steps/place.ts";
import type { Gravity, Offset, Place } from "../../../src/model/transformation.ts";

const box = (width: number, height: number): Size => ({ width, height });
interface Sizes {
  readonly base?: Size;
  readonly layer?: Size;
  readonly original?: Size;
}

function placed(
  place: Place,
  { base = box(100, 80), layer = box(40, 20), original = layer }: Sizes = {},
  more?: Scope,
) {
  return placeLayer(place, { base, layer, original }, more);
}

const corner = (...given: Parameters<typeof placed>) => {
  const { left, top } = placed(...given);
  return [left, top];
};
const edge = (by: Offset["by"], fromEnd = false): Offset => ({ by, of: "edge", fromEnd });
const center = (by: Offset["by"], fromEnd = false): Offset => ({ by, of: "center", fromEnd });

describe("the place of a layer", () => {
  it("is set by a gravity, or counted from an edge", () => {
    assert.deepEqual(corner({ gravity: "bottom-right" }), [60, 60]);
    assert.deepEqual(corner({ gravity: "center" }), [30, 30]);
    assert.deepEqual(corner({}), [0, 0]);
    assert.deepEqual(corner({ x: edge(10), y: edge(5, true) }), [10, 55]);
    assert.deepEqual(corner({ x: center(50), y: center(30, true) }), [30, 40]);
  });

  it("is counted from another point of the picture where there is an anchor", () => {
    assert.deepEqual(corner({ anchor: "center" }), [50, 40]);
    assert.deepEqual(corner({ x: center(0), y: center(-10), anchor: "center" }), [30, 20]);
    assert.deepEqual(corner({ x: edge(-50), anchor: "right" }), [50, 40]);
  });

  it("knows the sizes of the picture, the layer and the layer's original, and other variables", () => {
    const sizes = { base: box(1000, 500), layer: box(100, 50), original: box(200, 300) };
    assert.deepEqual(
      corner({ x: edge(["div", "parentWidth", 4]), y: edge("currentHeight") }, sizes),
      [250, 50],
    );
    assert.deepEqual(
      corner({ x: edge("originalWidth"), y: edge(["mul", "parentRatio", 10]) }, sizes),
      [200, 20],
    );
    assert.deepEqual(corner({ x: edge("originalDuration") }, sizes, { originalDuration: 7 }), [7, 0]);
    assert.throws(() => placed({ x: edge("originalDuration") }, sizes), { code: "EINVAL" });
  });

  it("is moved inside, and what is larger than the picture is cut", () => {
    assert.deepEqual(corner({ x: edge(90), y: edge(-5) }), [60, 0]);
    assert.deepEqual(placed({ gravity: "center" }, { layer: box(140, 20) }), {
      left: 0,
      top: 30,
      shown: { left: 20, top: 0, width: 100, height: 20 },
    });
    assert.deepEqual(placed({ x: edge(-500) }, { layer: box(140, 20) }).shown, {
      left: 40,
      top: 0,
      width: 100,
      height: 20,
    });
  });

  it("always has the layer and the picture overlap, as far as one covers the other", () => {
    const side = fc.integer({ min: 1, max: 300 });
    const size = fc.record({ width: side, height: side });
    const offset = fc.record({
      by: fc.integer({ min: -400, max: 400 }),
      of: fc.constantFrom("edge" as const, "center" as const),
      fromEnd: fc.boolean(),
    });
    const gravity = fc.constantFrom<Gravity>("center", "top", "left", "bottom-left", "right", "top-right");
    const place = fc.oneof(
      fc.record({ gravity }),
      fc.record({ x: offset, y: offset, anchor: gravity }, { requiredKeys: [] }),
    );
    fc.assert(
      fc.property(place, size, size, (where, base, layer) => {
        const { left, top, shown } = placed(where, { base, layer });
        assert.deepEqual(
          [shown.width, shown.height],
          [Math.min(base.width, layer.width), Math.min(base.height, layer.height)],
        );
        assert(left >= 0 && top >= 0 && shown.left >= 0 && shown.top >= 0);
        assert(left + shown.width <= base.width && top + shown.height <= base.height);
        assert(shown.left + shown.width <= layer.width && shown.top + shown.height <= layer.height);
      }),
    );
  });
});
