import assert from "node:assert/strict";
import { isMediaError } from "@mediatap/core";
import type { Expression, Operator, Variable } from "@mediatap/core/steps";
import fc from "fast-check";
import { condition } from "../src/conditions.ts";
import { expression, printExpression } from "../src/expression.ts";

const OPERATORS: readonly Operator[] = ["add", "sub", "mul", "div", "mod", "pow"];
const VARIABLES: readonly Variable[] = [
  "originalWidth",
  "currentHeight",
  "originalRatio",
  "originalDuration",
];

const leaf = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.constantFrom(0.5, 1.25),
  fc.constantFrom(...VARIABLES),
);
const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof({ maxDepth: 4 }, leaf, fc.tuple(fc.constantFrom(...OPERATORS), tie("tree"), tie("tree"))),
}));

describe("url-cloudinary: calculations", () => {
  it("are printed as what they were, or not at all", () => {
    fc.assert(
      fc.property(tree, (calculation) => {
        let text: string;
        try {
          text = printExpression(calculation);
        } catch (error) {
          assert(isMediaError(error));
          return;
        }
        assert.deepEqual(expression(text, "w"), calculation, text);
      }),
      { numRuns: 500 },
    );
  });

  it("bind as in arithmetic", () => {
    assert.deepEqual(expression("10_add_iw_mul_2_sub_3", "w"), [
      "sub",
      ["add", 10, ["mul", "originalWidth", 2]],
      3,
    ]);
    assert.deepEqual(expression("(10_add_iw)_mul_2", "w"), ["mul", ["add", 10, "originalWidth"], 2]);
  });

  it("and conditions refuse other texts with a reason", () => {
    const words = fc.constantFrom(
      "w",
      "iw",
      "10",
      "_",
      "__",
      "add",
      "gt",
      "and",
      "or",
      "(",
      ")",
      ".",
      ":",
      "!",
      "-",
      "",
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 12 }), (parts) => {
        for (const read of [(text: string) => expression(text, "w"), condition]) {
          try {
            read(parts.join(""));
          } catch (error) {
            assert(isMediaError(error), String(error));
          }
        }
      }),
      { numRuns: 1000 },
    );
  });
});
