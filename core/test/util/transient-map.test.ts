import assert from "node:assert/strict";
import fc from "fast-check";
import { TransientMap } from "../../src/util/transient-map.ts";

const key = fc.constantFrom("a", "b", "c");
const change = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), key, value: fc.nat() }),
  fc.record({ kind: fc.constant("delete" as const), key }),
);

describe("transient map", () => {
  it("has the values that a map has, in the order in which they were set last", () => {
    fc.assert(
      fc.property(fc.array(change), (changes) => {
        const map = new TransientMap<string, number>();
        const expected = new Map<string, number>();
        for (const one of changes) {
          expected.delete(one.key);
          if (one.kind === "set") {
            map.set(one.key, one.value);
            expected.set(one.key, one.value);
          } else map.delete(one.key);
          assert.deepEqual([...map.entries()], [...expected]);
          assert.equal(map.size, expected.size);
          assert.equal(map.get(one.key), expected.get(one.key));
          assert.equal(map.has(one.key), expected.has(one.key));
        }
      }),
    );
  });

  it("goes through values that are deleted meanwhile only once", () => {
    const map = new TransientMap<number, string>();
    for (const id of [1, 2, 3]) map.set(id, `value ${id}`);
    const seen: string[] = [];
    for (const [id, value] of map.entries()) {
      seen.push(value);
      map.delete(id);
      map.delete(id + 1);
    }
    assert.deepEqual(seen, ["value 1", "value 3"]);
    assert.equal(map.size, 0);
  });
});
