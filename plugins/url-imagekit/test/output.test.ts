import assert from "node:assert/strict";
import type { Output } from "@mediatap/core";
import { parseChain } from "../src/index.ts";

describe("url-imagekit: output", () => {
  const rows: [chain: string, output: Output][] = [
    ["w-10", {}],
    ["f-jpg", { format: "jpeg" }],
    ["f-jpeg", { format: "jpeg" }],
    ["f-orig", { format: "source" }],
    ["f-auto", { format: "auto" }],
    ["f-avif,q-90:f-webp", { format: "webp", quality: 90 }],
    ["lo-true,pr-false,cp-true", { lossless: true, progressive: false, colorProfile: "keep" }],
    ["md-true", { metadata: "keep", colorProfile: "keep" }],
    ["md-true,cp-false", { metadata: "keep", colorProfile: "srgb" }],
    ["md-false", { metadata: "strip" }],
    ["dn-300", { density: 300 }],
    ["dn-idn_div_2", { density: ["div", "originalDensity", 2] }],
    ["c2pa-false", {}],
  ];
  for (const [chain, output] of rows) {
    it(`reads ${chain}`, () => assert.deepEqual(parseChain(chain).output, output));
  }

  it("leaves everything else out of an original", () => {
    const original = { steps: [], output: { format: "original" } };
    assert.deepEqual(parseChain("w-100,orig-true:rt-90,f-webp"), original);
    assert.deepEqual(parseChain("orig-true,what-ever"), original);
    assert.equal(parseChain("orig-false,w-5").steps.length, 1);
  });
});
