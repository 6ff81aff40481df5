import assert from "node:assert/strict";
import { codeOf } from "@mediatap/core";
import fc from "fast-check";
import { type Asset, nameOf, pathOf } from "../src/library.ts";
import { parseSearch } from "../src/search.ts";

/** The result of some work; `undefined` if it throws `EINVAL`. */
function valid<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    assert.equal(codeOf(error), "EINVAL", String(error));
    return undefined;
  }
}

const pieces = ["/", "\\", ".", "..", "a", "\0", "%2e", " ", "\u00e9", "\ud800", ":", "*"];
const paths = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(fc.constantFrom(...pieces)).map((list) => list.join("")),
);

describe("manage-imagekit: paths and names", () => {
  it("lead nowhere else, whatever they are", () => {
    fc.assert(
      fc.property(paths, fc.boolean(), (text, isFolder) => {
        const path = valid(() => pathOf(text, "path", { isFolder }));
        if (path === undefined || (isFolder && path === "")) return;
        assert(path.split("/").every((segment) => segment !== "" && !segment.startsWith(".")));
        assert(path.isWellFormed() && !/[\\\p{Cc}]/u.test(path));
      }),
    );
  });

  it("are names of files, whatever they are", () => {
    fc.assert(
      fc.property(paths, (text) => {
        const name = valid(() => nameOf(text, "name"));
        if (name === undefined) return;
        assert.match(name, /^[\p{L}\p{M}\p{N}_-][\p{L}\p{M}\p{N}._-]*$/u);
        assert.equal(nameOf(name, "name"), name);
        assert.equal(pathOf(name, "name"), name);
      }),
    );
  });
});

describe("manage-imagekit: searches", () => {
  const asset = (path: string, more: Partial<Asset["entry"]> = {}) => {
    const name = path.slice(path.lastIndexOf("/") + 1);
    return { path, entry: { name, kind: "file", ...more } } as Asset;
  };
  const tokens = [
    ...['"a"', "name", "path", "size", "createdAt", "format", "=", ":", "<", ">=", "!=", "IN", "NOT", "HAS"],
    ...["[", "]", ",", "(", ")", "AND", "OR", "7d", "10", "true", '"2mb"', '"', "\\"],
  ];
  const queries = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...tokens)).map((list) => list.join(" ")),
  );

  it("match or are refused, whatever they are", () => {
    fc.assert(
      fc.property(queries, (text) => {
        const search = valid(() => parseSearch(text));
        if (search)
          assert.equal(typeof search.matches(asset("a/b.png", { size: 1, lastModified: 1 })), "boolean");
      }),
      { numRuns: 1_000 },
    );
  });

  it("look only where they can match", () => {
    const all = ["a.png", "a/b.png", "a/b/c.png", "ab/c.png"].map((path) => asset(path));
    const folder = fc.constantFrom("/", "/a", "/a/b", "/ab/");
    const comparison = fc
      .tuple(fc.constantFrom("=", ":"), folder)
      .map(([sign, path]) => `path ${sign} "${path}"`);
    const query = fc.array(fc.tuple(comparison, fc.constantFrom("AND", "OR", "AND NOT")), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(query, (parts) => {
        const text = parts.map(([one, join], at) => (at === 0 ? one : `${join} ${one}`)).join(" ");
        const { matches, within } = parseSearch(text);
        if (!within) return;
        const { folder, isDeep } = within;
        for (const one of all.filter(matches)) {
          const parent = one.path.includes("/") ? one.path.slice(0, one.path.lastIndexOf("/")) : "";
          const isBelow = folder === "" || parent.startsWith(`${folder}/`);
          assert(parent === folder || (isDeep && isBelow), `${text} matches ${one.path}`);
        }
      }),
    );
  });

  it("know spans, dates and sizes", () => {
    const now = Date.parse("2026-11-30T12:00:00Z");
    const day = 86_400_000;
    const entry = { size: 1_500_000, lastModified: now - 2 * day };
    const isFound = (text: string) => parseSearch(text, now).matches(asset("a.png", entry));
    for (const text of [
      'createdAt > "3d"',
      'updatedAt < "1d"',
      'createdAt >= "2026-11-28"',
      'size > "1mb"',
      "size = 1500000",
    ])
      assert(isFound(text), text);
    for (const text of ['createdAt > "1d"', 'size < "1.5mb"', 'createdAt < "2026-11-28"', 'size > "2gb"'])
      assert(!isFound(text), text);
  });
});
