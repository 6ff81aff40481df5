import assert from "node:assert/strict";
import type { Step, StepOf } from "@mediatap/core";
import type { Layer } from "@mediatap/core/steps";
import fc from "fast-check";
import { parseChain, printChain } from "../src/index.ts";

const overlays = (chain: string) =>
  parseChain(chain).steps.filter((step): step is StepOf<"overlay"> => step.op === "overlay");

function only(chain: string) {
  const [step] = overlays(chain);
  assert(step && step.layer.kind !== "subtitles");
  return { ...step, layer: step.layer };
}

const image = (rest: string) => only(`l-image,i-a.png,${rest},l-end`);
const TRIM = { op: "trim", tolerance: 10 } as const;
const black = { r: 0, g: 0, b: 0, alpha: 1 };

describe("url-imagekit: layers", () => {
  it("come after all else of their step, in the order written", () => {
    const { steps } = parseChain("l-image,i-a.png,l-end,w-100,l-text,i-Hi,l-end,rt-90:w-50");
    assert.deepEqual(
      steps.map(({ op }) => op),
      ["resize", "rotate", "overlay", "overlay", "resize"],
    );
    assert.deepEqual(
      overlays("l-image,i-a.png,l-end,l-text,i-Hi,l-end").map(({ layer }) => layer.kind),
      ["image", "text"],
    );
  });

  it("name a picture by path, by base64, or by address", () => {
    for (const [input, path] of [
      ["i-a@@b.png", "a/b.png"],
      ["i-@@a@@b.png", "a/b.png"],
      [`ie-${Buffer.from("/a/b c.png").toString("base64")}`, "a/b c.png"],
      [`i-x.png,ie-${Buffer.from("größe.png").toString("base64url")}`, "größe.png"],
      [
        `ie-${Buffer.from("https://example.com/a.png?x=1").toString("base64")}`,
        "https://example.com/a.png?x=1",
      ],
    ] as const) {
      const { layer } = only(`l-image,${input},l-end`);
      assert(layer.kind === "image");
      assert.equal(layer.path, path);
    }
  });

  it("are trimmed unless they say otherwise", () => {
    assert.deepEqual(image("lx-5").layer.steps, [TRIM]);
    assert.deepEqual(image("t-20").layer.steps, [{ op: "trim", tolerance: 20 }]);
    assert.deepEqual(image("t-false").layer.steps, []);
    assert.deepEqual(
      image("w-50:rt-5:t-false").layer.steps.map(({ op }) => op),
      ["resize", "rotate"],
    );
  });

  it("have steps of their own, a page, and layers in them", () => {
    const { layer } = only("l-image,i-a.pdf,pg-3,w-bw_div_2,q-50:l-text,i-Hi,l-end,al-4,l-end");
    assert.deepEqual(
      layer.steps.map(({ op }) => op),
      ["frame", "trim", "resize", "overlay", "opacity"],
    );
    assert.deepEqual(layer.steps[0], { op: "frame", page: 3 });
    assert.deepEqual(layer.steps.at(-1), { op: "opacity", value: 0.4 });
  });

  it("lie by gravity, or by offsets, which win", () => {
    assert.deepEqual(image("t-5").place, { gravity: "center" });
    assert.deepEqual(image("lfo-top_left").place, { gravity: "top-left" });
    for (const [text, place] of [
      ["lx-10", { x: { by: 10, of: "edge" } }],
      ["lfo-left,ly-N0", { y: { by: 0, of: "edge", fromEnd: true } }],
      ["lxc-bw_div_2,ly-5", { x: { by: ["div", "parentWidth", 2], of: "center" }, y: { by: 5, of: "edge" } }],
      ["lx-bw_sub_cw", { x: { by: ["sub", "parentWidth", "currentWidth"], of: "edge" } }],
      ["lx-10,lap-center", { x: { by: 10, of: "edge" }, anchor: "center" }],
      ["lx-N10,lap-center", { x: { by: -10, of: "edge" }, anchor: "center" }],
      ["lyc-N10,lap-top_left", { y: { by: 10, of: "center", fromEnd: true } }],
      ["lap-center", { gravity: "center" }],
      ["lx-5,lso-2,leo-3,ldu-1.5", { x: { by: 5, of: "edge" } }],
    ] as const) {
      assert.deepEqual(image(text).place, place, text);
    }
  });

  it("blend by mode", () => {
    assert.deepEqual(image("lm-multiply").blend, { mode: "multiply" });
    assert.deepEqual(image("lm-displace,x-50,y-N20").blend, { mode: "displace", x: 50, y: -20 });
    // What SDKs send.
    const shifted = image("lm-displace,lx-50,ly-50");
    assert.deepEqual(shifted.blend, { mode: "displace", x: 50, y: 50 });
    assert.deepEqual(shifted.place, { gravity: "center" });
    assert.deepEqual(only("l-text,i-Hi,lm-cutout,l-end").blend, { mode: "cutout" });
  });

  it("are blocks of colour", () => {
    const block = (rest: string) => only(`l-image,i-ik_canvas,${rest},l-end`).layer;
    const red = { r: 255, g: 0, b: 0, alpha: 1 };
    assert.deepEqual(block("bg-FF0000,w-300,h-bh_div_2"), {
      kind: "color",
      color: red,
      width: 300,
      height: ["div", "parentHeight", 2],
      steps: [],
    });
    assert.deepEqual(block("bg-FF0000,al-5").steps, [{ op: "opacity", value: 0.5 }]);
    for (const outdone of ["bg-FF000050,al-5", "bg-red,al-5"]) assert.deepEqual(block(outdone).steps, []);
    assert.deepEqual(block("w-5").kind === "color" && (block("w-5") as { color: object }).color, {
      ...black,
      alpha: 0,
    });
    assert.deepEqual(
      block("bg-red,r-10").steps.map(({ op }) => op),
      ["round"],
    );
  });

  it("are texts, with the defaults of the documentation", () => {
    const text = (rest: string) =>
      only(`l-text,i-Hi there,${rest},l-end`).layer as Extract<Layer, { kind: "text" }>;
    assert.deepEqual(text("lx-0"), {
      kind: "text",
      text: "Hi there",
      style: { size: 45, color: black, align: "center" },
      steps: [],
    });
    const { style, steps } = text(
      "w-300,fs-bw_div_10,ff-fonts@@My.ttf,co-red,ia-left,pa-1_2,al-9,tg-b_i_strikethrough,lh-20,bg-00000050,r-5,rt-N10",
    );
    assert.deepEqual(style, {
      size: ["div", "parentWidth", 10],
      font: "fonts/My.ttf",
      bold: true,
      italic: true,
      strikethrough: true,
      color: { r: 255, g: 0, b: 0, alpha: 1 },
      align: "left",
      width: 300,
      lineHeight: 20,
      padding: [1, 2, 1, 2],
      background: { ...black, alpha: 0.5 },
    });
    assert.deepEqual(
      steps.map(({ op }) => op),
      ["rotate", "round", "opacity"],
    );
    assert.equal(text("ff-Open Sans").style.font, "Open Sans");
    assert.deepEqual(text("pa-bw_div_20").style.padding, Array(4).fill(["div", "parentWidth", 20]));
    assert.deepEqual(text("pa-1_2_3").style.padding, [1, 2, 3, 2]);
  });

  it("take a picture by its address, with slashes in either spelling", () => {
    for (const input of ["i-https:@@@@example.com@@a.png", "i-https://example.com/a.png"]) {
      const { layer } = only(`l-image,${input},w-5:rt-90,l-end`);
      assert(layer.kind === "image");
      assert.equal(layer.path, "https://example.com/a.png");
    }
    for (const input of ["i-http:@@@@example.com:8080@@a.png", "i-http://example.com:8080/a.png"]) {
      const { layer } = only(`l-image,${input}:w-5,l-end`);
      assert(layer.kind === "image");
      assert.equal(layer.path, "http://example.com:8080/a.png");
      assert.equal(layer.steps.length, 2);
    }
  });

  it("cut a text that is too long", () => {
    const { layer } = only(`l-text,i-${"x".repeat(3000)},l-end`);
    assert(layer.kind === "text");
    assert.equal(layer.text.length, 2000);
  });

  it("are written back as they were read", () => {
    const word = (...words: string[]) => fc.constantFrom(...words);
    const place = word(
      "lfo-left",
      "lx-10",
      "ly-N10",
      "lxc-bw_div_2",
      "lx-N5,ly-N6,lap-bottom_right",
      "lx-N0",
      "lm-cutout",
      "lm-displace,x-5,y-N6",
    );
    const own = word(
      "w-50",
      "h-bh_div_2",
      "rt-5",
      "t-false",
      "t-20",
      "bl-5",
      "o-50",
      "r-max",
      "pg-2",
      "b-5_red",
    );
    const style = word(
      "fs-20",
      "ff-Lato",
      "co-red",
      "ia-left",
      "pa-1_2_3_4",
      "tg-b",
      "lh-30",
      "w-200",
      "bg-blue",
    );
    const list = (items: fc.Arbitrary<string>) =>
      fc.array(items, { maxLength: 4 }).map((all) => all.map((item) => `,${item}`).join(""));
    const input = fc.string({ minLength: 1, unit: "grapheme" });
    const coded = input.map((text) => `ie-${Buffer.from(text).toString("base64url")}`);
    const layer = fc.oneof(
      fc.tuple(list(place), list(own)).map((parts) => `l-image,i-a@@b.png${parts.join("")},l-end`),
      fc
        .tuple(coded, list(style), list(word("lx-1", "lfo-top", "al-5")))
        .map(([text, ...parts]) => `l-text,${text}${parts.join("")},l-end`),
      list(word("w-5", "h-bw", "bg-red", "bg-00ff0050", "r-5", "al-3", "lx-3")).map(
        (parts) => `l-image,i-ik_canvas${parts},l-end`,
      ),
    );
    fc.assert(
      fc.property(layer, word("", ",w-5", ":rt-5"), (text, rest) => {
        let steps: readonly Step[];
        try {
          steps = parseChain(text + rest).steps;
        } catch (error) {
          assert.match(String(error), /both|x or y|for [xy] but/);
          return;
        }
        const written = printChain({ steps, output: {} });
        assert.deepEqual(parseChain(written).steps, steps, written);
      }),
    );
  });
});
