import assert from "node:assert/strict";

interface Urls {
  change(url: string, keys: string[], text?: string): string;
  valuesOf(url: string, keys: string[]): string[];
  bare(url: string): string;
  original(url: string): string;
  painted(url: string): [kind: string, text: string][];
  sourcePath(url: string): string;
  folderOf(url: string): string;
  kindOfVideo(url: string): string;
  foreign(url: string): { readonly host: string; readonly url: string } | undefined;
  setMounts(urls: string[]): void;
}

const {
  change,
  valuesOf,
  bare,
  original,
  painted,
  sourcePath,
  folderOf,
  kindOfVideo,
  foreign,
  setMounts,
}: Urls = await import(new URL("../public/url.js", import.meta.url).href);

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

  it("leads to the video and to its folder", () => {
    for (const [url, kind] of [
      ["/a/b.mp4", "file"],
      ["/a/b.mp4?tr=w-640", "file"],
      ["/tr:w-640/a/b.mp4", "file"],
      ["/a/b.mp4/ik-master.m3u8?tr=sr-240_360", "stream"],
      ["/a/b.mp4/ik-master.mpd?tr=sr-240_360", "stream"],
      ["/tr:w-40/a/b.mp4/ik-thumbnail.jpg?tr=so-5", "still"],
      ["/a/b.mp4/ik-seek-thumbnail-track.vtt", "still"],
      ["/a/b.mp4/ik-gif-video.mp4", "file"],
    ] as const) {
      assert.equal(sourcePath(url), "/a/b.mp4", url);
      assert.equal(kindOfVideo(url), kind, url);
      assert.equal(folderOf(url), "/a/", url);
    }
    assert.equal(kindOfVideo("/a/b.jpg"), "");
    assert.equal(sourcePath("/a/b.jpg/ik-thumbnail.jpg"), "/a/b.jpg/ik-thumbnail.jpg");
    assert.equal(folderOf("/b.jpg"), "/");
  });

  it("has its transformation behind the name of its endpoint", () => {
    setMounts(["/", "/shop/", "/acme/", "/acme/shop/"]);
    try {
      assert.equal(change("/shop/a.jpg", ["w"], "w-4"), "/shop/tr:w-4/a.jpg");
      assert.equal(change("/acme/shop/x/a.jpg", ["w"], "w-4"), "/acme/shop/tr:w-4/x/a.jpg");
      assert.equal(change("/shopping/a.jpg", ["w"], "w-4"), "/tr:w-4/shopping/a.jpg");
      assert.equal(original("/shop/tr:w-4/a.jpg"), "/shop/tr:orig-true/a.jpg");
    } finally {
      setMounts([]);
    }
  });

  it("is distinguished from a URL of another server", () => {
    const imagekit = { host: "ik.imagekit.io", url: "/tr:w-4/a.jpg?v=1" };
    assert.deepEqual(foreign("https://ik.imagekit.io/demo/tr:w-4/a.jpg?v=1"), imagekit);
    assert.deepEqual(foreign("/https://ik.imagekit.io/demo/tr:w-4/a.jpg?v=1"), imagekit);
    assert.deepEqual(foreign("http://img.example.com/a.jpg"), { host: "img.example.com", url: "/a.jpg" });
    assert.equal(foreign("/tr:w-4/a.jpg"), undefined);
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
