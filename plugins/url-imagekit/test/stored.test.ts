import assert from "node:assert/strict";
import { codeOf, DEFAULT_LIMITS, type Limits } from "@mediatap/core";
import { checkNamed } from "../src/stored.ts";
import { endpointWith, namedChains } from "./helpers.ts";

describe("url-imagekit: stored chains at the start", () => {
  const check = (chains: Record<string, string>, limits: Limits = DEFAULT_LIMITS) =>
    checkNamed([endpointWith({ namedTransformations: namedChains(chains) })], () => limits);

  it("names the one that is wrong", () => {
    assert.throws(
      () => check({ good: "w-100", bad: "w-abc" }),
      (error: Error) =>
        codeOf(error) === "ECONFIG" && /^namedTransformations\.bad: .*'abc'/.test(error.message),
    );
  });

  it("accepts chains, names in names and what only a later plugin can do", () => {
    check({ one: "tr:w-100,h-100", two: "n-one:rt-90", three: "l-text,i-Hi,l-end" });
  });

  it("counts steps by the server's own limit", () => {
    assert.throws(() => check({ long: "w-1:w-2:w-3" }, { ...DEFAULT_LIMITS, steps: 2 }), /at most 2 steps/);
  });
});
