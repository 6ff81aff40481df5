import assert from "node:assert/strict";
import fc from "fast-check";
import { allowsAttribute, cleanSheet, cleanStyle, isInert } from "../src/policy.ts";
import { sanitize, Unreadable } from "../src/sanitize.ts";
import { ATTACKS, DOCUMENTS, document } from "./attacks.ts";

/** What no sanitised document has in it, however it is written. */
const NEVER =
  /canary|<script|\son\w+\s*=|javascript|vbscript|<foreignObject|@import|@font-face|xml-stylesheet|<!|<\?|data:text|svg\+xml/i;

/** Texts that people read may name anything: they are escaped. */
const markup = (svg: string) =>
  svg.replace(/>[^<]*&lt;[^<]*</g, "><").replace(/\s(?:id|class)="[^"]*&(?:lt|quot);[^"]*"/g, "");

describe("svg-dompurify: what is left of an SVG", () => {
  for (const [what, attacks] of Object.entries(ATTACKS)) {
    it(`is never ${what}`, () => {
      for (const inner of attacks) {
        const clean = sanitize(document(`${inner}<rect width="60" height="40" fill="red"/>`));
        assert.doesNotMatch(markup(clean), NEVER, inner);
        // What is drawn beside it stays.
        assert.match(clean, /<rect width="60" height="40" fill="red"\/><\/svg>$/, inner);
        assert.equal(sanitize(clean), clean, "is the same when it is sanitised again");
      }
    });
  }

  for (const [what, text] of Object.entries(DOCUMENTS)) {
    it(`is never ${what}`, () => assert.doesNotMatch(sanitize(text), NEVER));
  }

  it("is the drawing: shapes, gradients, clips, filters, texts, embedded pictures, animations", () => {
    const drawing = document(
      `<title>A &lt;drawing&gt; &amp; more</title><desc>x</desc><style>.a{fill:red}@media print{.b{fill:url(#g)}}</style>` +
        `<defs><linearGradient id="g" gradientUnits="userSpaceOnUse" x1="0" y2="1"><stop offset="0" stop-color="#f00" stop-opacity=".5"/></linearGradient>` +
        `<clipPath id="c" clipPathUnits="objectBoundingBox"><circle cx=".5" cy=".5" r=".5"/></clipPath>` +
        `<filter id="f" filterUnits="userSpaceOnUse"><feGaussianBlur in="SourceGraphic" stdDeviation="2" result="b"/><feMerge><feMergeNode in="b"/></feMerge></filter>` +
        `<symbol id="s" viewBox="0 0 9 9"><path d="M0 0L9 9Z" stroke-linecap="round"/></symbol></defs>` +
        `<g transform="rotate(9)" fill="url(#g)" clip-path="url(#c)" filter="url('#f')" style="mix-blend-mode:multiply;fill:url(#g)" class="a b" id="body" aria-label="x">` +
        `<use href="#s" x="1"/><use xlink:href="#s"/><a href="#g"><text x="1" font-family="Open Sans" text-anchor="middle">Héllo <tspan dy="2">&lt;you&gt;</tspan></text></a>` +
        `<image href="data:image/png;base64,iVBORw0KGgo=" width="9" height="9" preserveAspectRatio="xMidYMid slice"/></g>` +
        `<rect width="9" height="9"><animate attributeName="x" values="0;9;0" dur="2s" repeatCount="indefinite"/><animateTransform attributeName="transform" type="rotate" from="0" to="90" dur="1s"/><set attributeName="fill" to="blue" begin="1s"/></rect>`,
    ).replace(" >", ">");
    assert.equal(sanitize(drawing), drawing);
  });

  it("is what editors write, without their private data", () => {
    const written = `<?xml version="1.0" standalone="no"?><!-- Created with Inkscape --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" width="9" height="9" inkscape:version="1"><sodipodi:namedview pagecolor="#fff"><inkscape:grid/></sodipodi:namedview><metadata><rdf:RDF><x/></rdf:RDF></metadata><g inkscape:label="Layer 1" inkscape:groupmode="layer"><rect width="9" height="9" style="fill:#f00;-inkscape-font-specification:'Sans'"/></g></svg>`;
    assert.equal(
      sanitize(written),
      `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g><rect width="9" height="9" style="fill:#f00;-inkscape-font-specification:'Sans'"/></g></svg>`,
    );
  });

  it("keeps the good rules of a style sheet with bad ones", () => {
    assert.equal(
      cleanSheet(
        "@import url(https://a/); .a{fill:red;background:url(//b)} @font-face{src:url(c)} .b{fill:url(#g)}",
      ),
      ".a{fill:red}.b{fill:url(#g)}",
    );
    assert.equal(cleanStyle("fill:red;mask:url(x);stroke:url('#a')"), "fill:red;stroke:url('#a')");
    assert.equal(cleanSheet(".a{fill:u\\72l(x)}"), ".a{}");
  });

  it("is nothing if the SVG is not well-formed", () => {
    for (const text of [
      "",
      "text",
      "<svg>",
      `<svg xmlns="http://www.w3.org/2000/svg"><g></svg>`,
      `<svg xmlns="http://www.w3.org/2000/svg" a=1/>`,
      `<svg xmlns="http://www.w3.org/2000/svg"/><svg xmlns="http://www.w3.org/2000/svg"/>`,
      `<svg xmlns="http://www.w3.org/2000/svg">&unknown;</svg>`,
      `<svg xmlns="http://www.w3.org/2000/svg">\u0001</svg>`,
      "<svg/>",
      `<html xmlns="http://www.w3.org/1999/xhtml"><svg xmlns="http://www.w3.org/2000/svg"/></html>`,
      `<s:svg xmlns:s="http://www.w3.org/2000/svg"/>`,
      `<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>`,
    ]) {
      assert.throws(() => sanitize(text), Unreadable, text);
    }
  });

  it("drops a style sheet that closes a bracket which it did not open", () => {
    // An earlier text must not decide what it closes.
    for (const before of ["a{b:u(", "a{b:[", "a{b:{c:d("]) {
      cleanSheet(before);
      for (const text of ["a{} ) b{fill:u(", "a:b]c{", "}a{fill:red}"]) {
        assert.equal(cleanSheet(text), undefined, text);
      }
    }
  });

  it("never names anything outside, whatever the style", () => {
    const pieces = fc.constantFrom(
      "url(",
      "URL (",
      "u\\72l(",
      "'",
      '"',
      "#a",
      "https://canary",
      "//canary",
      ")",
      "(",
      "{",
      "}",
      ";",
      ":",
      ",",
      "@import",
      "@media all",
      "@font-face",
      "/*",
      "*/",
      "\\",
      "\\22",
      "image-set(",
      "fill",
      "rect",
      " ",
      "\n",
      "!",
      "<!--",
      "-->",
      "]]",
      "var(--x)",
      "--x:",
    );
    const css = fc.array(pieces, { maxLength: 24 }).map((list) => list.join(""));
    fc.assert(
      fc.property(css, (text) => {
        for (const clean of [cleanSheet(text), cleanStyle(text)]) {
          assert(clean === undefined || isInert(clean), `${text} → ${clean}`);
          assert(!/url\s*\(\s*["']?\s*[^#"'\s]|@import|image-set\(/i.test(clean ?? ""), `${text} → ${clean}`);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("keeps no attribute with an unknown name", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 12 }), (name) => {
        assert(!allowsAttribute("rect", `on${name}`, "1"));
        assert(!allowsAttribute("rect", `x:${name}`, "1"));
      }),
    );
  });
});
