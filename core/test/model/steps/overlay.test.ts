import assert from "node:assert/strict";
import { canonicalSteps } from "../../../src/model/canonical.ts";
import { createBuiltInRegistry } from "../../../src/model/steps/built-in.ts";
import type { Showing, Step, StepOf } from "../../../src/model/transformation.ts";

const registry = createBuiltInRegistry();
const red = { r: 255, g: 0, b: 0, alpha: 1 };
const words: StepOf<"overlay"> = {
  op: "overlay",
  layer: {
    kind: "subtitles",
    path: "a.srt",
    style: { size: 20, bold: true, outline: { width: 2, color: red }, shadow: { color: red, indent: 1 } },
  },
  place: { gravity: "bottom" },
};
const clip: StepOf<"overlay"> = {
  op: "overlay",
  layer: { kind: "video", path: "b.mp4", steps: [{ op: "clip", start: 0, end: 5, duration: 2 }] },
  place: { gravity: "center" },
};
const canonical = (...steps: Step[]) => canonicalSteps(steps, registry);
const refused = (step: object) => assert.throws(() => canonical(step as Step), { code: "EINVAL" });

describe("layers of videos", () => {
  it("are videos, with steps of their own, and subtitles, which have none", () => {
    assert.deepEqual(canonical(words), [words]);
    const [step] = canonical(clip);
    assert(step?.op === "overlay" && step.layer.kind === "video");
    assert.deepEqual(step.layer.steps, [{ op: "clip", end: 5 }]);
  });

  it("show for a time, which all equal requests write alike", () => {
    const rows: [time: Showing, canonical: Showing | undefined][] = [
      [
        { start: 2, duration: 3 },
        { start: 2, duration: 3 },
      ],
      [{ start: ["mul", 2, 3] }, { start: 6 }],
      [{ start: 0, end: ["div", "parentDuration", 2], duration: 1 }, { end: ["div", "parentDuration", 2] }],
      [{ start: 0 }, undefined],
      [{}, undefined],
    ];
    for (const [time, same] of rows) {
      assert.deepEqual(canonical({ ...words, time }), [{ ...words, ...(same && { time: same }) }]);
    }
  });

  it("fold their calculations", () => {
    const { layer, ...step } = words;
    assert(layer.kind === "subtitles");
    const big = { ...layer, style: { ...layer.style, size: ["mul", 4, 5] as const } };
    assert.deepEqual(canonical({ ...step, layer: big }), [words]);
  });

  it("refuse what is not theirs", () => {
    refused({ ...words, layer: { ...words.layer, steps: [] } });
    refused({ ...words, layer: { kind: "subtitles", path: "", style: {} } });
    refused({
      ...words,
      layer: { kind: "subtitles", path: "a", style: { outline: { width: -1, color: red } } },
    });
    refused({ ...words, time: { begin: 1 } });
    refused({ ...clip, layer: { kind: "video", path: "a" } });
    refused({ ...clip, layer: { kind: "video", path: "a", steps: [{ op: "clip", surprise: 1 }] } });
  });
});
