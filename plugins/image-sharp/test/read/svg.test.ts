import assert from "node:assert/strict";
import { DEFAULT_LIMITS } from "@mediatap/core";
import { sniff } from "../../src/read/sniff.ts";
import { checkSvg } from "../../src/read/svg.ts";
import { near, pixels, plan, render } from "../helpers.ts";

const wrap = (inner: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="20" height="20">${inner}</svg>`;
const check = (text: string, svgElements = 10_000) =>
  checkSvg(Buffer.from(text), { ...DEFAULT_LIMITS, svgElements });
const refuses = (inner: string, code = "EUNSUPPORTED") =>
  assert.throws(() => check(wrap(inner)), { code }, inner);

/** Shadows as design tools export them. */
const FIGMA_SHADOW = `<feFlood flood-opacity="0" result="BackgroundImageFix"/>
<feColorMatrix in="SourceAlpha" type="matrix" values="0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 127 0" result="hardAlpha"/>
<feOffset dy="4"/><feGaussianBlur stdDeviation="12"/><feComposite in2="hardAlpha" operator="out"/>
<feColorMatrix type="matrix" values="0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0.25 0"/>
<feBlend mode="normal" in2="BackgroundImageFix" result="effect1_dropShadow"/>
<feBlend mode="normal" in="SourceGraphic" in2="effect1_dropShadow" result="shape"/>`;
const ILLUSTRATOR_SHADOW = `<feOffset dx="7" dy="7" in="SourceAlpha"/><feGaussianBlur result="blur" stdDeviation="5"/>
<feFlood flood-opacity=".75"/><feComposite in2="blur" operator="in"/><feComposite in="SourceGraphic"/>`;
const SKETCH_SHADOW = `<feOffset dx="0" dy="2" in="SourceAlpha" result="offset"/>
<feGaussianBlur stdDeviation="4" in="offset" result="blur"/>
<feColorMatrix values="0 0 0 0 0.2 0 0 0 0 0.1 0 0 0 0 0 0 0 0 0.5 0" in="blur" result="matrix"/>
<feMerge><feMergeNode in="matrix"/><feMergeNode in="SourceGraphic"/></feMerge>`;

/** Groups of ten uses of the group before: 10 ** depth elements in a few lines. */
function nested(depth: number, reference: (id: number) => string): string {
  const groups = Array.from({ length: depth }, (_, index) => {
    const inner = index === 0 ? "<rect width='1' height='1'/>" : reference(index - 1).repeat(10);
    return `<g id="g${index}">${inner}</g>`;
  });
  return wrap(`<defs>${groups.join("")}</defs>${reference(depth - 1)}`);
}

describe("image-sharp: SVG", () => {
  it("is known behind declarations, comments and a doctype", () => {
    const known = (text: string) => sniff(Buffer.from(text));
    assert.equal(known("<svg>"), "svg");
    assert.equal(
      known(`\ufeff<?xml version="1.0"?>\n<!-- <html> -->\n<!DOCTYPE svg PUBLIC "a" "b">\n<svg:svg a="b">`),
      "svg",
    );
    assert.equal(known(`<!DOCTYPE svg [<!ENTITY a "b">]><svg/>`), "svg");
    assert.equal(known(`<!DOCTYPE svg SYSTEM "a>b" ><svg/>`), "svg");
    assert.equal(known(`<!DOCTYPE svg SYSTEM "a]>b" [<!-- x --><!ELEMENT svg ANY>] ><svg/>`), "svg");
    assert.equal(known("<!doctype html><html><svg></svg></html>"), undefined);
    assert.equal(known("<!-- <svg> "), undefined);
    assert.equal(known("<svgx>"), undefined);
    assert.equal(known("   "), undefined);
  });

  it("is rendered at the size that a smart crop is enlarged to", async () => {
    const stripes = Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20" fill="#fff"/>${[...Array(20).keys()].map((i) => `<rect x="${2 * i}" width="1" height="20"/>`).join("")}</svg>`,
    );
    const { bytes } = await render(stripes, {
      steps: [{ op: "resize", width: 400, height: 400, fit: "cover", enlarge: true, focus: "attention" }],
      output: { format: "png" },
    });
    const { at, width } = await pixels(bytes);
    assert.equal(width, 400);
    const row = Array.from({ length: width }, (_, x) => at(x, 200)[0] as number);
    assert.ok(row.filter((value) => value > 20 && value < 235).length < 40, "edges are sharp");
  });

  it("may hold shapes, gradients, clips, styles and embedded pictures", () => {
    check(
      wrap(`<!-- c --><style>.a{fill:url(#p)} .b, .c { stroke: red }</style><defs><linearGradient id="p"><stop/></linearGradient>
      <clipPath id="k"><rect class="a"/></clipPath></defs><g clip-path="url(#k)"><use xlink:href="#k"/><a href="https://example.com/"><path/></a>
      <image href="data:image/png;base64,AAAA"/></g><text>url(http://example.com)</text>`),
    );
  });

  it("may not name other documents", () => {
    refuses('<image href="http://example.com/a.png"/>');
    refuses('<image xlink:href="file:///etc/passwd"/>');
    refuses('<use href="other.svg#a"/>');
    refuses('<use href="data:image/svg+xml,x#a"/>');
    refuses('<image href="data:image/svg+xml;base64,AAAA"/>');
    refuses('<rect style="fill:url(http://example.com/#a)"/>');
    refuses("<style>@import 'http://example.com/a.css';</style>");
    refuses("<style><![CDATA[.a{fill:url(file:///a#b)}]]></style>");
    refuses('<rect fill="&#117;rl(http://example.com/#a)"/>');
    refuses('<rect style="fill:\\75rl(http://example.com/#a)"/>');
  });

  it("may not declare entities, style sheets or encodings that hide it", () => {
    assert.throws(() => check(`<!DOCTYPE svg [<!ENTITY a "b">]><svg/>`), { code: "EUNSUPPORTED" });
    // The end of a document type is no plain `>`.
    for (const type of ['SYSTEM "c>d" ', 'PUBLIC "a" "c>d"', "SYSTEM 'c>\"'", ""]) {
      const hidden = `<!DOCTYPE svg ${type}[<!ENTITY u "fill:url(#p)">]>${wrap('<rect style="&u;"/>')}`;
      assert.throws(() => check(hidden), { code: "EUNSUPPORTED" }, type);
    }
    assert.throws(() => check(`<?xml-stylesheet href="a.css"?><svg/>`), { code: "EUNSUPPORTED" });
    assert.throws(() => check(`<?xml version="1.0" encoding="UTF-7"?><svg/>`), { code: "EUNSUPPORTED" });
    check(`<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE svg PUBLIC "a" "b"><svg/>`);
  });

  it("is counted with every reference followed", () => {
    const use = (id: number) => `<use href="#g${id}"/>`;
    check(nested(3, use));
    assert.throws(() => check(nested(9, use)), { code: "ELIMIT" });
    assert.throws(() => check(nested(9, (id) => `<rect fill="url(#g${id})"/>`)), { code: "ELIMIT" });
    assert.throws(() => check(nested(9, (id) => `<rect style='mask: url("#g${id}")'/>`)), { code: "ELIMIT" });
    const classes = Array.from({ length: 9 }, (_, id) => `.c${id}{fill:url(#g${id})}`).join("");
    const byClass = nested(9, (id) => `<rect class="x c${id}"/>`).replace(
      "<defs>",
      `<style>${classes}</style><defs>`,
    );
    assert.throws(() => check(byClass), { code: "ELIMIT" });
    const hidden = nested(9, (id) => `<use href="#g${id}"/>`).replaceAll('id="g', 'id="&#103;');
    assert.throws(() => check(hidden), { code: "ELIMIT" });
  });

  it("counts filters by what they take", () => {
    const filtered = (primitive: string) =>
      wrap(`<filter id="f">${primitive}</filter><rect filter="url(#f)"/>`);
    check(filtered("<feGaussianBlur stdDeviation='4'/>".repeat(10)));
    assert.throws(() => check(filtered("<feOffset/>".repeat(100))), { code: "ELIMIT" });
    assert.throws(() => check(filtered("<feTurbulence numOctaves='1000'/>")), { code: "ELIMIT" });
    assert.throws(() => check(filtered("<feConvolveMatrix order='99'/>")), { code: "ELIMIT" });
  });

  it("costs more to draw with more in it", async () => {
    const steps = [{ op: "resize", width: 2000, fit: "inside", enlarge: true }] as const;
    const cost = async (inner: string) =>
      (await plan(Buffer.from(wrap(inner)), { steps, output: { format: "png" } }))?.cost as number;
    assert.ok((await cost("<path/>".repeat(5000))) > 2 * (await cost("<path/>")));
  });

  it("may not draw itself within itself", () => {
    refuses('<g id="a"><use href="#a"/></g>', "ELIMIT");
  });

  it("has a limit of elements and of nesting", () => {
    assert.throws(() => check(wrap("<g/>".repeat(20)), 20), { code: "ELIMIT" });
    check(wrap("<g/>".repeat(19)), 20);
    const deep = Array.from({ length: 200 }, (_, id) => `<g id="n${id}">`).join("");
    assert.throws(() => check(wrap(deep + "</g>".repeat(200))), { code: "ELIMIT" });
  });

  it("has filters that are priced by their kind, radius, number and region", () => {
    const cost = (filter: string, attributes = "", uses = 1, around = "") =>
      checkSvg(
        Buffer.from(
          `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000" ${around}><filter id="f" ${attributes}>${filter}</filter>${'<g filter="url(#f)"/>'.repeat(uses)}</svg>`,
        ),
        DEFAULT_LIMITS,
      );
    // Measured: milliseconds of one core for a megapixel.
    for (const [filter, measured] of [
      ['<feGaussianBlur stdDeviation="90"/>', 430],
      ['<feTurbulence baseFrequency="0.05" numOctaves="10"/>', 711],
      ['<feMorphology radius="5"/>', 1301],
      ['<feMorphology radius="20"/>', 4743],
      ['<feConvolveMatrix order="15"/>', 6974],
      ['<feDisplacementMap scale="20"/>', 986],
      ["<feFlood/>", 13],
      [FIGMA_SHADOW, 313],
      [ILLUSTRATOR_SHADOW, 343],
      [SKETCH_SHADOW, 466],
    ] as const) {
      const priced = cost(filter);
      assert.ok(priced > measured / 2 && priced < measured * 2, `${filter}: ${priced}`);
    }
    const blur = "<feGaussianBlur stdDeviation='5'/>";
    assert.ok(cost(blur, "", 20) > 8000);
    // An alpha channel alone is cheap only as long as it is one.
    const alpha = '<feOffset in="SourceAlpha" result="a"/>';
    assert.ok(cost(`${alpha}<feGaussianBlur in="a" stdDeviation="5"/>`) < 200);
    for (const coloured of [
      `${alpha}<feFlood result="a"/><feGaussianBlur in="a"/>`,
      `${alpha}<feFlood result=" a"/><feGaussianBlur in="a"/>`,
      `<g>${alpha}</g><feGaussianBlur in="a"/>`,
      `${alpha}<feComposite in="a" in2="SourceGraphic"/><feGaussianBlur/>`,
      `${alpha}</filter><filter id="g"><feGaussianBlur in="a"/>`,
      '<feFlood result="SourceAlpha"/><feGaussianBlur in="SourceGraphic"/>',
    ]) {
      const total = checkSvg(
        Buffer.from(wrap(`<filter id="f">${coloured}</filter><g filter="url(#f)"/><g filter="url(#g)"/>`)),
        DEFAULT_LIMITS,
      );
      assert.ok(total > 400, coloured);
    }
    const region = 'filterUnits="userSpaceOnUse" width="100" height="100"';
    assert.ok(cost(blur, region, 20) < 500);
    // Units of parts may be larger.
    assert.ok(cost(blur, region, 20, 'transform="scale(9)"') > 8000);
    for (const style of [
      '<g style="filter:blur(5px)"/>',
      '<style>.a{filter:drop-shadow(1px 1px 2px red)}</style><g class="a"/>',
    ]) {
      assert.ok(check(wrap(style)) > 400, style);
    }
    refuses("<style>g{filter:blur(5px)}</style><g/>");
  });

  it("is unreadable when it is not closed", () => {
    for (const text of ["<svg", "<svg a='b", "<svg><!-- ", "", "text"]) {
      assert.throws(() => check(text), { code: "UNIDENTIFIED" }, text);
    }
  });

  it("is checked before it is rendered", async () => {
    const bomb = Buffer.from(nested(9, (id) => `<use href="#g${id}"/>`));
    await assert.rejects(plan(bomb, { output: { format: "png" } }), { code: "ELIMIT" });
    assert.equal(await plan(bomb), undefined);
    const huge = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 355572 355572"><rect/></svg>',
    );
    await assert.rejects(plan(huge, { output: { format: "png" } }), { code: "ELIMIT" });
  });

  it("is bounded by the requested size, not by its own", async () => {
    const halves =
      '<rect width="50000" height="100000" fill="#ff0000"/><rect x="50000" width="50000" height="100000" fill="#0000ff"/>';
    const huge = Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100000 100000">${halves}</svg>`,
    );
    const { bytes, rendition } = await render(huge, {
      steps: [{ op: "resize", width: 301, fit: "inside", enlarge: true }],
      output: { format: "png" },
    });
    assert.deepEqual([rendition.width, rendition.height], [301, 301]);
    const { at } = await pixels(bytes);
    assert.ok(near(at(147, 150), [255, 0, 0, 255]) && near(at(153, 150), [0, 0, 255, 255]));
    const trimmed = plan(huge, { steps: [{ op: "trim", tolerance: 9 }], output: { format: "png" } });
    await assert.rejects(trimmed, { code: "ELIMIT" });
  });

  it("may use entities of XML itself", async () => {
    const { bytes } = await render(Buffer.from(wrap('<rect width="20" height="20" fill="&#35;00ff00"/>')), {
      output: { format: "png" },
    });
    assert.ok(near((await pixels(bytes)).at(9, 9), [0, 255, 0, 255]));
  });
});
