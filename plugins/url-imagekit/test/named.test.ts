import assert from "node:assert/strict";
import { parseChain } from "../src/index.ts";
import { codeThrown, namedChains } from "./helpers.ts";

describe("url-imagekit: named transformations", () => {
  const named = namedChains({
    thumb: "tr:w-150,h-150",
    two: "w-150:bl-2",
    outer: "n-thumb:rt-90",
    loop: "n-pool",
    pool: "w-5:n-loop",
    wrong: "w-abc",
    bomb: Array(30).fill("n-bomb2").join(","),
    bomb2: Array(30).fill("n-bomb3").join(","),
    bomb3: Array(30).fill("w-1").join(","),
    wide: "if-w_gt_100,w-100,if-end",
    after: "w-5:n-wide",
    label: "l-text,i-Hi,l-end",
  });
  const rows: [chain: string, same: string][] = [
    ["n-thumb", "w-150,h-150"],
    ["n-thumb,rt-90", "w-150,h-150,rt-90"],
    ["n-thumb:rt-90", "w-150,h-150:rt-90"],
    ["fl-h,n-two,rt-90", "fl-h,w-150:bl-2,rt-90"],
    ["n-outer", "w-150,h-150:rt-90"],
    ["n-wide:rt-90", "if-w_gt_100,w-100,if-end:rt-90"],
    ["rt-90,n-after", "rt-90,w-5:if-w_gt_100,w-100,if-end"],
    ["if-h_gt_5,n-wide,if-end", "if-h_gt_5,if-w_gt_100,w-100,if-end,if-end"],
  ];
  for (const [chain, same] of rows) {
    it(`reads ${chain} as ${same}`, () => assert.deepEqual(parseChain(chain, { named }), parseChain(same)));
  }

  it("are refused when unknown, disabled, circular, wrong or endless", () => {
    const disabled = { thumb: { transformation: "w-150", enabled: false } };
    assert.equal(
      codeThrown(() => parseChain("n-thumb", { named: disabled })),
      "EINVAL",
    );
    assert.equal(
      codeThrown(() => parseChain("n-Thumb", { named })),
      "EINVAL",
    );
    assert.equal(
      codeThrown(() => parseChain("n-loop", { named })),
      "EINVAL",
    );
    assert.equal(
      codeThrown(() => parseChain("n-wrong", { named })),
      "EINVAL",
    );
    assert.equal(
      codeThrown(() => parseChain("n-bomb", { named })),
      "ELIMIT",
    );
  });

  it("suggest the closest name that is enabled, and list none", () => {
    const stored = {
      ...namedChains({ thumb: "w-5", banner: "w-9" }),
      hidden: { transformation: "w-7", enabled: false },
    };
    const message = (chain: string) => {
      try {
        parseChain(chain, { named: stored });
      } catch (error) {
        return (error as Error).message;
      }
    };
    const received = (name: string) =>
      `Expected name of a stored transformation for n but received '${name}'`;
    assert.equal(message("n-thumbb"), `${received("thumbb")}, did you mean "thumb"?`);
    assert.equal(message("n-hiden"), received("hiden"));
    assert.equal(message("n-something"), received("something"));
  });

  it("that are conditions stand alone in their step, as conditions do", () => {
    for (const chain of ["n-wide,rt-90", "rt-90,n-wide", "n-wide,n-wide", "n-after,rt-90"]) {
      assert.equal(
        codeThrown(() => parseChain(chain, { named })),
        "EINVAL",
        chain,
      );
    }
    assert.equal(
      codeThrown(() => parseChain("if-h_gt_5,n-wide,w-9,if-end", { named })),
      "EINVAL",
    );
  });

  it("bring no more layers than a chain may have", () => {
    const labels = (count: number) => Array(count).fill("n-label").join(",");
    assert.equal(parseChain(labels(10), { named }).steps.length, 10);
    assert.equal(
      codeThrown(() => parseChain(labels(11), { named })),
      "ELIMIT",
    );
  });
});
