import { rejects } from "node:assert/strict";
import type { Step } from "@mediatap/core";
import type { Layer } from "@mediatap/core/steps";
import { makePng } from "@mediatap/test";
import { plan } from "../helpers.ts";

describe("an animated layer on a picture", () => {
  const layers: [Layer, string][] = [
    [{ kind: "video", path: "a.mp4", steps: [] }, "videos"],
    [{ kind: "subtitles", path: "a.srt", style: {} }, "subtitles"],
  ];
  for (const [layer, name] of layers) {
    const overlay: Step = { op: "overlay", layer, place: { gravity: "center" } };
    const inner: Step = {
      op: "overlay",
      layer: { kind: "image", path: "b.png", steps: [overlay] },
      place: { gravity: "center" },
    };
    it(`is refused: ${name}`, async () => {
      const picture = await makePng(20, 20, () => [255, 255, 255, 255]);
      for (const step of [overlay, inner]) {
        await rejects(plan(picture, { steps: [step] }), {
          code: "EUNSUPPORTED",
          message: `Not supported here: layers of ${name} on images`,
        });
      }
    });
  }
});
