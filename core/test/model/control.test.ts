import assert from "node:assert/strict";
import fc from "fast-check";
import { isForFewer, isStorable, parseCacheControl, parseTargetedControl } from "../../src/model/control.ts";

describe("Cache-Control", () => {
  const plain = { noStore: false, noCache: false, private: false, mustRevalidate: false };

  it("is read by its grammar", () => {
    for (const [text, expected] of [
      ["", {}],
      ["max-age=5", { maxAge: 5000 }],
      ["MAX-AGE=5 , s-maxage = 7", { maxAge: 5000, sharedMaxAge: 7000 }],
      ['max-age="5"', { maxAge: 5000 }],
      ["max-age=5, max-age=3", { maxAge: 3000 }],
      ["max-age", { maxAge: 0 }],
      ["max-age=-1", { maxAge: 0 }],
      ["max-age=99999999999999999999", { maxAge: 2 ** 31 * 1000 }],
      ["no-store,no-cache,private", { noStore: true, noCache: true, private: true }],
      ['private="x, no-store", proxy-revalidate', { private: true, mustRevalidate: true }],
      ['x="max-age=5"', {}],
      ["xmax-age=5, no-storex", {}],
      ["stale-while-revalidate=1, stale-if-error=2", { staleWhileRevalidate: 1000, staleIfError: 2000 }],
    ] as const)
      assert.deepEqual(parseCacheControl(text), { ...plain, ...expected }, text);
  });

  it("never hides that a file is secret, whatever stands around that", () => {
    const around = fc.array(
      fc.constantFrom("max-age=5", "public", 'x="y, z"', "", "=", "a b", "\u00e9", "x=,"),
      { maxLength: 5 },
    );
    fc.assert(
      fc.property(
        around,
        around,
        fc.constantFrom("no-store", "No-Store", "NO-STORE"),
        (before, after, word) => {
          assert(parseCacheControl([...before, word, ...after].join(", ")).noStore);
        },
      ),
    );
  });

  it("is read whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: "binary" }), (text) => {
        const { maxAge = 0 } = parseCacheControl(text);
        assert(maxAge >= 0);
      }),
    );
  });
});

describe("CDN-Cache-Control", () => {
  it("is read as a dictionary", () => {
    for (const [text, same] of [
      ["max-age=5", "max-age=5"],
      ["max-age=5, no-cache;x=1, unknown=(a b)", "max-age=5, no-cache"],
      ["max-age=5, max-age=9", "max-age=9"],
      ["no-store=?0, max-age=5", "max-age=5"],
      ["private", "private"],
      ["unknown", ""],
    ] as const)
      assert.deepEqual(parseTargetedControl(text), parseCacheControl(same), text);
  });

  it("counts for nothing where it is invalid", () => {
    for (const text of [
      "",
      " ",
      "max-age",
      "max-age=-1",
      'max-age="5"',
      "max-age=5.5",
      "no-store=1",
      "A=1",
      "max-age=5,",
      "max-age =5",
    ])
      assert.equal(parseTargetedControl(text), undefined, text);
  });

  it("is before Cache-Control for shared caches", () => {
    assert.equal(isStorable({ cacheControl: "no-store", cdnCacheControl: "max-age=5" }), true);
    assert.equal(isStorable({ cacheControl: "max-age=5", cdnCacheControl: "no-store" }), false);
    assert.equal(isStorable({ cacheControl: "no-store", cdnCacheControl: "&" }), false);
    assert.equal(isForFewer({ cacheControl: "max-age=5" }, { cdnCacheControl: "no-store" }), false);
    assert.equal(isForFewer({ cdnCacheControl: "private" }, { cacheControl: "max-age=5" }), true);
  });

  it("is read whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: "binary" }), (text) => {
        const { maxAge = 0 } = parseTargetedControl(text) ?? {};
        assert(Number.isFinite(maxAge) && maxAge >= 0);
      }),
    );
  });
});
