import assert from "node:assert/strict";
import fc from "fast-check";
import { pathBelow, sampleOf, urlsIn } from "../src/urls.ts";

describe("the URLs of a migration", () => {
  it("are those of a list, a sitemap or an access log", () => {
    const list = "# photographs\nhttps://old.example/a.jpg\n\n/b.jpg?w=1\nnot a URL\n";
    assert.deepEqual(urlsIn(list), ["https://old.example/a.jpg", "/b.jpg?w=1"]);
    const sitemap = `<?xml version="1.0"?><urlset xmlns:image="x"><url><loc>https://old.example/page</loc>
      <image:image><image:loc>https://old.example/a.jpg?w=1&amp;h=2</image:loc></image:image>
      <image:image><image:loc><![CDATA[https://old.example/b.jpg]]></image:loc></image:image></url></urlset>`;
    assert.deepEqual(urlsIn(sitemap), [
      "https://old.example/page",
      "https://old.example/a.jpg?w=1&h=2",
      "https://old.example/b.jpg",
    ]);
    const log = `1.2.3.4 - - [30/Nov/2026:10:00:00 +0000] "GET /a.jpg?w=1 HTTP/1.1" 200 123 "-" "curl"
1.2.3.4 - - [30/Nov/2026:10:00:00 +0000] "POST /upload HTTP/1.1" 200 123 "-" "curl"
{"time":1,"request":{"method":"GET","url":"/b.jpg"}}
{"ClientRequestURI":"/c.jpg","ClientRequestHost":"old.example"}
{"broken`;
    assert.deepEqual(urlsIn(log), ["/a.jpg?w=1", "/b.jpg", "/c.jpg"]);
  });

  it("lie below the old service, whose path is taken away", () => {
    const base = new URL("https://res.example/demo");
    assert.equal(pathBelow("https://res.example/demo/image/a.jpg?x=1#top", base), "/image/a.jpg?x=1");
    assert.equal(pathBelow("/demo/image/a.jpg", base), "/image/a.jpg");
    assert.equal(pathBelow("/image/a.jpg", base), "/image/a.jpg");
    assert.equal(pathBelow("https://res.example/other/a.jpg", base), undefined);
    assert.equal(pathBelow("https://elsewhere.example/demo/a.jpg", base), undefined);
  });

  it("are sampled evenly, without repetition, in their order", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(), { maxLength: 300 }),
        fc.integer({ min: 1, max: 50 }),
        (all, count) => {
          const sample = sampleOf(all, count);
          assert.equal(sample.length, Math.min(all.length, count));
          assert.deepEqual(
            sample,
            all.filter((one) => sample.includes(one)),
          );
        },
      ),
    );
  });

  it("are read from any text without a failure", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const url of urlsIn(text)) assert.equal(typeof url, "string");
      }),
    );
  });
});
