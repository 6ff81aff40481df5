import assert from "node:assert/strict";
import { BLACK, BLUE, GREEN, near, pixels, quarters, RED, render, WHITE } from "../helpers.ts";

const png = async (width?: number, height?: number) => (await quarters(width, height)).png().toBuffer();

describe("image-sharp: resize", () => {
  it("covers a box and crops what is left over at the centre", async () => {
    const { bytes, rendition } = await render(await png(80, 40), {
      steps: [{ op: "resize", width: 20, height: 20, fit: "cover", enlarge: true }],
      output: { format: "png" },
    });
    assert.deepEqual([rendition.width, rendition.height, rendition.type], [20, 20, "image/png"]);
    const { at, width, height } = await pixels(bytes);
    assert.deepEqual([width, height], [20, 20]);
    assert.ok(
      near(at(2, 2), RED) && near(at(17, 2), GREEN) && near(at(2, 17), BLUE) && near(at(17, 17), WHITE),
    );
  });

  it("crops at the side that is asked for", async () => {
    const { bytes } = await render(await png(80, 40), {
      steps: [{ op: "resize", width: 20, height: 40, fit: "cover", enlarge: true, focus: "right" }],
      output: { format: "png" },
    });
    const { at } = await pixels(bytes);
    assert.ok(near(at(2, 2), GREEN) && near(at(2, 37), WHITE));
  });

  it("fits a picture inside a box and keeps its ratio", async () => {
    const { rendition } = await render(await png(640, 865), {
      steps: [{ op: "resize", width: 300, height: 200, fit: "inside", enlarge: false }],
    });
    assert.deepEqual([rendition.width, rendition.height], [148, 200]);
  });

  it("pads with black where no paint is named, away from the focus", async () => {
    const { bytes } = await render(await png(40, 40), {
      steps: [{ op: "resize", width: 80, height: 40, fit: "contain", enlarge: true, focus: "left" }],
      output: { format: "png" },
    });
    const { at, width } = await pixels(bytes);
    assert.equal(width, 80);
    assert.ok(
      near(at(2, 2), RED) && near(at(37, 37), WHITE) && near(at(42, 20), BLACK) && near(at(78, 20), BLACK),
    );
  });
});

describe("image-sharp: formats", () => {
  for (const format of ["jpeg", "png", "webp", "avif"] as const) {
    it(`writes ${format}`, async () => {
      const { bytes, rendition } = await render(await png(), { output: { format } });
      assert.deepEqual([rendition.format, rendition.type], [format, `image/${format}`]);
      const { at } = await pixels(bytes);
      assert.ok(near(at(5, 5), RED, 20) && near(at(60, 45), WHITE, 20));
    });
  }
});
