import assert from "node:assert/strict";
import { canonicalSteps } from "../../../src/model/canonical.ts";
import { createBuiltInRegistry } from "../../../src/model/steps/built-in.ts";
import type { Step } from "../../../src/model/transformation.ts";

const when = (then: readonly Step[], otherwise: readonly Step[]): Step => ({
  op: "when",
  if: { left: "originalWidth", is: "gt", right: 100 },
  then,
  else: otherwise,
});

describe("canonical steps", () => {
  const registry = createBuiltInRegistry();

  it("reach into conditions", () => {
    const nothing: Step = { op: "rotate", angle: 360 };
    const turned: Step = { op: "rotate", angle: -90 };
    assert.deepEqual(canonicalSteps([when([nothing, turned], [when([nothing], [])])], registry), [
      when([{ op: "rotate", angle: 270 }], [when([], [])]),
    ]);
  });

  it("are refused where a step inside a condition is wrong or unknown", () => {
    const wrong = { op: "blur", sigma: -1 } as Step;
    assert.throws(() => canonicalSteps([when([], [wrong])], registry), { code: "EINVAL" });
    const unknown = { op: "vignette" } as unknown as Step;
    assert.throws(() => canonicalSteps([when([unknown], [])], registry), { code: "EUNSUPPORTED" });
  });
});
