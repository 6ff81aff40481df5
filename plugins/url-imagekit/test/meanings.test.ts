import assert from "node:assert/strict";
import fc from "fast-check";
import { urlImagekit } from "../src/index.ts";
import { codeThrown, exchangeFor, namedChains, tapsOf } from "./helpers.ts";

/** Few texts, so that many URLs have the same transformation. */
const chains = fc
  .array(
    fc.constantFrom("w-40", "h-1:rt-90", "n-thumb", "w-auto", "f-auto", "orig-true", "x-1", "di-b.jpg"),
    {
      maxLength: 2,
    },
  )
  .map((list) => list.join(","));
const urls = fc
  .record({
    first: chains,
    second: chains,
    query: fc.constantFrom(
      "",
      "?v=1",
      "?tr=w-40",
      "?tr=n-thumb&tr=w-1",
      "?ik-sanitizeSvg=true",
      "?ik-attachment=true",
    ),
    path: fc.constantFrom("a.jpg", "dir/b.png", "c.mp4", "ik-genimg-prompt-x.jpg"),
    ending: fc.constantFrom("", "/ik-thumbnail.jpg", "/ik-video.mp4", "/ik-gif-video.mp4", "/ik-master.m3u8"),
  })
  .map(({ first, second, query, path, ending }) =>
    [first && `tr:${first}/`, second && `tr:${second}/`, path, ending, query].join(""),
  );

const rules = [
  exchangeFor("").endpoint,
  { ...exchangeFor("").endpoint, autoVideo: true, autoFormat: false },
  { ...exchangeFor("").endpoint, namedTransformations: namedChains({ thumb: "w-5" }) },
];

describe("url-imagekit: transformations that were read before", () => {
  it("are the same frozen object for further URLs", () => {
    const { resolve } = tapsOf(urlImagekit());
    const endpoint = exchangeFor("").endpoint;
    const read = (url: string, headers = {}) =>
      resolve(exchangeFor(url, { headers }), endpoint)?.transformation;
    assert.equal(read("tr:w-40:rt-90/a.jpg"), read("tr:w-40:rt-90/b.jpg"));
    assert.ok(Object.isFrozen(read("tr:w-40:rt-90/a.jpg")?.steps[0]));
    assert.notDeepEqual(read("tr:w-auto/a.jpg", { width: "100" }), read("tr:w-auto/a.jpg", { width: "200" }));
  });

  it("are in the job as the URL writes them", () => {
    const { resolve } = tapsOf(urlImagekit());
    const endpoint = exchangeFor("").endpoint;
    const read = (url: string) => resolve(exchangeFor(url), endpoint)?.written;
    for (const _ of ["new", "known"]) {
      assert.equal(read("tr:w-40:rt-90/a.jpg?v=1"), "w-40:rt-90");
      assert.equal(read("a.jpg?tr=w-40%2Ch-20&ik-s=0123"), "w-40%2Ch-20");
      assert.equal(read("tr:h-1/a.jpg?tr=w-1"), "h-1:w-1");
      assert.equal(read("a.jpg"), undefined);
    }
  });

  it("give the jobs and claims that a language gives which has read nothing yet", () => {
    const { resolve, admit } = tapsOf(urlImagekit({ saveDataQuality: 40 }));
    const headers = fc.constantFrom({}, { "save-data": "on" }, { width: "120" });
    fc.assert(
      fc.property(urls, fc.constantFrom(...rules), headers, (url, endpoint, headers) => {
        const outcome = (taps: Pick<ReturnType<typeof tapsOf>, "resolve" | "admit">) => {
          const exchange = { ...exchangeFor(url, { headers }), endpoint };
          let job: ReturnType<typeof resolve>;
          const code = codeThrown(() => {
            job = taps.resolve(exchange, endpoint);
            if (job) taps.admit(exchange, job);
          });
          return { code, job, claims: exchange.claims };
        };
        assert.deepEqual(outcome({ resolve, admit }), outcome(tapsOf(urlImagekit({ saveDataQuality: 40 }))));
      }),
      { numRuns: 2000 },
    );
  });
});
