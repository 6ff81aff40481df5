import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  createComponentUrls,
  createImages,
  type ImageOptions,
  type ImagesOptions,
  imagekitUrl,
} from "@mediatap/html";
import fc from "fast-check";

const server = "https://img.example.com";
const { img, picture, attributes } = createImages({ server, widths: [640, 320, 1280, 640] });

describe("images of a page", () => {
  it("are as the README shows them", () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const [, shown] = /```html\n(.*)\n```/.exec(readme) ?? [];
    assert.equal(img("dogs.jpg", { alt: "Two dogs", width: 300, height: 200 }), shown);
    const [, written] = /^\/\/ (https:.*)$/m.exec(readme) ?? [];
    const { url } = createComponentUrls({ server, widths: [320, 640] });
    assert.equal(url("/dogs.jpg", { width: 300, height: 200, fit: "cover", position: "left top" }), written);
  });

  it("of one size are offered for usual and dense screens, in widths of the list", () => {
    const { src, srcset, sizes } = attributes("dogs.jpg", { alt: "", width: 320 });
    assert.equal(src, `${server}/tr:w-320,c-at_max/dogs.jpg`);
    assert.equal(srcset, `${server}/tr:w-320,c-at_max/dogs.jpg 1x, ${server}/tr:w-640,c-at_max/dogs.jpg 2x`);
    assert.equal(sizes, undefined);
    // Both screens get the same one.
    assert.equal(attributes("dogs.jpg", { alt: "", width: 100 }).srcset, undefined);
    assert.equal(
      attributes("dogs.jpg", { alt: "", width: 5000 }).src,
      `${server}/tr:w-1280,c-at_max/dogs.jpg`,
    );
  });

  it("of several sizes are offered in all widths up to twice the largest layout", () => {
    const { srcset = "", sizes } = attributes("dogs.jpg", { alt: "", width: 300, sizes: "50vw" });
    assert.deepEqual(
      srcset.split(", ").map((one) => one.split(" ")[1]),
      ["320w", "640w"],
    );
    assert.equal(sizes, "50vw");
    const whole = attributes("dogs.jpg", { alt: "" });
    assert.match(whole.srcset ?? "", / 320w, .* 640w, .* 1280w$/);
    assert.equal(whole.sizes, "100vw");
  });

  it("load late unless they are seen first", () => {
    assert.equal(attributes("dogs.jpg", { alt: "" }).loading, "lazy");
    const first = attributes("dogs.jpg", { alt: "", priority: true });
    assert.deepEqual([first.loading, first.fetchpriority], [undefined, "high"]);
  });

  it("have sources for other layouts", () => {
    const html = picture("dogs.jpg", {
      alt: "Dogs",
      width: 640,
      sources: [
        { media: "(max-width: 600px)", width: 300, height: 300, sizes: "100vw", transformation: "fo-auto" },
        { media: "print", src: "dogs.png", width: 1280 },
      ],
    });
    const square = `${server}/tr:w-320,ar-1-1,fo-auto/dogs.jpg 320w, ${server}/tr:w-640,ar-1-1,fo-auto/dogs.jpg 640w`;
    assert.equal(
      html,
      `<picture><source media="(max-width: 600px)" width="300" height="300" sizes="100vw" srcset="${square}">` +
        `<source media="print" width="1280" srcset="${server}/tr:w-1280,c-at_max/dogs.png">` +
        `${img("dogs.jpg", { alt: "Dogs", width: 640 })}</picture>`,
    );
  });

  it("take further attributes, and leave out those that are off", () => {
    const html = img("a.jpg", {
      alt: "",
      width: 640,
      attributes: { class: "wide", hidden: true, id: undefined, inert: false },
    });
    assert.match(html, / class="wide" hidden="">$/);
  });

  it("are written so that no text leaves its attribute", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (src, alt, title) => {
        const html = img(src, { alt, width: 320, attributes: { title } });
        const [, tag = ""] = /^<img((?: [a-z]+="[^"<>]*")+)>$/.exec(html) ?? [];
        assert.notEqual(tag, "", html);
        const found = /srcset="([^"]*)"/.exec(html)?.[1] ?? "";
        assert.match(found, /^\S+ 1x, \S+[^\s,] 2x$/);
      }),
    );
  });

  it("write names as they are in URLs, and what cannot be in one encoded", () => {
    const url = imagekitUrl(`${server}/shop/`);
    assert.equal(url("/a%20b.jpg?v=2", { width: 320 }), `${server}/shop/tr:w-320,c-at_max/a%20b.jpg?v=2`);
    assert.equal(url("a b,ü.jpg", { width: 320 }), `${server}/shop/tr:w-320,c-at_max/a%20b%2C%C3%BC.jpg`);
    assert.equal(imagekitUrl("")("a.jpg", { width: 320, ratio: [1920, 1080] }), "/tr:w-320,ar-16-9/a.jpg");
  });

  it("take the URLs of any language", () => {
    const ipx = createImages({ url: (src, { width }) => `/_ipx/w_${width}/${src}`, widths: [320] });
    assert.equal(ipx.attributes("a.jpg", { alt: "", width: 10 }).src, "/_ipx/w_320/a.jpg");
  });

  it("refuse options that are wrong", () => {
    const wrong: readonly (readonly [
      options: ImagesOptions,
      image: Partial<ImageOptions>,
      message: RegExp,
    ])[] = [
      [{ widths: [] }, {}, /Expected at least one width for widths/],
      [{ widths: [1.5] }, {}, /Expected positive integer for widths but received 1\.5/],
      [{ server: "img.example.com" }, {}, /Expected the URL of a server/],
      [{ server: "javascript:alert(1)" }, {}, /Expected the URL of a server/],
      [{}, { width: -1 }, /Expected positive integer for width but received -1/],
      [{}, { height: Number.NaN }, /Expected positive integer for height but received NaN/],
      [{}, { attributes: { "on load=": "x" } }, /Expected the name of an attribute but received 'on load='/],
    ];
    for (const [options, image, message] of wrong) {
      assert.throws(() => createImages(options).img("a.jpg", { alt: "", ...image }), {
        name: "TypeError",
        message,
      });
    }
  });
});
