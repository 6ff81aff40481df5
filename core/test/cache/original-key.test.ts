import assert from "node:assert/strict";
import fc from "fast-check";
import { type OriginalId, originalKey, originalKeyPrefix } from "../../src/cache/original-key.ts";
import { keyAsName } from "../../src/cache/storage-files.ts";
import { keyOf } from "../../src/origin/reader/key.ts";

describe("the key of an original", () => {
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
  const original: fc.Arbitrary<[string, OriginalId]> = fc
    .tuple(text, text, text, fc.option(text, { nil: undefined }))
    .map(([place, origin, path, host]) => [place, { origin, path, ...(host !== undefined && { host }) }]);

  it("differs by origin, fingerprint, path and host, and is the same for the same", () => {
    fc.assert(
      fc.property(original, original, ([placeA, a], [placeB, b]) => {
        const parts = (place: string, { origin, path, host }: OriginalId) =>
          JSON.stringify([place, origin, path, host]);
        assert.equal(
          originalKey(a, placeA) === originalKey(b, placeB),
          parts(placeA, a) === parts(placeB, b),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it("differs if the same text is split elsewhere", () => {
    fc.assert(
      fc.property(text, fc.nat(), fc.nat(), (all, first, second) => {
        const cut = (at: number): OriginalId => ({
          origin: all.slice(0, at % (all.length + 1)),
          path: all.slice(at % (all.length + 1)),
        });
        const same = first % (all.length + 1) === second % (all.length + 1);
        assert.equal(originalKey(cut(first), "") === originalKey(cut(second), ""), same);
      }),
    );
  });

  it("begins with the prefix of its path, contains nothing of it, and is a valid name in any storage", () => {
    fc.assert(
      fc.property(original, ([place, which]) => {
        const key = originalKey(which, place);
        assert(key.startsWith(originalKeyPrefix(which.path)));
        assert.match(key, /^[0-9a-f]{64}-[0-9a-f]{64}$/);
        assert.equal(keyOf("", keyAsName(key)), keyAsName(key));
      }),
    );
  });
});
