import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_NAME_LENGTH, Sketch, weightOf } from "../src/sketch.ts";

/** Few names often, many names seldom: like paths of a site. */
const names = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 5 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 500 }) },
);
const stream = fc.array(fc.tuple(names.map(String), fc.nat(1_000_000)), { maxLength: 600 });
const capacities = fc.integer({ min: 1, max: 20 });

type Stream = readonly (readonly [name: string, bytes: number])[];

function sketchOf(items: Stream, capacity: number): Sketch {
  const sketch = new Sketch(capacity);
  for (const [name, bytes] of items) sketch.add(name, bytes);
  return sketch;
}

/** What an exact count says of a sketch. */
function assertBounds(sketch: Sketch, items: Stream, capacity: number): void {
  const truth = new Map<string, { requests: number; bytes: number }>();
  for (const [name, bytes] of items) {
    const before = truth.get(name) ?? { requests: 0, bytes: 0 };
    truth.set(name, { requests: before.requests + 1, bytes: before.bytes + bytes });
  }
  const total = [...truth.values()].reduce((sum, count) => sum + weightOf(count), 0);
  const bound = total / capacity + 1e-6;
  assert(sketch.size <= 2 * capacity, `${sketch.size} names`);
  assert(sketch.floor <= bound, `floor ${sketch.floor} > ${bound}`);
  const counted = new Map(sketch.top().map((count) => [count.name, count]));
  for (const [name, count] of truth) {
    const found = counted.get(name);
    const missed = weightOf(count) - (found ? weightOf(found) : 0);
    assert(missed <= bound, `${name} misses ${missed} of ${weightOf(count)}, bound ${bound}`);
    if (found) assert(found.requests <= count.requests && found.bytes <= count.bytes, `${name}: too much`);
    if (weightOf(count) > bound) assert(found, `${name} with ${weightOf(count)} of ${total} is not there`);
  }
}

describe("the sketch of names", () => {
  it("keeps the heaviest names with a bounded error, in bounded memory", () => {
    fc.assert(
      fc.property(stream, capacities, (items, capacity) => {
        assertBounds(sketchOf(items, capacity), items, capacity);
      }),
    );
  });

  it("keeps its bounds when it is merged, written and read, in any order", () => {
    fc.assert(
      fc.property(fc.array(stream, { maxLength: 5 }), capacities, (streams, capacity) => {
        const parts = streams.map((items) => sketchOf(items, capacity));
        while (parts.length > 1) {
          const [first, second, ...rest] = parts as [Sketch, Sketch, ...Sketch[]];
          first.merge(JSON.parse(JSON.stringify(second.data())));
          parts.splice(0, parts.length, ...rest, first);
        }
        assertBounds(parts[0] ?? new Sketch(capacity), streams.flat(), capacity);
      }),
    );
  });

  it("goes on counting after it was merged and written", () => {
    fc.assert(
      fc.property(stream, stream, stream, capacities, (one, two, three, capacity) => {
        const sketch = sketchOf(one, capacity);
        sketch.merge(sketchOf(two, capacity).data());
        assert(sketch.data().names.length <= capacity);
        for (const [name, bytes] of three) sketch.add(name, bytes);
        assertBounds(sketch, [...one, ...two, ...three], capacity);
      }),
    );
  });

  it("is exact while there are few names", () => {
    const sketch = sketchOf(
      [...Array(50)].map((_, at) => [`${at % 10}`, at] as const),
      10,
    );
    assert.equal(sketch.floor, 0);
    assert.deepEqual(sketch.top()[0], { name: "9", requests: 5, bytes: 9 + 19 + 29 + 39 + 49 });
  });

  it("cuts long names", () => {
    const sketch = new Sketch(4);
    sketch.add("x".repeat(100_000), 1);
    sketch.add("x".repeat(200_000), 1);
    assert.deepEqual(sketch.top(), [{ name: "x".repeat(MAX_NAME_LENGTH), requests: 2, bytes: 2 }]);
    const halved = `${"y".repeat(MAX_NAME_LENGTH - 1)}😀`;
    for (const _ of [1, 2, 3]) sketch.add(halved, 1);
    assert.deepEqual(sketch.top()[0], { name: halved.slice(0, MAX_NAME_LENGTH), requests: 3, bytes: 3 });
  });
});
