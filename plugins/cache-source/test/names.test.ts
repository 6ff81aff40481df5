import assert from "node:assert/strict";
import { keyOf } from "@mediatap/core/storage";
import fc from "fast-check";
import { bytesPath, nameOf, type Owner, parsePath, recordPath, stemOf } from "../src/names.ts";

describe("cache-source: the names of copies", () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "",
      "a/b",
      "../x",
      "%2e",
      "\0",
      "\ud800",
      "\udfff",
      "é",
      "e\u0301",
      "A",
      "a",
      '","',
      "\\",
    ),
  );
  const owner: fc.Arbitrary<[string, Owner]> = fc
    .tuple(text, text, text, fc.option(text, { nil: undefined }))
    .map(([place, origin, path, host]) => [place, { origin, path, ...(host !== undefined && { host }) }]);

  it("are different for different origins, places, paths and hosts, and the same for the same", () => {
    fc.assert(
      fc.property(owner, owner, ([placeA, a], [placeB, b]) => {
        const parts = (place: string, { origin, path, host }: Owner) =>
          JSON.stringify([place, origin, path, host]);
        assert.equal(nameOf(placeA, a) === nameOf(placeB, b), parts(placeA, a) === parts(placeB, b));
      }),
      { numRuns: 2000 },
    );
  });

  it("are different where the same text is cut elsewhere", () => {
    fc.assert(
      fc.property(text, fc.nat(), fc.nat(), (all, first, second) => {
        const cut = (at: number): Owner => ({
          origin: all.slice(0, at % (all.length + 1)),
          path: all.slice(at % (all.length + 1)),
        });
        const same = first % (all.length + 1) === second % (all.length + 1);
        assert.equal(nameOf("", cut(first)) === nameOf("", cut(second)), same);
      }),
    );
  });

  it("say nothing of what they stand for, and are fit for any storage", () => {
    const version = "0".repeat(32);
    fc.assert(
      fc.property(owner, ([place, which]) => {
        const name = nameOf(place, which);
        assert(name.startsWith(stemOf(place, which)));
        for (const path of [recordPath(name), bytesPath(name, version)]) {
          assert.match(path, /^[0-9a-f]{2}\/[0-9a-f.-]{64,162}(json)?$/);
          assert.equal(keyOf("", path), path);
        }
        assert.deepEqual(parsePath(recordPath(name)), { name });
        assert.deepEqual(parsePath(bytesPath(name, version)), { name, version });
      }),
    );
  });

  it("are told from those of other files", () => {
    const hash = "ab".repeat(32);
    for (const path of [
      "",
      "x",
      `${hash}.json`,
      `ab/${hash}`,
      `ab/${hash}.txt`,
      `x/ab/${hash}.json`,
      `ab/${hash}.json.bak`,
    ]) {
      assert.equal(parsePath(path), undefined, path);
    }
  });
});
