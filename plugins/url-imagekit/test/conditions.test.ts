import assert from "node:assert/strict";
import { DEFAULT_LIMITS, type Step } from "@mediatap/core";
import { type Condition, evaluate } from "@mediatap/core/steps";
import { parseChain } from "../src/index.ts";
import { codeThrown, namedChains, stepsOf, table } from "./helpers.ts";

describe("url-imagekit: expressions", () => {
  const scope = {
    originalWidth: 1600,
    originalHeight: 1067,
    currentWidth: 800,
    currentHeight: 533,
    originalRatio: 1.5,
    currentRatio: 1.5,
  };
  const rows: [text: string, value: number][] = [
    ["iw_div_4", 400],
    ["ih_mul_0.8_add_iw_mul_0.4", 1493.6],
    ["iw_sub_1000_mul_0.5", 1100],
    ["iw_add_10_mod_100", 10],
    ["2_mul_5_pow_2", 100],
    ["100_sub_10_sub_5", 85],
    ["2_pow_3_pow_2", 64],
    ["ih", 1067],
    ["iw_div_2_div_2", 400],
  ];
  for (const [text, value] of rows) {
    it(`gives ${value} for ${text}`, () => {
      const [step] = stepsOf(`w-${text}`);
      assert.ok(step?.op === "resize" && step.width !== undefined);
      assert.ok(Math.abs(evaluate(step.width, scope) - value) < 1e-9);
    });
  }

  it("are as long as the server's limits allow, wherever they stand", () => {
    const read = (chain: string, expressionTokens: number) =>
      codeThrown(() => parseChain(chain, { limits: { ...DEFAULT_LIMITS, expressionTokens } }));
    const long = (words: number) => `iw${"_add_1".repeat((words - 1) / 2)}`;
    const base = long(7).replaceAll("iw", "bw");
    for (const chain of [
      `w-${long(7)}`,
      `b-${long(7)}_FF0000`,
      `e-gradient-sp-${long(7)}`,
      `l-image,i-a.png,lx-${long(7)},l-end`,
      `l-image,i-a.png,h-${long(7)},l-end`,
      `l-image,i-a.png,lm-displace,x-${long(7)},l-end`,
      `l-image,i-ik_canvas,w-${base},l-end`,
      `l-text,i-Hi,fs-${base},l-end`,
      `l-text,i-Hi,pa-${base},l-end`,
      `if-w_gt_1,w-${long(7)},if-end`,
    ]) {
      assert.equal(read(chain, 7), undefined, chain);
      assert.equal(read(chain, 6), "ELIMIT", chain);
    }
    assert.equal(read(`w-${long(201)}`, 201), undefined);
    assert.equal(read(`w-${long(1001)}`, 9999), "EINVAL");
  });

  it("are at most 50 operands and operators long", () => {
    assert.equal(
      codeThrown(() => parseChain(`w-iw${"_add_1".repeat(24)}`)),
      undefined,
    );
    assert.equal(
      codeThrown(() => parseChain(`w-iw${"_add_1".repeat(25)}`)),
      "ELIMIT",
    );
  });
});

describe("url-imagekit: conditions", () => {
  const wide = (width: number): Step => ({ op: "resize", width, fit: "inside", enlarge: true });
  const tall = { left: "currentHeight", is: "eq", right: 200 } as const;
  const when = (test: Condition, yes: Step[], no: Step[] = []): Step => ({
    op: "when",
    if: test,
    // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
    then: yes,
    else: no,
  });
  table([
    [
      "if-ar_gt_1,q-50,w-200,f-jpg:lo-true,if-else,md-true,if-end",
      when(
        { left: "currentRatio", is: "gt", right: 1 },
        [
          wide(200),
          { op: "write", output: { format: "jpeg", quality: 50 } },
          { op: "write", output: { lossless: true } },
        ],
        [{ op: "write", output: { colorProfile: "keep", metadata: "keep" } }],
      ),
    ],
    [
      "if-ar_gt_1,w-200,if-else,w-300,if-end",
      when({ left: "currentRatio", is: "gt", right: 1 }, [wide(200)], [wide(300)]),
    ],
    [
      "h-200:if-h_eq_200,w-100:rt-90,if-end:rt-90",
      { op: "resize", height: 200, fit: "inside", enlarge: true },
      when(tall, [wide(100), { op: "rotate", angle: 90 }]),
      { op: "rotate", angle: 90 },
    ],
    [
      "if-h_gte_100_and_ih_lte_400_or_iar_lt_4-3,w-50,if-end",
      when(
        {
          any: [
            {
              all: [
                { left: "currentHeight", is: "gte", right: 100 },
                { left: "originalHeight", is: "lte", right: 400 },
              ],
            },
            { left: "originalRatio", is: "lt", right: 4 / 3 },
          ],
        },
        [wide(50)],
      ),
    ],
    ["if-h_eq_200,rt-0,if-else,w-5,if-end", when(tall, [], [wide(5)])],
    ["if-h_eq_200,rt-0,if-end"],
    ["if-h_eq_200,if-h_eq_200,w-5,if-end,if-end", when(tall, [when(tall, [wide(5)])])],
  ]);

  it("may use named transformations", () => {
    const named = namedChains({ thumb: "w-5:rt-9" });
    assert.deepEqual(
      parseChain("if-w_gt_5,n-thumb,bl-2,if-end", { named }),
      parseChain("if-w_gt_5,w-5:rt-9,bl-2,if-end"),
    );
  });

  it("count with their steps and comparisons", () => {
    const steps = Array(20).fill("rt-5").join(":");
    assert.equal(
      codeThrown(() => parseChain(`if-w_gt_5,${steps},if-end`)),
      "ELIMIT",
    );
    const many = Array(20).fill("w_gt_5").join("_and_");
    assert.equal(
      codeThrown(() => parseChain(`if-${many},w-5,if-end`)),
      undefined,
    );
    assert.equal(
      codeThrown(() => parseChain(`if-${many}_or_w_gt_5,w-5,if-end`)),
      "ELIMIT",
    );
  });
});
