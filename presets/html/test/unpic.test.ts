import assert from "node:assert/strict";
import { extract, generate, type MediatapOperations, transform } from "@mediatap/html/unpic";
import fc from "fast-check";

const server = "https://img.example.com/shop";
const options = { server, widths: [160, 320, 640] };

describe("the provider for unpic", () => {
  it("writes URLs, in widths of the endpoint", () => {
    assert.equal(generate("/dogs.jpg", { width: 300 }, options), `${server}/tr:w-320,c-at_max/dogs.jpg`);
    assert.equal(
      generate(new URL("https://x.example/dogs.jpg"), { width: 300, height: 200, quality: 50 }, { server }),
      `${server}/tr:w-300,ar-3-2,q-50/https://x.example/dogs.jpg`,
    );
    assert.equal(
      generate(`${server}/dogs.jpg?v=2`, { format: "avif" }, options),
      `${server}/tr:f-avif/dogs.jpg?v=2`,
    );
  });

  it("reads URLs", () => {
    const src = "/dogs.jpg";
    for (const [chain, operations] of [
      ["w-320,c-at_max", { width: 320, fit: "inside" }],
      ["w-300,h-200,fo-top_left", { width: 300, ratio: [300, 200], position: "top left" }],
      ["h-200,f-webp,q-50,bl-3", { height: 200, format: "webp", quality: 50, blur: 3 }],
      [
        "w-300,ar-3-2,cm-pad_resize,bg-fff,rt-90",
        { width: 300, ratio: [3, 2], fit: "contain", background: "fff", transformation: "rt-90" },
      ],
    ] as const) {
      assert.deepEqual(extract(`${server}/tr:${chain}${src}`), { src, operations, options: { server } });
    }
  });

  it("reads no URLs that are more than one image in one size, nor those of other servers", () => {
    for (const url of [
      `${server}/dogs.jpg`,
      `${server}/tr:w-300:rt-90/dogs.jpg`,
      `${server}/tr:w-0.5/dogs.jpg`,
      `${server}/tr:w-iw_div_2/dogs.jpg`,
      `${server}/tr:w-300,l-text,i-Dogs,l-end/dogs.jpg`,
      `${server}/tr:if-w_gt_300,rt-90,if-end/dogs.jpg`,
      "https://other.example/tr:w-300/dogs.jpg",
    ]) {
      assert.equal(extract(url, options), null, url);
    }
  });

  it("changes URLs of the server, and keeps their other parameters", () => {
    const url = `${server}/tr:w-320,ar-3-2,fo-auto,q-50,rt-90/dogs.jpg?v=2`;
    for (const [operations, chain] of [
      [{ width: 160 }, "w-160,ar-3-2,fo-auto,q-50,rt-90"],
      [{ width: 160, height: 160, quality: undefined }, "w-160,ar-1-1,fo-auto,q-50,rt-90"],
      [{ format: "avif", quality: 70 }, "w-320,ar-3-2,fo-auto,f-avif,q-70,rt-90"],
    ] as const) {
      assert.equal(
        transform(url, operations as MediatapOperations, options),
        `${server}/tr:${chain}/dogs.jpg?v=2`,
      );
    }
    assert.equal(transform("/dogs.jpg", { width: 160 }, options), `${server}/tr:w-160,c-at_max/dogs.jpg`);
  });

  it("refuses what it would change into another image", () => {
    for (const [src, message] of [
      [`${server}/tr:w-300:rt-90/dogs.jpg`, /Expected an original, or a URL with one step/],
      [`${server}/dogs.jpg?tr=w-300`, /Expected an original, or a URL with one step/],
    ] as const) {
      assert.throws(() => transform(src, { width: 160 }, options), { name: "TypeError", message });
    }
    const message = /Expected the URL of a server, .* but received none/;
    assert.throws(() => transform("/dogs.jpg", { width: 160 }), { name: "TypeError", message });
  });

  it("reads back what it writes", () => {
    const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
    const size = fc.integer({ min: 1, max: 9999 });
    const operations = fc.record({
      width: size,
      height: some(size),
      fit: some(fc.constantFrom("cover", "contain", "fill", "inside", "outside")),
      position: some(fc.constantFrom("top", "left", "bottom right", "auto", "face", "center")),
      format: some(fc.constantFrom("webp", "avif", "auto")),
      quality: some(fc.integer({ min: 1, max: 100 })),
      transformation: some(fc.constantFrom("rt-90", "e-grayscale,r-10")),
    });
    fc.assert(
      fc.property(operations, (wanted) => {
        const url = generate("/dogs.jpg", wanted as MediatapOperations, { server });
        assert.equal(transform(url, {}), url);
      }),
    );
  });
});
