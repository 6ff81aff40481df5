import assert from "node:assert/strict";

interface Urls {
  change(url: string, keys: string[], text?: string): string;
  valuesOf(url: string, keys: string[]): string[];
  bare(url: string): string;
  original(url: string): string;
  painted(url: string): [kind: string, text: string][];
}

const { change, valuesOf, bare, original, painted }: Urls = await import(
  new URL("../public/url.js", import.meta.url).href
);

describe("the URL in the editor", () => {
  it("has one value replaced where it stands", () => {
    assert.equal(change("/tr:w-400,h-300/a.jpg", ["w"], "w-720"), "/tr:w-720,h-300/a.jpg");
    assert.equal(change("/a.jpg?v=1&tr=w-400&x=2", ["w"], "w-720"), "/a.jpg?v=1&tr=w-720&x=2");
    assert.equal(change("/tr:rt-90:w-400/a.jpg", ["w"], "w-720"), "/tr:rt-90:w-720/a.jpg");
  });

  it("takes a new value into the first step", () => {
    assert.equal(change("/tr:w-400:rt-90/a.jpg", ["q"], "q-50"), "/tr:w-400,q-50:rt-90/a.jpg");
    assert.equal(change("/a/b.jpg", ["w"], "w-400"), "/tr:w-400/a/b.jpg");
  });

  it("replaces all values of a group by one", () => {
    assert.equal(change("/tr:w-400,h-300/a.jpg", ["ar", "h"], "ar-1-1"), "/tr:w-400,ar-1-1/a.jpg");
    assert.equal(change("/tr:h-9,w-4,ar-1-1/a.jpg", ["ar", "h"], "ar-3-2"), "/tr:ar-3-2,w-4/a.jpg");
  });

  it("loses a value, its step if that was all, and the transformation if nothing is left", () => {
    assert.equal(change("/tr:w-400,h-300/a.jpg", ["w"]), "/tr:h-300/a.jpg");
    assert.equal(change("/tr:w-400,h-300:rt-90/a.jpg", ["rt"]), "/tr:w-400,h-300/a.jpg");
    assert.equal(change("/tr:w-4:rt-90,q-5/a.jpg", ["rt"]), "/tr:w-4:q-5/a.jpg");
    assert.equal(change("/tr:w-4:rt-90:q-5/a.jpg", ["rt"]), "/tr:w-4:q-5/a.jpg");
    assert.equal(change("/tr:w-400/a.jpg", ["w"]), "/a.jpg");
    assert.equal(change("/a.jpg?tr=w-400&v=1", ["w"]), "/a.jpg?v=1");
    assert.equal(change("/a.jpg", ["w"]), "/a.jpg");
  });

  it("keeps its hands off layers and conditions", () => {
    const url = "/tr:l-image,i-b.png,w-50:rt-5,l-end,h-300/a.jpg";
    assert.deepEqual(valuesOf(url, ["w"]), []);
    assert.equal(change(url, ["w"], "w-400"), "/tr:l-image,i-b.png,w-50:rt-5,l-end,h-300,w-400/a.jpg");
    assert.equal(change(url, ["h"]), "/tr:l-image,i-b.png,w-50:rt-5,l-end/a.jpg");
  });

  it("tells one key from another that begins alike", () => {
    assert.deepEqual(valuesOf("/tr:fo-auto,f-webp/a.jpg", ["f"]), ["f-webp"]);
    assert.deepEqual(valuesOf("/tr:cm-extract,c-force/a.jpg", ["c", "cm"]), ["cm-extract", "c-force"]);
  });

  it("leads to its original", () => {
    assert.equal(original("/tr:w-400/a/b.jpg?v=3"), "/tr:orig-true/a/b.jpg");
    assert.equal(original("/a/b.jpg?tr=w-400"), "/tr:orig-true/a/b.jpg");
    assert.equal(bare("/a/tr:w-4/b.jpg"), "/a/b.jpg");
  });

  it("is painted without a letter lost", () => {
    for (const url of [
      "/",
      "/a.jpg",
      "/tr:w-400,e-grayscale:rt-N90/x/a.jpg?v=1",
      "/x/a.jpg?v=1&tr=w-4,h-3&z",
    ]) {
      const text = painted(url).map(([, part]) => part);
      assert.equal(text.join(""), url);
    }
    assert.ok(painted("/tr:w-400/a.jpg").some(([kind, text]) => kind === "value" && text === "400"));
  });
});
